"""How much there is of a SKU, and what made it so."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.dependencies import ActorDep, ExpectedVersionDep, ResourcesDep, SessionDep
from api.pagination import NamePageDep, PageDep, cut
from api.policies import StockKeeperDep, StockReaderDep
from api.routes.inventory.showing import SkuPath, show
from api.schemas.common import problems
from api.schemas.inventory.changes import ThresholdBody
from api.schemas.inventory.stock import MovementPage, MovementView, StockPage, StockSummary, StockView
from services import inventory
from services.inventory import adjusting, reading

router = APIRouter()

_NO_SKU = problems(s404="There is no such SKU.")


@router.get("", operation_id="list_stock", summary="Stock by SKU, over all locations")
async def list_stock(
    reader: StockReaderDep,
    resources: ResourcesDep,
    page: NamePageDep,
    low_stock: Annotated[bool, Query(description="Only SKUs with no more available than their threshold.")] = False,
) -> StockPage:
    async with resources.database.reading() as session:
        rows = await reading.page(session, page.limit + 1, page.after, is_low=low_stock)
    shown = rows[: page.limit]
    items = [StockSummary.of(total) for total in shown]
    return StockPage(items=items, next_cursor=page.next_cursor(rows, shown[-1].sku if shown else None))


@router.get(
    "/{sku}",
    operation_id="get_stock",
    summary="What is there of a SKU, over all locations and at each, and which orders hold it",
    response_model=StockView,
    responses=_NO_SKU,
)
async def get_stock(sku: SkuPath, reader: StockReaderDep, resources: ResourcesDep) -> Response:
    async with resources.database.snapshot() as session:
        return show(await inventory.picture(session, sku))


@router.patch(
    "/{sku}",
    operation_id="change_stock_threshold",
    summary="Say below how many units the SKU is low",
    response_model=StockView,
    responses=_NO_SKU,
)
async def change_threshold(
    sku: SkuPath, body: ThresholdBody, keeper: StockKeeperDep, actor: ActorDep, session: SessionDep,
    expected: ExpectedVersionDep,
) -> Response:  # fmt: skip
    await adjusting.set_threshold(session, actor, sku, body.low_stock_threshold, expected=expected)
    return show(await inventory.picture(session, sku))


@router.get(
    "/{sku}/movements",
    operation_id="list_stock_movements",
    summary="The ledger of a SKU at all locations, the newest first",
    responses=_NO_SKU,
)
async def list_movements(sku: SkuPath, reader: StockReaderDep, resources: ResourcesDep, page: PageDep) -> MovementPage:
    async with resources.database.reading() as session:
        rows = await reading.movements(session, sku, page.limit + 1, page.after[1] if page.after else None)
    shown, following = cut(rows, page, lambda row: (row[0].at, row[0].id))
    items = [MovementView.of(movement, location) for movement, location in shown]
    return MovementPage(items=items, next_cursor=following)
