"""Every route of the API."""

from fastapi import APIRouter

from app.core.description import ANY_PROBLEM
from app.events.endpoints import router as events
from app.health.endpoints import router as health
from app.users.endpoints import router as users
from app.webhooks.endpoints import router as webhooks

router = APIRouter(prefix="/api/v1", responses=ANY_PROBLEM)
for domain in (health, users, webhooks, events):
    router.include_router(domain)
