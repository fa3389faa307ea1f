"""Who is asking: `CurrentUser` for routes that need to know."""

import logging
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.auth.errors import SignInUnavailableError, UnauthorizedError
from app.auth.keys import (
    FixedKey,
    Keys,
    KeysUnavailableError,
    NoKey,
    PublishedKeys,
    UnknownKeyError,
)
from app.auth.tokens import Rules, TokenError, key_id, verify
from app.core.rate import RateLimiter
from app.core.settings import Settings
from app.db.session import Session
from app.users import service
from app.users.models import User

logger = logging.getLogger("app.auth")

# From the header only: a cookie would be sent by any page that makes a browser ask.
bearer = HTTPBearer(auto_error=False, scheme_name="session", bearerFormat="JWT",
                    description="Clerk's session token.")  # fmt: skip


class SignIn:
    """Verifies session tokens."""

    def __init__(self, keys: Keys, rules: Rules) -> None:
        self._keys = keys
        self._rules = rules

    async def subject(self, token: str) -> str:
        """Clerk's id of the user; UnauthorizedError or SignInUnavailableError."""
        try:
            key = await self._keys.find(key_id(token))
            return verify(token, key, self._rules)
        except KeysUnavailableError:
            raise SignInUnavailableError from None
        except (TokenError, UnknownKeyError) as error:
            logger.info("token refused: %s", error or type(error).__name__)
            raise UnauthorizedError from None


def create_sign_in(settings: Settings) -> SignIn:
    """As the settings say; a key of our own comes before Clerk's published ones."""
    keys: Keys = NoKey()
    if settings.clerk_jwt_key:
        keys = FixedKey(settings.clerk_jwt_key)
    elif url := settings.jwks_url():
        keys = PublishedKeys(url)
    parties = settings.clerk_authorized_parties or settings.allowed_origins
    return SignIn(keys, Rules(frozenset(parties), settings.clerk_issuer))


async def get_current_user(
    request: Request,
    session: Session,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User:
    """The signed-in user's row, made at first sight; UnauthorizedError for all others."""
    if credentials is None:
        raise UnauthorizedError
    sign_in: SignIn = request.app.state.sign_in
    try:
        subject = await sign_in.subject(credentials.credentials)
    except UnauthorizedError:
        # Only those who fail are counted: nobody is locked out for a neighbour's guesses.
        settings: Settings = request.app.state.settings
        limiter: RateLimiter = request.app.state.limiter
        await limiter.hit(request, "sign-in", settings.sign_in_failures)
        raise
    user = await service.ensure(session, subject)
    if user.deleted_at is not None:
        raise UnauthorizedError
    return user


CurrentUser = Annotated[User, Depends(get_current_user, scope="function")]
