"""One order as server-sent events."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from sse_starlette import ServerSentEvent

from api.dependencies import PersonOrMachineDep, ResourcesDep, ViewerDep
from api.live import Listener
from api.live.sse import RoomDep, Stream, described, written
from api.schemas.common import problems
from api.schemas.live import OrderNews
from services.following import Events, Happened, is_over
from services.orders import reading

router = APIRouter()

_EXAMPLE = """retry: 2500

id: 2
event: order
data: {"seq":2,"kind":"confirmed","from_status":"pending_payment","to_status":"confirmed","actor":"checkout", …}

"""


@router.get(
    "/{order_id}/events",
    operation_id="stream_order_events",
    summary="What happens to the order, live",
    response_class=Stream,
    status_code=200,
    responses={
        **described("Server-sent events: `order` for each entry of the timeline, then `end`.", _EXAMPLE),
        204: {"description": "All was seen, and nothing will follow: an EventSource stays away."},
        **problems(s404="There is no such order of yours.", s429="Too many requests, or streams at once."),
    },
)
async def stream_events(
    order_id: UUID,
    viewer: ViewerDep,
    caller: PersonOrMachineDep,
    resources: ResourcesDep,
    room: RoomDep,
    last_event_id: Annotated[
        int | None, Header(ge=0, lt=2**31, description="The `seq` last seen: only what came since is sent.")
    ] = None,
    last_id: Annotated[
        int | None,
        Query(alias="last_event_id", ge=0, lt=2**31, description="The same, where the header cannot be set."),
    ] = None,
) -> Response:
    """From the first event on, or from the `Last-Event-ID`. An order that is asked for and not placed yet is waited
    for. Ends with `end` once the order is cancelled or refunded, and before that with the access token."""
    seen = last_event_id if last_event_id is not None else last_id or 0
    async with resources.database.reading() as session:
        whole = await reading.one(session, order_id, viewer)
    if whole and is_over(whole.order, seen):
        return Response(status_code=204)
    if whole and seen > whole.order.version:  # of a database that was put back in time
        seen = 0
    events = Events(order_id, seen)
    followed = resources.live.follow(events.topic, events.look, Listener.of(caller))
    return Stream(written(followed, _event, at_end=ServerSentEvent(event="end", data="{}")))


def _event(happened: Happened) -> ServerSentEvent:
    data = OrderNews.of_news(happened).model_dump_json()
    return ServerSentEvent(id=str(happened.event.seq), event="order", data=data)
