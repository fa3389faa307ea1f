"""Settings of what the service tells of itself to others; without them it tells nobody."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from app.core.forms import Form

# A key, a host and a project.
DSN = Form(
    r"https?://[^\s@/:]+(?::[^\s@/]*)?@[^\s@/:?#]+(?::[1-9]\d{0,4})?/[^\s?#]*[^\s/?#]",
    "must be a DSN like https://key@host/project",
)


def _collector(text: str) -> str:
    """A URL without a path that the exporter would add to twice."""
    try:
        url = urlsplit(text)
        complete = bool(url.hostname) and url.username is None and not url.query
    except ValueError:
        complete = False
    if not complete or url.scheme not in {"https", "http"}:
        raise ValueError("must be a URL like http://collector:4318, without user or query")
    return text.rstrip("/").removesuffix("/v1/traces")


HEADERS = Form(
    r"[^=,]+=[^,]*(?:,[^=,]+=[^,]*)*", "must be pairs like name=value, separated by commas"
)


class ObservabilitySettings(BaseSettings):
    """Error reports and traces."""

    section: ClassVar[str] = "Errors and traces"

    sentry_dsn: Annotated[SecretStr, DSN] | None = Field(
        None,
        description="Where unforeseen errors are reported (Sentry); nowhere when not set.",
        examples=["https://key@sentry.example.com/1"],
    )
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_collector)] | None = Field(
        None,
        description="OpenTelemetry collector that gets the traces, OTLP over HTTP; none are made "
        "when not set.",
        examples=["http://localhost:4318"],
    )
    otel_exporter_otlp_headers: Annotated[SecretStr, HEADERS] | None = Field(
        None,
        description="Headers for the collector, as name=value separated by commas.",
        examples=["api-key=replace_me"],
    )
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = Field(
        1, description="Share of the traces that begin here which are kept, from 0 to 1."
    )

    def otlp_headers(self) -> dict[str, str]:
        """The collector's headers."""
        secret = self.otel_exporter_otlp_headers
        pairs = secret.get_secret_value().split(",") if secret else []
        return {name.strip(): value.strip() for name, _, value in (p.partition("=") for p in pairs)}
