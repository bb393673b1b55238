"""People: their own profile, address book and what is held about them; and their accounts, as staff keep them."""

from fastapi import APIRouter

from api.routes.customers import accounts, addresses, exporting, me
from api.schemas.common import NOT_SIGNED_IN, problems

router = APIRouter(tags=["customers"], responses=problems(s401=NOT_SIGNED_IN))
# `/customers/me` before `accounts`, whose /customers/{user_id} would take it for an id.
for part in (me, addresses, exporting, accounts):
    router.include_router(part.router, prefix="/customers")
