"""Every model, so that the metadata is complete wherever this is imported."""

from app.db.base import Base
from app.notices.models import Notice, OutboxEntry
from app.users.models import User
from app.webhooks.models import WebhookDelivery

__all__ = ["Base", "Notice", "OutboxEntry", "User", "WebhookDelivery"]
