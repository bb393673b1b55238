"""For staff: orders under way, found by what they wait for or are stuck in, and steered many at once."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import KeyedDep, mark_replayed
from api.policies import OrderDeciderDep, OrderReaderDep
from api.schemas.common import problems
from api.schemas.steering.acting import ActionAnswer, ActionBody, Age, Name, Stuck
from api.schemas.steering.looking import UnderWay, UnderWayPage
from api.steering import cursors, finding
from api.steering.finding import Wanted
from api.steering.many import Many
from api.steering.sending import Act
from domain.errors import InvalidCursor
from domain.orders import OrderStatus, PaymentMethod
from services.orders import reading

router = APIRouter()


@router.get(
    "/orders",
    operation_id="find_orders_under_way",
    summary="Orders under way, by what they wait for or are stuck in; the newest first",
    responses=problems(InvalidCursor, s403="Only staff see this."),
)
async def find_orders(
    staff: OrderReaderDep,
    resources: ResourcesDep,
    waiting_for: Annotated[Name | None, Query(description="Such as `staff` or `retry_stuck`.")] = None,
    stuck: Annotated[Stuck | None, Query()] = None,
    older_than: Annotated[Age | None, Query()] = None,
    payment_method: PaymentMethod | None = None,
    status: OrderStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many items to return.")] = 20,
    cursor: Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before.")] = None,
) -> UnderWayPage:
    """From Temporal's list, which is a moment behind: an order that has just moved may still show."""
    wanted = Wanted(waiting_for, stuck, older_than, payment_method, status)
    secret, of = resources.settings.token_signing_key, repr(wanted)
    token = cursors.unseal(secret, of, cursor)
    runs, following = await finding.page(resources.temporal, wanted, limit, token)
    async with resources.database.reading() as session:
        standings = await reading.standings(session, [run.order_id for run in runs])
    return UnderWayPage(
        items=[UnderWay.of(run, standings.get(run.order_id)) for run in runs],
        next_cursor=cursors.seal(secret, of, following),
    )


@router.post(
    "/orders/actions",
    operation_id="act_on_orders",
    summary="Retry, cancel, confirm, reject or hold for longer: many orders at once",
    responses=problems(s403="Only staff decide."),
)
async def act_on_orders(
    body: ActionBody, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request,
) -> ActionAnswer:  # fmt: skip
    """What the state of an order forbids is answered for that order alone; the others are told, and go on then."""
    act = Act(body.action, str(staff.id), body.reason, body.minutes)
    many = Many(resources.database, resources.temporal, resources.settings.task_queue)
    answer, was_seen = await many.act(act, body.wanted, keyed, actor)
    if was_seen:
        mark_replayed(request)
    return ActionAnswer.model_validate(answer)
