"""Svix signatures: who sent a delivery, and when."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from app.webhooks.errors import InvalidSignatureError, NotConfiguredError

HEADERS = ("svix-id", "svix-timestamp", "svix-signature")

# Narrow on purpose. What is signed is `<id>.<timestamp>.<body>`: no id may hold a dot, or parts of
# one delivery could be read as another.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class Delivery(NamedTuple):
    """One attempt: its message's id stays over all attempts, the time is its own."""

    id: str
    sent_at: datetime


class Signatures:
    """Verifies with each of several secrets, so that one can take the other's place."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        self._webhooks = [Webhook(secret.get_secret_value()) for secret in secrets]

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """Whose signature fits and is at most five minutes old or early.

        InvalidSignatureError otherwise, NotConfiguredError without any secret.
        """
        if not self._webhooks:
            raise NotConfiguredError
        identity, sent, signature = (headers.get(name, "") for name in HEADERS)
        if not _ID.fullmatch(identity) or not _TIMESTAMP.fullmatch(sent):
            raise InvalidSignatureError
        # The library knows the standard's names of the headers only.
        named = {
            "webhook-id": identity,
            "webhook-timestamp": sent,
            "webhook-signature": signature,
        }
        for webhook in self._webhooks:
            try:
                webhook.verify(body, named, json_parse=False)
            except (WebhookVerificationError, ValueError):
                continue
            return Delivery(identity, datetime.fromtimestamp(int(sent), UTC))
        raise InvalidSignatureError
