"""Answers to deliveries that are refused."""

from http import HTTPStatus

from app.core.errors import AppError, UnavailableError


class NotConfiguredError(UnavailableError):
    """CLERK_WEBHOOK_SECRET is not set. The sender tries again later."""

    code = "webhook_not_configured"
    sentence = "Webhooks can't be verified here."


class InvalidSignatureError(AppError):
    """Forged, changed, too old, or not signed at all: which one is not told."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_signature"
    sentence = "The delivery is not signed as it has to be."


class ReplayedError(AppError):
    """The very delivery that has been here before."""

    status = HTTPStatus.CONFLICT
    code = "replayed"
    sentence = "This delivery has been received before."
