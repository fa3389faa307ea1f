"""Settings of the webhooks."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from app.core.fields import Count, split

_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{22,}={0,2}")


def _usable(secrets: list[SecretStr]) -> list[SecretStr]:
    """Each is a key of 128 bits or more, in base64 behind its prefix."""
    if not all(_SECRET.fullmatch(secret.get_secret_value()) for secret in secrets):
        raise ValueError("must be like whsec_ and base64; several are separated by commas")
    return secrets


class WebhookSettings(BaseSettings):
    """What tells Clerk's deliveries from forged ones."""

    clerk_webhook_secret: Annotated[
        list[SecretStr], NoDecode, BeforeValidator(split), AfterValidator(_usable)
    ] = Field(
        [],
        description="Secret that Clerk signs webhooks with; two, separated by a comma, while it "
        "is rotated. Without it the webhook answers 503.",
        examples=["whsec_cmVwbGFjZSBtZSByZXBsYWNlIG1l"],
    )
    webhook_rate: Count = Field(
        600, description="Webhook deliveries per minute from one address; more get 429."
    )
