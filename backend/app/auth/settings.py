"""Settings of Clerk: who may sign in, and how that is verified."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from app.core.fields import CommaSeparated, Count, in_production
from app.core.forms import Form


def _pem(text: str) -> str:
    """An RSA public key; the line breaks may be written as the two characters `\\n`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = text.replace("\\n", "\n").strip() + "\n"
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        # The library's text may quote what it could not read: maybe a private key.
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise ValueError("must be an RSA public key of 2048 bits or more in PEM")
    return pem


# An address that nobody on the way can answer for: https, or this machine.
WebAddress = Annotated[
    str,
    Form(
        r"https://[^\s/:]\S*|http://(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]\S*)?",
        "must be a URL that begins with https://",
    ),
    AfterValidator(lambda text: text.rstrip("/")),
]


class ClerkSettings(BaseSettings):
    """What verifying a session token needs: a key, or where the keys are published."""

    section: ClassVar[str] = "Clerk"

    clerk_secret_key: (
        Annotated[
            SecretStr,
            Form(
                r"sk_(?:test|live)_\S+",
                "must be a secret key of Clerk, which begins with sk_test_ or sk_live_",
            ),
        ]
        | None
    ) = Field(
        None,
        description="Clerk's secret key. Without it the service is degraded.",
        examples=["sk_test_replace_me"],
        json_schema_extra=in_production(
            **Form(
                r"sk_live_\S+", "must be a live key in production, which begins with sk_live_"
            ).schema()
        ),
    )
    clerk_jwt_key: Annotated[str, AfterValidator(_pem)] | None = Field(
        None,
        description="Public key that session tokens are verified with, in PEM (line breaks may be "
        "written as \\n); with it no network is needed. Clerk calls it the JWT public key.",
        examples=["-----BEGIN PUBLIC KEY-----\\nMIIB...\\n-----END PUBLIC KEY-----"],
    )
    clerk_issuer: WebAddress | None = Field(
        None,
        description="Clerk's Frontend API. Tokens of another issuer are refused; its keys are "
        "found below it, at /.well-known/jwks.json, when CLERK_JWT_KEY is not set.",
        examples=["https://clerk.example.com"],
    )
    clerk_jwks_url: WebAddress | None = Field(
        None,
        description="Where Clerk's keys are published, if it is not below CLERK_ISSUER.",
        examples=["https://clerk.example.com/.well-known/jwks.json"],
    )
    clerk_authorized_parties: CommaSeparated = Field(
        [],
        description="Origins whose tokens are accepted, separated by commas; ALLOWED_ORIGINS when "
        "not set.",
        examples=["http://localhost:3000"],
    )
    sign_in_failures: Count = Field(
        30, description="Tokens that one address may fail with in a minute before it gets 429."
    )

    def jwks_url(self) -> str | None:
        """Where the keys are published, as far as it is known."""
        if self.clerk_jwks_url:
            return self.clerk_jwks_url
        return f"{self.clerk_issuer}/.well-known/jwks.json" if self.clerk_issuer else None
