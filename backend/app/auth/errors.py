"""Answers to those who can't be let in."""

from http import HTTPStatus

from app.core.errors import AppError, UnavailableError


class UnauthorizedError(AppError):
    """No valid token. Which of all reasons it is stays in the log: the caller might be guessing."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    sentence = "Sign in and send the session token as bearer token."

    def __init__(self) -> None:
        super().__init__({"WWW-Authenticate": "Bearer"})


class SignInUnavailableError(UnavailableError):
    """There is no key to verify tokens with: nobody is told to sign in again for that."""

    code = "sign_in_unavailable"
    sentence = "Nobody's sign-in can be verified at the moment."
