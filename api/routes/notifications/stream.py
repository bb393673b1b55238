"""One's notifications as server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from sse_starlette import ServerSentEvent

from api.dependencies import CallerDep, ResourcesDep
from api.live import Listener
from api.live.sse import RoomDep, Stream, described, written
from api.schemas.common import problems
from api.schemas.live import PlaceText
from api.schemas.notifications import NotificationView
from services.following import Arrived, Notices, Place
from services.words import Speech

router = APIRouter()

_EXAMPLE = """id: 4711-00000000-0000-0000-0000-000000000000
retry: 2500

id: 4712-0199f0c2-7a41-7cc3-98c4-dc0c0c07398f
event: notification
data: {"id":"0199f0c2-7a41-7cc3-98c4-dc0c0c07398f","kind":"order_shipped","title":"Your order is on its way", …}

"""


@router.get(
    "/stream",
    operation_id="stream_notifications",
    summary="What the caller is told, live",
    response_class=Stream,
    status_code=200,
    responses={
        **described("Server-sent events: `notification`, whose data are as in the inbox.", _EXAMPLE),
        **problems(s403="A machine has no inbox.", s429="Too many requests, or streams at once."),
    },
)
async def stream_notifications(
    caller: CallerDep,
    resources: ResourcesDep,
    room: RoomDep,
    last_event_id: Annotated[
        PlaceText | None, Header(description="The last `id` seen: what came since is sent first.")
    ] = None,
    last_id: Annotated[
        PlaceText | None, Query(alias="last_event_id", description="The same, where the header cannot be set.")
    ] = None,
) -> Stream:
    """Without a `Last-Event-ID`, what comes from now on. Ends with the access token: come back with another one and the
    last id, and nothing is missed and nothing sent twice."""
    remembered = last_event_id or last_id
    notices = Notices(caller.id)
    async with resources.database.reading() as session:
        await notices.start(session, Place.parse(remembered) if remembered else None)
    followed = resources.live.follow(notices.topic, notices.look, Listener.of(caller))
    return Stream(written(followed, _event, begin_at=str(notices.place)))


def _event(arrived: Arrived) -> ServerSentEvent:
    view = NotificationView.of(arrived.told, Speech.of(arrived.language))
    return ServerSentEvent(id=str(arrived.place), event="notification", data=view.model_dump_json())
