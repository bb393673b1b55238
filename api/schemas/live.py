"""What is sent live: an order's events, and the messages of a socket, in both directions."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from api.schemas.common import Body
from api.schemas.notifications import NotificationView
from api.schemas.orders import EventView
from services.following import PLACE, Happened

PlaceText = Annotated[str, Field(pattern=f"^{PLACE}$", max_length=56)]


class OrderNews(EventView):
    """An event of the timeline; `to_status` is the order's state after it, `payment_status` the payment's by now."""

    payment_status: str

    @classmethod
    def of_news(cls, news: Happened) -> "OrderNews":
        event = EventView.of(news.event)
        return cls(**event.model_dump(), payment_status=news.order.payment_status)


class SignIn(Body):
    """The first message, within 10 seconds; later ones prolong the conversation with a new token of the same account.

    `last_event_id` is the `id` of the last notification that was seen: what came since is sent first.
    """

    type: Literal["auth"]
    token: Annotated[str, Field(max_length=4000)]
    last_event_id: PlaceText | None = None


class Ping(Body):
    type: Literal["ping"]


Said = TypeAdapter[SignIn | Ping](Annotated[SignIn | Ping, Field(discriminator="type")])
"""Whatever a client may say."""


class Ready(BaseModel):
    """Signed in: notifications follow. `id` is the place to come back with before one was seen."""

    type: Literal["ready"] = "ready"
    id: str | None = None


class Pong(BaseModel):
    type: Literal["pong"] = "pong"


class Pushed(BaseModel):
    type: Literal["notification"] = "notification"
    id: str
    notification: NotificationView


class Misunderstood(BaseModel):
    """The message before did nothing."""

    type: Literal["error"] = "error"
    detail: str
