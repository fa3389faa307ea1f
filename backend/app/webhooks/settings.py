"""Settings of the webhooks."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema
from pydantic_settings import BaseSettings, NoDecode

from app.core.fields import Count, split
from app.core.forms import Form

# Each is a key of 128 bits or more, in base64 behind its prefix.
SECRET = Form(
    r"whsec_[A-Za-z0-9+/]{22,}={0,2}",
    "must be like whsec_ and base64; several are separated by commas",
)


def _usable(secrets: list[SecretStr]) -> list[SecretStr]:
    if not all(SECRET.fits(secret.get_secret_value()) for secret in secrets):
        raise ValueError(SECRET.expected)
    return secrets


class WebhookSettings(BaseSettings):
    """What tells Clerk's deliveries from forged ones."""

    section: ClassVar[str] = "Webhooks"

    clerk_webhook_secret: Annotated[
        list[SecretStr],
        NoDecode,
        BeforeValidator(split),
        AfterValidator(_usable),
        WithJsonSchema(
            {
                "type": "array",
                "items": {"type": "string", "writeOnly": True} | SECRET.schema(),
                "x-separator": ",",
            }
        ),
    ] = Field(
        [],
        description="Secret that Clerk signs webhooks with; two, separated by a comma, while it "
        "is rotated. Without it the webhook answers 503.",
        examples=["whsec_cmVwbGFjZSBtZSByZXBsYWNlIG1l"],
    )
    webhook_rate: Count = Field(
        600, description="Webhook deliveries per minute from one address; more get 429."
    )
