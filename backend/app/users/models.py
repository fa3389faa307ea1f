"""The person who uses Delight; who they are is Clerk's to say."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, String, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class User(Base):
    """One row per person; `clerk_user_id` is the key that tokens carry.

    The row of a deleted account stays, empty: news of it that come late must not bring it back.
    """

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("gen_random_uuid()")
    )
    clerk_user_id: Mapped[str] = mapped_column(String(255), unique=True)
    # Not unique: an address can move from one Clerk account to another.
    email: Mapped[str | None] = mapped_column(String(320), index=True)
    display_name: Mapped[str | None] = mapped_column(String(255))
    timezone: Mapped[str] = mapped_column(String(64), server_default="UTC")
    # BCP 47.
    locale: Mapped[str] = mapped_column(String(35), server_default="en")
    onboarding: Mapped[str] = mapped_column(String(16), server_default="new")
    preferences: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    # When Clerk last changed what this row repeats; null until Clerk has told of it.
    clerk_updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
