"""A session of a test user at Clerk, got as a browser gets one.

Tokens that the Backend API makes name no authorized party, and on production instances it makes none. So it is
asked for a ticket only; the ticket is exchanged at the Frontend API, which writes the origin that asks into
the token (claim `azp`). A development instance wants to know its browser first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from pydantic import Field

from delight.service import Strict

TICKET_S = 60  # how long a ticket is good for; it is used at once, and once
DEVELOPMENT = "sk_test_"


class ClerkError(Exception):
    """Clerk made no session; the text holds no key, ticket or token."""


class User(Strict):
    """A user whose sign-in is tried; `issuer` is Clerk's Frontend API, `path` is asked with the token."""

    id: str = Field(pattern=r"^user_\w+$")
    secret_key: str = Field(pattern=r"^sk_(test|live)_\S+$", repr=False)
    issuer: str = Field(pattern=r"^https?://[^/\s?#]+$")
    api: str = Field("https://api.clerk.com", pattern=r"^https?://[^/\s?#]+$")
    path: str = Field("/api/v1/users/me", pattern=r"^/\S*$")


@contextmanager
def signed_in(user: User, origin: str, timeout_s: float) -> Iterator[str]:
    """A session token of the user for pages at `origin`; the session is ended afterwards."""
    with requests.Session() as browser:
        browser.headers["Origin"] = origin

        def post(path: str, **given: Any) -> dict[str, Any]:
            return _answer(browser, f"{user.issuer}{path}", timeout_s, params=known, **given)

        known: dict[str, str] = {}
        ticket = _ticket(user, timeout_s)
        if user.secret_key.startswith(DEVELOPMENT):
            known = {"__clerk_db_jwt": str(post("/v1/dev_browser")["token"])}
        form = {"strategy": "ticket", "ticket": ticket}
        attempt = post("/v1/client/sign_ins", data=form)["response"]
        if attempt["status"] != "complete":
            raise ClerkError(
                f"Clerk says {attempt['status']}: a ticket is not enough for this user"
            )
        session = f"/v1/client/sessions/{attempt['created_session_id']}"
        try:
            yield str(post(f"{session}/tokens")["jwt"])
        finally:
            post(f"{session}/end")


def _ticket(user: User, timeout_s: float) -> str:
    """What lets somebody sign in as the user, once, without a password."""
    with requests.Session() as backend:
        backend.headers["Authorization"] = f"Bearer {user.secret_key}"
        wanted = {"user_id": user.id, "expires_in_seconds": TICKET_S}
        url = f"{user.api}/v1/sign_in_tokens"
        return str(_answer(backend, url, timeout_s, json=wanted)["token"])


def _answer(session: requests.Session, url: str, timeout_s: float, **given: Any) -> dict[str, Any]:
    """The document that a POST brings."""
    try:
        answer = session.post(url, timeout=timeout_s, allow_redirects=False, **given)
    except requests.RequestException as error:
        raise ClerkError(f"{url} does not answer ({type(error).__name__})") from error
    try:
        document = answer.json()
    except ValueError:
        document = {}
    if answer.status_code != 200 or not isinstance(document, dict):
        codes = [
            str(one.get("code")) for one in document.get("errors", []) if isinstance(one, dict)
        ]
        raise ClerkError(f"{url} answers {answer.status_code} {', '.join(codes)}".rstrip())
    return document
