"""Clerk's side of the webhook: events, signed as Svix signs."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"the first secret of the tests").decode()
NEXT_SECRET = "whsec_" + base64.b64encode(b"the second secret of the tests").decode()


def signature(body: bytes, identity: str, sent: str, secret: str = SECRET) -> str:
    """The value of svix-signature: HMAC-SHA256 of id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b".".join([identity.encode(), sent.encode(), body]), hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def headers(
    body: bytes, identity: str, sent: int | None = None, secret: str = SECRET
) -> dict[str, str]:
    """The headers of a delivery, sent now unless told otherwise."""
    when = str(int(time.time()) if sent is None else sent)
    return {
        "svix-id": identity,
        "svix-timestamp": when,
        "svix-signature": signature(body, identity, when, secret),
    }


def user(kind: str, updated_at: object, subject: str = "user_1", **changes: Any) -> bytes:
    """`user.created` or `user.updated`; the time is in milliseconds."""
    data = {
        "id": subject,
        "object": "user",
        "email_addresses": [
            {"id": "idn_1", "email_address": "old@example.com", "verification": {}},
            {"id": "idn_2", "email_address": "ada@example.com", "verification": {}},
        ],
        "primary_email_address_id": "idn_2",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "created_at": 1_700_000_000_000,
        "updated_at": updated_at,
    }
    return event(kind, data | changes)


def deleted(subject: str = "user_1", at: int = 1_700_000_900_000) -> bytes:
    """`user.deleted`."""
    data = {"deleted": True, "id": subject, "object": "user"}
    return event("user.deleted", data, timestamp=at)


def event(kind: str, data: object, **more: Any) -> bytes:
    """Any event."""
    return json.dumps({"data": data, "object": "event", "type": kind, **more}).encode()
