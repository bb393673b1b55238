"""For those who run the shop: does everything add up, and which orders are under way."""

from fastapi import APIRouter

from api.routes.operations import invariants, orders
from api.schemas.common import NOT_SIGNED_IN, problems

router = APIRouter(prefix="/ops", tags=["operations"], responses=problems(s401=NOT_SIGNED_IN))
for part in (invariants, orders):
    router.include_router(part.router)
