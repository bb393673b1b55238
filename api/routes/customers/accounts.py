"""Customers' accounts, as staff look for them and keep them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import ActorDep, ResourcesDep
from api.idempotency import KeyedDep
from api.pagination import PageDep
from api.policies import CustomerKeeperDep, CustomerReaderDep
from api.rendering import json_response
from api.routes.customers.keeping import keep, page_of
from api.schemas.common import problems
from api.schemas.customers import AccountPage, AccountView
from api.tokens import Caller
from domain.errors import AccountErased, LastAdmin
from domain.permissions import Permission, Role
from services.audit import Actor
from services.customers import listing, standing
from services.customers.listing import AccountFilter, Standing
from services.customers.standing import Keeper

router = APIRouter()

_KEPT = problems(
    AccountErased,
    LastAdmin,
    s403="Only staff keep accounts, and only admins those of staff; nobody their own.",
    s404="There is no such customer.",
)


@router.get(
    "",
    operation_id="list_customers",
    summary="Customers, the newest first",
    responses=problems(s403="Only staff see customers."),
)
async def list_customers(
    reader: CustomerReaderDep,
    resources: ResourcesDep,
    page: PageDep,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=100, description="The start of an e-mail address, or of words of a name."),
    ] = None,
    status: Annotated[Standing | None, Query(description="Only accounts that stand so.")] = None,
) -> AccountPage:
    wanted = AccountFilter({Role.CUSTOMER}, q, status)
    async with resources.database.reading() as session:
        rows = await listing.page(session, wanted, page.limit + 1, page.after)
    return page_of(rows, page)


@router.get(
    "/{user_id}",
    operation_id="get_customer",
    summary="One account",
    response_model=AccountView,
    responses=problems(s403="Only staff see customers.", s404="There is no such customer."),
)
async def get_customer(user_id: UUID, reader: CustomerReaderDep, resources: ResourcesDep) -> Response:
    async with resources.database.reading() as session:
        return json_response(AccountView.of(await listing.one(session, user_id)), is_tagged=True)


@router.post(
    "/{user_id}/deactivate",
    operation_id="deactivate_customer",
    summary="Close an account: its sessions end, nobody signs in to it",
    response_model=AccountView,
    responses=_KEPT,
)
async def deactivate(
    user_id: UUID,
    caller: CustomerKeeperDep,
    actor: ActorDep,
    resources: ResourcesDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    """Its orders go on."""
    keeper = _keeper(caller, actor)
    return await keep(
        request, resources, keyed, user_id, lambda session: standing.set_active(session, keeper, user_id, False)
    )


@router.post(
    "/{user_id}/activate",
    operation_id="activate_customer",
    summary="Open an account again",
    response_model=AccountView,
    responses=_KEPT,
)
async def activate(
    user_id: UUID,
    caller: CustomerKeeperDep,
    actor: ActorDep,
    resources: ResourcesDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    keeper = _keeper(caller, actor)
    return await keep(
        request, resources, keyed, user_id, lambda session: standing.set_active(session, keeper, user_id, True)
    )


def _keeper(caller: Caller, actor: Actor) -> Keeper:
    return Keeper(actor, keeps_staff=caller.may(Permission.STAFF_WRITE))
