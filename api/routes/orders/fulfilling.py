"""What staff do with an order after its checkout: pack it, ship it, hand it over."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import ActorDep, Resources, ResourcesDep
from api.fulfilments import Judge
from api.idempotency import KeyedDep, mark_replayed
from api.policies import OrderDeciderDep
from api.routes.orders.showing import show_now
from api.schemas.common import problems
from api.schemas.fulfilment import DeliverBody, ShipBody
from api.schemas.orders import NoteBody, OrderView
from domain.errors import CashMismatch, NotAllowedInState, OverShipment, PaymentRefused
from domain.messages.fulfilment import Command, Instruction
from domain.money import Money
from models.orders import Order
from services.audit import Actor
from services.fulfilment import delivering, shipping
from services.idempotency import KeyedRequest
from services.orders.reading import Viewer

router = APIRouter()

_USUAL = {"s403": "Only staff do this.", "s404": "There is no such order."}


@router.post(
    "/{order_id}/process",
    operation_id="process_order",
    summary="Begin to pack a confirmed order",
    response_model=OrderView,
    responses=problems(NotAllowedInState, **_USUAL, s409="The order is not confirmed, or further on."),
)
async def process(
    order_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: NoteBody | None = None,
) -> Response:  # fmt: skip
    async def judge(session: AsyncSession, order: Order) -> None:
        """Its state says it all."""

    instruction = Instruction(Command.PROCESS, str(staff.id), body.note if body else None)
    return await _tell(resources, request, actor, order_id, instruction, keyed, judge)


@router.post(
    "/{order_id}/ship",
    operation_id="ship_order",
    summary="Ship all that is left of an order, or some of it",
    response_model=OrderView,
    responses=problems(
        NotAllowedInState, OverShipment, PaymentRefused, **_USUAL,
        s402="The money is taken at shipping, and the provider refused: nothing was shipped.",
        s409="The order is not being processed, or less is left to ship.",
    ),
)  # fmt: skip
async def ship(
    order_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: ShipBody,
) -> Response:  # fmt: skip
    async def judge(session: AsyncSession, order: Order) -> None:
        await shipping.units_to_ship(session, order.id, body.units)

    instruction = Instruction(
        Command.SHIP,
        str(staff.id),
        body.note,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
        lines=body.units,
    )
    return await _tell(resources, request, actor, order_id, instruction, keyed, judge)


@router.post(
    "/{order_id}/deliver",
    operation_id="deliver_order",
    summary="Hand a shipped order over: cash that was due is booked with it",
    response_model=OrderView,
    responses=problems(
        NotAllowedInState, CashMismatch, **_USUAL,
        s409="The order is not shipped, or further on.",
        s422="The body is not valid, or the cash is not what is `due`.",
    ),
)  # fmt: skip
async def deliver(
    order_id: UUID, staff: OrderDeciderDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep,
    request: Request, body: DeliverBody | None = None,
) -> Response:  # fmt: skip
    collected = body.cod_collected if body else None
    cash = (
        collected if collected is None or isinstance(collected, bool) else Money(collected.amount, collected.currency)
    )

    async def judge(session: AsyncSession, order: Order) -> None:
        delivering.require_cash(order, cash)

    instruction = Instruction(
        Command.DELIVER,
        str(staff.id),
        body.note if body else None,
        cash=cash.amount if isinstance(cash, Money) else None,
    )
    return await _tell(resources, request, actor, order_id, instruction, keyed, judge)


async def _tell(
    resources: Resources,
    request: Request,
    actor: Actor,
    order_id: UUID,
    instruction: Instruction,
    keyed: KeyedRequest | None,
    judge: Judge,
) -> Response:
    if await resources.fulfilments.tell(order_id, instruction, keyed, actor, judge):
        mark_replayed(request)
    viewer = Viewer(UUID(instruction.by), is_staff=True)
    return await show_now(resources.database, request, order_id, viewer)
