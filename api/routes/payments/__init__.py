"""Payments, split by who acts: anyone entitled reads, staff take money and give it back, providers tell us news."""

from fastapi import APIRouter

from api.routes.payments import capturing, reading, refunding, returning, webhooks

router = APIRouter(tags=["payments"])
for part in (returning, reading, capturing, refunding, webhooks):
    router.include_router(part.router)
