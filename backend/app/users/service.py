"""Find, create, change and erase users. All of it may run at once for the same person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.notices import service as notices
from app.users.models import User


@dataclass(frozen=True)
class Profile:
    """What Clerk says of a person as of `updated_at`."""

    clerk_user_id: str
    email: str | None
    display_name: str | None
    updated_at: datetime


def _by_clerk_id(clerk_user_id: str) -> Select[User]:
    return select(User).where(User.clerk_user_id == clerk_user_id)


async def find(session: AsyncSession, clerk_user_id: str) -> User | None:
    """The user, deleted ones included."""
    return await session.scalar(_by_clerk_id(clerk_user_id))


async def create(session: AsyncSession, clerk_user_id: str, **values: Any) -> User | None:
    """The new user; None if there is one already. Users come to be here and nowhere else."""
    statement = (
        insert(User)
        .values(clerk_user_id=clerk_user_id, **values)
        .on_conflict_do_nothing(index_elements=[User.clerk_user_id])
        .returning(User)
    )
    user = await session.scalar(statement)
    if user is not None:
        await notices.promise(session, user.id, notices.WELCOME)
    return user


async def ensure(session: AsyncSession, clerk_user_id: str) -> User:
    """The user of a valid token, who may come before Clerk has told of them."""
    user = await find(session, clerk_user_id) or await create(session, clerk_user_id)
    # None: another transaction was first, and `create` has waited for its end.
    return user or (await session.scalars(_by_clerk_id(clerk_user_id))).one()


async def apply(session: AsyncSession, profile: Profile) -> None:
    """Take over what Clerk says, unless the user is deleted or newer news have been here."""
    told = {
        "email": profile.email,
        "display_name": profile.display_name,
        "clerk_updated_at": profile.updated_at,
    }
    if await create(session, profile.clerk_user_id, **told) is None:
        older = or_(User.clerk_updated_at.is_(None), User.clerk_updated_at <= profile.updated_at)
        await session.execute(
            update(User)
            .where(User.clerk_user_id == profile.clerk_user_id, User.deleted_at.is_(None), older)
            .values(**told)
        )


async def erase(session: AsyncSession, clerk_user_id: str, at: datetime) -> None:
    """Leave only the fact that the account was deleted, even if it was never known."""
    default = text("DEFAULT")
    erased = await session.scalar(
        insert(User)
        .values(clerk_user_id=clerk_user_id, deleted_at=at)
        .on_conflict_do_update(
            index_elements=[User.clerk_user_id],
            set_={
                "email": None,
                "display_name": None,
                "timezone": default,
                "locale": default,
                "onboarding": default,
                "preferences": default,
                "updated_at": default,
                "deleted_at": at,
            },
            where=User.deleted_at.is_(None),
        )
        .returning(User.id)
    )
    if erased is not None:
        await notices.forget(session, erased)


async def change(session: AsyncSession, user: User, **values: Any) -> User:
    """Set these columns."""
    for name, value in values.items():
        setattr(user, name, value)
    await session.flush()
    await session.refresh(user)
    return user
