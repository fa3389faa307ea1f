"""Clerk's events about users: read, and applied."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.users import service
from app.users.service import Profile


def _clean(text: str) -> str:
    """Without what PostgreSQL can't store."""
    return text.replace("\0", "").strip()


def _from_milliseconds(value: object) -> object:
    """Clerk's times are Unix times in milliseconds."""
    try:
        return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else value
    except (OverflowError, OSError):
        raise ValueError("must be a time in milliseconds") from None


Id = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
Text = Annotated[str, AfterValidator(_clean)]
Time = Annotated[datetime, BeforeValidator(_from_milliseconds)]


class Address(BaseModel):
    """One of a user's e-mail addresses."""

    id: str
    email_address: Text


class UserData(BaseModel):
    """The parts of `user.created` and `user.updated` that are kept here."""

    id: Id
    email_addresses: list[Address] = []
    primary_email_address_id: str | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    updated_at: Time

    def profile(self) -> Profile:
        """The same in our words, no longer than our columns."""
        emails = {address.id: address.email_address for address in self.email_addresses}
        email = emails.get(self.primary_email_address_id or "")
        name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return Profile(
            clerk_user_id=self.id,
            email=email if email and len(email) <= 320 else None,
            display_name=name[:255] or None,
            updated_at=self.updated_at,
        )


class DeletedData(BaseModel):
    """What `user.deleted` says."""

    id: Id


class UserChanged(BaseModel):
    """`user.created` or `user.updated`: both say all there is, so either may come first."""

    data: UserData

    async def apply(self, session: AsyncSession) -> None:
        """Take it over, unless newer news have been here."""
        await service.apply(session, self.data.profile())


class UserDeleted(BaseModel):
    """`user.deleted`."""

    data: DeletedData
    timestamp: Time = Field(default_factory=lambda: datetime.now(UTC))

    async def apply(self, session: AsyncSession) -> None:
        """Erase the user for good."""
        await service.erase(session, self.data.id, self.timestamp)


class Envelope(BaseModel):
    """What every event has."""

    type: str


Event = UserChanged | UserDeleted
EVENTS: dict[str, type[Event]] = {
    "user.created": UserChanged,
    "user.updated": UserChanged,
    "user.deleted": UserDeleted,
}


def read(body: bytes) -> Event | None:
    """The event, None if it is of no interest here; pydantic's ValidationError."""
    kind = EVENTS.get(Envelope.model_validate_json(body).type)
    return kind.model_validate_json(body) if kind else None
