"""What ran low, out, or came back."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import ResourcesDep
from api.pagination import PageDep, cut
from api.policies import StockReaderDep
from api.schemas.inventory.stock import StockEventPage, StockEventView
from models.inventory import StockEventKind
from services.inventory import events

router = APIRouter(prefix="/events")


@router.get("", operation_id="list_stock_events", summary="SKUs that ran low, out, or came back, the newest first")
async def list_events(
    reader: StockReaderDep,
    resources: ResourcesDep,
    page: PageDep,
    sku: Annotated[str | None, Query(max_length=64, description="Only of this SKU.")] = None,
    kind: Annotated[StockEventKind | None, Query(description="Only of this kind.")] = None,
) -> StockEventPage:
    async with resources.database.reading() as session:
        rows = await events.page(session, page.limit + 1, page.after[1] if page.after else None, sku=sku, kind=kind)
    shown, following = cut(rows, page, lambda row: (row.at, row.id))
    return StockEventPage(items=[StockEventView.of(event) for event in shown], next_cursor=following)
