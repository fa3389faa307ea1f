"""Settings of the worker."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings

from app.core.fields import Seconds


class WorkerSettings(BaseSettings):
    """How the worker works, and what it cleans up."""

    section: ClassVar[str] = "Worker"

    worker_concurrency: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, description="Jobs that one worker runs at once, at most."
    )
    job_timeout: Seconds = Field(
        20,
        description="Seconds a job may take; below GRACEFUL_TIMEOUT, so that a stop ends none.",
    )
    sweep_interval: Annotated[int, Field(ge=1, le=3600)] = Field(
        60, description="Seconds between two sweeps: one worker of all looks for what was missed."
    )
    sweep_age: Annotated[int, Field(ge=0, le=3600)] = Field(
        30, description="Seconds after which a notice that was not sent is queued again."
    )
    notices_kept_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        90, description="Days after which notices are removed."
    )
    heartbeat_file: str | None = Field(
        None,
        description="File in which the worker says that it is well. The health check of a "
        "container reads it where this is set, and asks PORT where not.",
        # Nobody else writes there in a container.
        examples=["/tmp/heartbeat"],  # noqa: S108 # nosec B108
    )
