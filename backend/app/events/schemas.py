"""The shape of events."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class NoticeRead(BaseModel):
    """A notice; `kind` says which text belongs to it, in whatever language the user reads."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    data: dict[str, Any]
    created_at: datetime
