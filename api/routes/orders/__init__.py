"""Orders, split by who acts: the shopper checks out, anyone entitled reads, staff decide."""

from fastapi import APIRouter

from api.routes.orders import cancelling, checkout, decisions, events, fulfilling, reading, returning, steering
from api.schemas.common import NOT_SIGNED_IN, problems

router = APIRouter(tags=["orders"], responses=problems(s401=NOT_SIGNED_IN))
for part in (checkout, reading, events, decisions, fulfilling, cancelling, returning, steering):
    router.include_router(part.router, prefix="/orders")
