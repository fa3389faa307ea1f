"""Filters that fingerprint values without giving them away."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

ROUNDS = 10  # bcrypt's cost, as a power of two


def keyed_digest(value: Any, key: str) -> str:
    """Return a 16-digit fingerprint of any JSON value, of no use without the key."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def htpasswd(password: str, username: str, key: str) -> str:
    """Return the line of an htpasswd file, with a bcrypt hash.

    The salt is made from the login and a secret key: another one for each login, and the same on
    every run. Raises AnsibleFilterError for a password that bcrypt can't take, as one above 72 bytes.
    """
    import bcrypt

    # The last digit carries two bits only: `.` keeps the salt canonical.
    salt = keyed_digest(["salt", username], key) + hashlib.sha256(username.encode()).hexdigest()[:5]
    try:
        found = bcrypt.hashpw(password.encode(), f"$2b${ROUNDS:02d}${salt}.".encode())
    except ValueError as error:
        raise AnsibleFilterError(f"the password of {username} can't be hashed: {error}") from error
    return f"{username}:{found.decode()}\n"


class FilterModule:
    """The filters of this file, by the name templates call them."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name → filter."""
        return {"htpasswd": htpasswd, "keyed_digest": keyed_digest}
