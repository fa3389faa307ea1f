"""Every route of the API."""

from fastapi import APIRouter

from app.health.endpoints import router as health
from app.users.endpoints import router as users

router = APIRouter(prefix="/api/v1")
for domain in (health, users):
    router.include_router(domain)
