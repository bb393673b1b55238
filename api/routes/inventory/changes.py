"""Corrections by hand, and moving units between locations."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.dependencies import ActorDep, ExpectedVersionDep, SessionDep
from api.idempotency import KeyedDep, RequiredKeyedDep, mark_replayed
from api.policies import StockKeeperDep
from api.rendering import json_response
from api.routes.inventory.showing import SkuPath, show, tag_of
from api.schemas.common import problems
from api.schemas.inventory.changes import AdjustmentBody, TransferBody
from api.schemas.inventory.stock import AdjustedView, MovementView, StockView
from domain.errors import BelowReserved, StockChanged, TooManyUnits
from services import inventory
from services.idempotency import once
from services.inventory import adjusting, reading

router = APIRouter()

_NOTHING_TO_BOOK = ""


@router.post(
    "/{sku}/adjustments",
    status_code=201,
    operation_id="adjust_stock",
    summary="Correct the units at a location, by a difference or by what they are set to",
    response_model=AdjustedView,
    responses={
        200: {"model": AdjustedView, "description": "It is as it shall be already: nothing was booked."},
        **problems(BelowReserved, StockChanged, TooManyUnits, s404="There is no such SKU, or no such location."),
    },
)
async def adjust_stock(
    sku: SkuPath, body: AdjustmentBody, keeper: StockKeeperDep, keyed: RequiredKeyedDep, actor: ActorDep,
    session: SessionDep, expected: ExpectedVersionDep, request: Request,
) -> Response:  # fmt: skip
    """`set_to` holds only while the location has `expected_on_hand` units. Units that orders hold cannot be taken."""

    async def make() -> str:
        movement_id = await adjusting.adjust(session, actor, sku, body.adjustment(), expected=expected)
        return str(movement_id) if movement_id else _NOTHING_TO_BOOK

    made = await once(session, keyed, make)
    if made.was_replayed:
        mark_replayed(request)
    picture = await inventory.picture(session, sku)
    if made.resource == _NOTHING_TO_BOOK:
        return json_response(AdjustedView.after(picture, None), headers=tag_of(picture))
    movement = MovementView.of(*await reading.movement(session, UUID(made.resource)))
    return json_response(AdjustedView.after(picture, movement), 201, headers=tag_of(picture))


@router.post(
    "/{sku}/transfers",
    status_code=201,
    operation_id="transfer_stock",
    summary="Move units that no order holds to another location",
    response_model=StockView,
    responses=problems(BelowReserved, TooManyUnits, s404="There is no such SKU, or no such location."),
)
async def transfer_stock(
    sku: SkuPath, body: TransferBody, keeper: StockKeeperDep, keyed: KeyedDep, actor: ActorDep,
    session: SessionDep, expected: ExpectedVersionDep, request: Request,
) -> Response:  # fmt: skip
    async def make() -> str:
        await adjusting.transfer(session, actor, sku, body.transfer(), expected=expected)
        return sku

    if (await once(session, keyed, make)).was_replayed:
        mark_replayed(request)
    return show(await inventory.picture(session, sku), 201)
