"""The staff, kept by admins."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import KeyedDep
from api.pagination import PageDep
from api.policies import StaffKeeperDep
from api.routes.customers.keeping import keep, page_of
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.customers import AccountPage, AccountView, RoleBody
from domain.errors import AccountErased, LastAdmin
from services.customers import listing, standing
from services.customers.listing import KEEPERS, AccountFilter
from services.customers.standing import Keeper

router = APIRouter(prefix="/staff", tags=["staff"], responses=problems(s401=NOT_SIGNED_IN))


@router.get(
    "",
    operation_id="list_staff",
    summary="Staff and admins, the newest first",
    responses=problems(s403="Only admins see the staff."),
)
async def list_staff(keeper: StaffKeeperDep, resources: ResourcesDep, page: PageDep) -> AccountPage:
    async with resources.database.reading() as session:
        rows = await listing.page(session, AccountFilter(KEEPERS), page.limit + 1, page.after)
    return page_of(rows, page)


@router.post(
    "/{user_id}/role",
    operation_id="set_role",
    summary="Make somebody staff or an admin, or a customer again",
    response_model=AccountView,
    responses=problems(
        AccountErased,
        LastAdmin,
        s403="Only admins give roles, and nobody to themselves.",
        s404="There is no such account.",
    ),
)
async def set_role(
    user_id: UUID,
    body: RoleBody,
    caller: StaffKeeperDep,
    actor: ActorDep,
    resources: ResourcesDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    """Whoever gets another role signs in again. `/customers/{id}/deactivate` closes an account of staff too."""
    keeper = Keeper(actor, keeps_staff=True)
    return await keep(
        request, resources, keyed, user_id, lambda session: standing.set_role(session, keeper, user_id, body.role)
    )
