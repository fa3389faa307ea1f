"""GET /events."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.auth.dependencies import CurrentUser
from app.core.limits import NO_TIME_LIMIT
from app.events.streams import Streams

router = APIRouter(prefix="/events", tags=["events"])

# `no-transform`: a proxy that compresses would hold events back.
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
LastEventId = Annotated[
    int,
    Header(
        alias="Last-Event-ID",
        ge=0,
        lt=2**63,
        description="Id of the last event that the client has seen: the stream begins after it.",
    ),
]


class StreamResponse(StreamingResponse):
    """A stream that has its place from the first to the last byte, however the answer ends."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, user_id: UUID, last_id: int) -> None:
        super().__init__(streams.events(user_id, last_id), headers=HEADERS)
        self._place = streams.place(user_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what `place` raises comes before the answer begins."""
        with self._place:
            await super().__call__(scope, receive, send)


@router.get(
    "",
    status_code=200,
    response_class=StreamResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    dependencies=[NO_TIME_LIMIT],
)
async def read_events(
    request: Request, user: CurrentUser, last_event_id: LastEventId = 0
) -> StreamResponse:
    """The signed-in user's notices as server-sent events, from the first one kept."""
    streams: Streams = request.app.state.streams
    return StreamResponse(streams, user.id, last_event_id)
