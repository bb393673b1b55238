"""Stock, for staff: where it lies, what moved it, who counts it, and how much there is of a SKU."""

from fastapi import APIRouter

from api.routes.inventory import changes, events, locations, sessions, stock
from api.schemas.common import NOT_SIGNED_IN, problems

router = APIRouter(tags=["inventory"], responses=problems(s401=NOT_SIGNED_IN, s403="Only staff keep stock."))
# `stock` comes last: its /inventory/{sku} would take the others' first words for SKUs.
for part in (locations, sessions, events, changes, stock):
    router.include_router(part.router, prefix="/inventory")
