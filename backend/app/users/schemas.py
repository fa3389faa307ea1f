"""The shape of users in the API."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict


@cache
def zones() -> frozenset[str]:
    """The names of all time zones, the same on every host."""
    return frozenset((files("tzdata") / "zones").read_text().split())


def _zone(name: str) -> str:
    if name not in zones():
        raise ValueError("must be the name of a time zone like Europe/Berlin")
    return name


TimeZone = Annotated[
    str,
    Field(max_length=64, description="Name in the IANA database", examples=["Europe/Berlin"]),
    AfterValidator(_zone),
]
Locale = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
        description="Language, script and region (BCP 47)",
        examples=["de-CH"],
    ),
]
Onboarding = Annotated[
    Literal["new", "started", "completed", "skipped"],
    Field(description="How far the user has come with the introduction"),
]


class UserRead(BaseModel):
    """A user as they see themselves."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str | None
    display_name: str | None
    timezone: str
    locale: str
    onboarding: Onboarding
    created_at: datetime
    updated_at: datetime


@with_config(extra="forbid")
class UserChange(TypedDict, total=False):
    """What users may change; what is not given stays."""

    timezone: TimeZone
    locale: Locale
    onboarding: Onboarding
