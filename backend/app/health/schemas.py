"""The shape of the health answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

Status = Literal["healthy", "degraded", "unhealthy"]
CheckStatus = Literal["connected", "disconnected", "configured", "error"]


class Health(BaseModel):
    """Is the process up, and which one is it?"""

    status: Status
    timestamp: datetime
    version: str
    release: str


class CheckResult(BaseModel):
    """What one dependency answered; `error` is a fixed sentence, never an exception's text."""

    status: CheckStatus
    response_time_ms: float | None = None
    error: str | None = None


class DetailedHealth(Health):
    """The same with each dependency's state, as of `timestamp`."""

    checks: dict[str, CheckResult]
