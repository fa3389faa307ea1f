"""Every model, so that the metadata is complete wherever this is imported."""

from app.db.base import Base
from app.users.models import User
from app.webhooks.models import WebhookDelivery

__all__ = ["Base", "User", "WebhookDelivery"]
