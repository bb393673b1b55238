"""Stock, for staff."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.dependencies import SessionDep
from api.policies import StockReaderDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.inventory import StockView
from services import inventory

router = APIRouter(prefix="/inventory", tags=["inventory"], responses=problems(s401=NOT_SIGNED_IN))


@router.get(
    "/{sku}",
    operation_id="get_stock",
    summary="What is there of a SKU, over all locations",
    response_model=StockView,
    responses=problems(s403="Only staff see stock.", s404="There is no such SKU."),
)
async def get_stock(sku: Annotated[str, Path(max_length=64)], reader: StockReaderDep, session: SessionDep) -> Response:
    return json_response(StockView.of(await inventory.picture(session, sku)), is_tagged=True)
