"""Orders, split by who acts: the shopper checks out, anyone entitled reads, staff decide."""

from fastapi import APIRouter

from api.routes.orders import checkout, decisions, reading

router = APIRouter(tags=["orders"])
for part in (checkout, reading, decisions):
    router.include_router(part.router, prefix="/orders")
