"""One transaction per request."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.core.errors import UnavailableError
from app.db.reasons import is_outage
from app.worker.queue import WANTED

logger = logging.getLogger("app.db")

Sessions = async_sessionmaker[AsyncSession]


def create_sessions(engine: AsyncEngine) -> Sessions:
    """A maker of sessions whose objects stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session that connects when first used; an error rolls back.

    The commit comes before the answer is sent (`scope="function"`): what was answered is stored,
    and no stream holds a connection. The jobs that the request wants are put after it. Raises
    UnavailableError when the database can't be used.
    """
    sessions: Sessions = request.app.state.sessions
    try:
        async with sessions.begin() as session:
            yield session
        request.app.state.queue.put_soon(session.info.pop(WANTED, ()))
    except (SQLAlchemyError, OSError) as error:
        if (reason := is_outage(error)) is None:
            raise
        logger.warning("database does not work: %s", reason)
        raise UnavailableError from error


Session = Annotated[AsyncSession, Depends(get_session, scope="function")]
