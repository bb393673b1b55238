"""Orders, split by who acts: the shopper checks out, anyone entitled reads, staff decide."""

from fastapi import APIRouter

from api.routes.orders import checkout, decisions, reading

router = APIRouter(prefix="/orders", tags=["orders"])
router.include_router(checkout.router)
router.include_router(reading.router)
router.include_router(decisions.router)
