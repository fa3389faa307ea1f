"""Settings of the streams of events."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings

from app.core.fields import Count, Seconds


class EventSettings(BaseSettings):
    """How many streams, and for how long."""

    section: ClassVar[str] = "Events"

    events_max_streams: Count = Field(
        500, description="Streams that one process holds, at most; more are answered with 503."
    )
    events_max_streams_per_user: Count = Field(
        10, description="Streams of one user in one process, at most; more are answered with 429."
    )
    events_heartbeat: Seconds = Field(
        15, description="Seconds after which an idle stream says that it lives, and looks itself."
    )
    events_max_age: Seconds = Field(
        900, description="Seconds after which a stream ends, so that its client signs in again."
    )
    events_retry: Annotated[int, Field(ge=0, le=60_000)] = Field(
        1000, description="Milliseconds that a client waits before it connects again."
    )
