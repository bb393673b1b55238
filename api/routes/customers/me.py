"""The caller's own profile and preferences, and the end of the account."""

from fastapi import APIRouter, Request, Response

from api.dependencies import CallerDep, ResourcesDep, SessionDep
from api.rendering import json_response
from api.routes.accounts.ending import tell_ended
from api.schemas.common import problems
from api.schemas.customers import PreferencesBody, ProfileChange, ProfileView
from domain.errors import LastAdmin, OrdersOpen
from services import accounts
from services.customers import erasing, profile

router = APIRouter(prefix="/me", responses=problems(s403="A machine has no account of its own."))


@router.get("", operation_id="get_profile", summary="One's own profile", response_model=ProfileView)
async def get_profile(caller: CallerDep, resources: ResourcesDep) -> Response:
    async with resources.database.reading() as session:
        return json_response(ProfileView.of(await accounts.find(session, caller.id)), is_tagged=True)


@router.patch("", operation_id="change_profile", summary="Change one's own profile", response_model=ProfileView)
async def change_profile(body: ProfileChange, caller: CallerDep, session: SessionDep) -> Response:
    changed = await profile.change(session, caller.id, body.model_dump(exclude_unset=True))
    return json_response(ProfileView.of(changed), is_tagged=True)


@router.delete(
    "",
    status_code=204,
    operation_id="erase_account",
    summary="Erase everything that names the caller; the books keep their rows without the person",
    responses=problems(
        OrdersOpen, LastAdmin, s409="Orders are under way: `orders` says which; or nobody else is admin."
    ),
)
async def erase_account(caller: CallerDep, resources: ResourcesDep, request: Request) -> None:
    """There is no way back. Every session ends; the e-mail address is free for another account."""
    request_id = request.scope["state"]["request_id"]
    async with resources.database.transaction() as session:
        ended = await erasing.erase(session, caller.id, request_id)
        await resources.carts.delete(caller.id)  # in here: with Redis away, nothing is erased
    await tell_ended(resources, ended)


@router.get(
    "/preferences", operation_id="get_preferences", summary="One's own preferences", response_model=PreferencesBody
)
async def get_preferences(caller: CallerDep, resources: ResourcesDep) -> Response:
    async with resources.database.reading() as session:
        kept = await profile.preferences(session, caller.id)
    return json_response(PreferencesBody.of(kept), is_tagged=True)


@router.put(
    "/preferences", operation_id="set_preferences", summary="Set one's preferences", response_model=PreferencesBody
)
async def set_preferences(body: PreferencesBody, caller: CallerDep, session: SessionDep) -> Response:
    await profile.prefer(session, caller.id, body.model_dump())
    return json_response(body, is_tagged=True)
