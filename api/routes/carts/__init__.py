"""The cart of a user or a guest. Every answer has today's prices, what is left of each SKU, and what changed."""

from fastapi import APIRouter

from api.routes.carts import items, whole
from api.schemas.common import NOT_SIGNED_IN, problems

router = APIRouter(tags=["carts"], responses=problems(s401=NOT_SIGNED_IN))
for part in (whole, items):
    router.include_router(part.router, prefix="/carts")
