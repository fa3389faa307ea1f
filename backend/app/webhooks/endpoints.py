"""POST /webhooks/clerk."""

from fastapi import APIRouter, Depends, Request, status
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.core.description import problems
from app.core.errors import TooManyRequestsError
from app.core.rate import RateLimiter
from app.core.settings import Settings
from app.db.session import Session
from app.webhooks import clerk, deliveries
from app.webhooks.errors import InvalidSignatureError, NotConfiguredError, ReplayedError
from app.webhooks.signatures import HEADERS, Signatures


async def limit_rate(request: Request) -> None:
    """So many deliveries a minute, verified or not."""
    settings: Settings = request.app.state.settings
    limiter: RateLimiter = request.app.state.limiter
    await limiter.hit(request, "webhook", settings.webhook_rate)


router = APIRouter(prefix="/webhooks", tags=["webhooks"], dependencies=[Depends(limit_rate)])


# Described, not declared: the body is signed as it came, and no refusal says which part is wrong.
DELIVERY = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in HEADERS
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": clerk.Envelope.model_json_schema()}},
    },
}


@router.post(
    "/clerk",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        InvalidSignatureError, ReplayedError, TooManyRequestsError, NotConfiguredError
    ),
    openapi_extra=DELIVERY,
)
async def receive_clerk(request: Request, session: Session) -> None:
    """Take over what Clerk says of users; 204 too for events that are of no interest here."""
    signatures: Signatures = request.app.state.webhook_signatures
    body = await request.body()
    delivery = signatures.verify(body, request.headers)
    if await deliveries.record(session, delivery):
        if (event := _read(body)) is not None:
            await event.apply(session)
        await deliveries.prune(session)


def _read(body: bytes) -> clerk.Event | None:
    """The event, or an answer that names what is not as described."""
    try:
        return clerk.read(body)
    except ValidationError as error:
        problems = [{**entry, "loc": ("body", *entry["loc"])} for entry in error.errors()]
        raise RequestValidationError(problems) from None
