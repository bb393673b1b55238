"""Orders, split by who acts: the shopper checks out, anyone entitled reads, staff decide."""

from fastapi import APIRouter

from api.routes.orders import checkout, decisions, reading
from api.schemas.common import NOT_SIGNED_IN, problems

router = APIRouter(tags=["orders"], responses=problems(s401=NOT_SIGNED_IN))
for part in (checkout, reading, decisions):
    router.include_router(part.router, prefix="/orders")
