"""Reports of unforeseen errors. Imported only when SENTRY_DSN is set: it costs start-up time."""

from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from app.core import request_id
from app.core.redact import Redactor

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

    from app.core.settings import Settings

# Parts of a report that may say who was served; nothing puts them there, and nothing shall.
PERSONAL = ("user", "request", "server_name")
FLUSH_TIMEOUT = 2  # seconds


def start(settings: "Settings", dsn: str, component: str) -> None:
    """Report each log record of level ERROR and above, with its exception and no variable.

    Records carry all there is to say: the requests' errors are logged where they are caught. The
    integrations that look into frameworks are left out, since they attach what callers sent.
    """
    redactor = Redactor(settings.secret_values())

    def clean(event: "Event", _: "Hint") -> "Event":
        return scrub(event, redactor)

    sentry_sdk.init(
        dsn=dsn,
        release=settings.release,
        environment=settings.environment,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        auto_enabling_integrations=False,
        default_integrations=False,
        integrations=[
            LoggingIntegration(),
            ExcepthookIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
        ],
        shutdown_timeout=FLUSH_TIMEOUT,
        before_send=clean,
        before_breadcrumb=lambda crumb, _: redactor.anonymous(crumb),
    )
    sentry_sdk.set_tag("component", component)


def scrub(event: "Event", redactor: Redactor) -> "Event":
    """The report without secrets and without persons, with the request's id."""
    kept: Any = {key: value for key, value in event.items() if key not in PERSONAL}
    if (current := request_id.current.get()) is not None:
        kept["tags"] = {**kept.get("tags", {}), "request_id": current}
    cleaned: Event = redactor.anonymous(kept)
    return cleaned


def stop() -> None:
    """Send what waits to be sent, for two seconds at most."""
    sentry_sdk.flush(FLUSH_TIMEOUT)
