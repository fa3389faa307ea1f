"""What a deployed environment must answer, and what is wrong with an answer. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from delight.clerk import User
from delight.errors import ConfigError
from delight.schema import explain
from delight.service import Path, Strict

URL = re.compile(r"https?://[^/\s?#]+")


class Check(Strict):
    """One question to the environment, and the answer that is right."""

    path: Path = "/"
    status: int = Field(200, ge=100, le=599)
    text: str = Field("", description="What the body has somewhere in it.")
    json_: dict[str, str | int | float | bool] = Field(
        {}, alias="json", description="Dotted path in a JSON body to the value it must have."
    )


@dataclass(frozen=True)
class Answer:
    """What came back; `error` says why nothing did. `took_s` is in seconds."""

    status: int = 0
    body: str = ""
    error: str = ""
    took_s: float = 0.0

    def document(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def validate(url: Any, checks: Any) -> dict[str, Check]:
    """{name: Check}, or a ConfigError that names every mistake by its path."""
    mistakes = []
    found = {}
    if not isinstance(url, str) or not URL.fullmatch(url.rstrip("/")):
        mistakes.append("smoke_url: must be a base URL such as https://delight.example.com")
    if not isinstance(checks, dict) or not checks:
        mistakes.append("smoke_checks: must be a mapping of names to checks, with one at least")
        checks = {}
    for name, data in checks.items():
        try:
            found[name] = Check.model_validate(data)
        except ValidationError as error:
            mistakes += explain(f"smoke_checks.{name}", error)
    if mistakes:
        raise ConfigError(mistakes)
    return found


def user_of(given: Any) -> User | None:
    """The user whose sign-in is asked for, None without an id, or a ConfigError; never with the key."""
    if not given or not given.get("id"):
        return None
    try:
        return User.model_validate(given)
    except ValidationError as error:
        raise ConfigError(explain("smoke_user", error)) from None


def judge(check: Check, answer: Answer) -> str:
    """What is wrong with an answer; empty when it is right."""
    if answer.error:
        return answer.error
    if answer.status != check.status:
        return f"status {answer.status}, expected {check.status}"
    if check.text and check.text not in answer.body:
        return f"the answer has no {check.text!r} in it"
    if check.json_ and answer.document() is None:
        return "the answer is no JSON"
    for path, wanted in check.json_.items():
        found = at(answer.document(), path)
        if found != wanted:
            return f"{path} is {'missing' if found is None else repr(found)}, expected {wanted!r}"
    return ""


def at(document: Any, path: str) -> Any:
    """The value at a dotted path of a JSON document; None where there is none."""
    for key in path.split("."):
        if not isinstance(document, Mapping) or key not in document:
            return None
        document = document[key]
    return document


def missing_release(wanted: str, answers: Iterable[Answer]) -> str:
    """What is wrong if no answer names the wanted release; empty where any will do.

    A service that a release left as it was goes on naming the one that it was started with.
    """
    named = {str(at(answer.document(), "release")) for answer in answers} - {"None"}
    if not wanted or wanted in named:
        return ""
    return f"no answer is of release {wanted}, but of {', '.join(sorted(named)) or 'none'}"
