"""GET /health and GET /health/detailed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from app.health.monitor import HealthMonitor
from app.health.schemas import DetailedHealth, Health

router = APIRouter(prefix="/health", tags=["health"])


async def get_monitor(request: Request) -> HealthMonitor:
    """The process's monitor, made at start. (Not async, it would run in a thread.)"""
    monitor: HealthMonitor = request.app.state.health
    return monitor


Monitor = Annotated[HealthMonitor, Depends(get_monitor)]


@router.get("")
async def health(monitor: Monitor, response: Response) -> Health:
    """Is the process up, and which release is it? Asks no dependency."""
    response.headers["Cache-Control"] = "no-store"
    return monitor.brief()


@router.get(
    "/detailed",
    response_model_exclude_none=True,
    responses={status.HTTP_503_SERVICE_UNAVAILABLE: {"model": DetailedHealth}},
)
async def detailed_health(monitor: Monitor, response: Response) -> DetailedHealth:
    """Is the service ready? 503 when it is unhealthy; degraded is still 200."""
    answer = await monitor.detailed()
    response.headers["Cache-Control"] = "no-store"
    if answer.status == "unhealthy":
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return answer
