"""Every model, so that the metadata is complete wherever this is imported."""

from app.db.base import Base
from app.users.models import User

__all__ = ["Base", "User"]
