"""Accounts: opening one, signing in and out, passwords."""

from fastapi import APIRouter

from api.routes.accounts import opening, passwords, signing_in, signing_out

router = APIRouter(prefix="/auth", tags=["accounts"])
for part in (opening, signing_in, signing_out, passwords):
    router.include_router(part.router)
