"""Keys of machines, for admins."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.dependencies import ActorDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.policies import ApiKeyKeeperDep
from api.rendering import json_response
from api.schemas.api_keys import ApiKeyMade, ApiKeyPage, ApiKeyView, NewApiKey
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.permissions import Permission
from services import api_keys, audit
from services.api_keys import NewKey
from services.idempotency import once

router = APIRouter(
    prefix="/api-keys", tags=["api-keys"], responses=problems(s401=NOT_SIGNED_IN, s403="This is for admins.")
)


@router.post(
    "", status_code=201, operation_id="create_api_key", summary="Make a key for a machine", response_model=ApiKeyMade
)
async def create_api_key(
    body: NewApiKey,
    caller: ApiKeyKeeperDep,
    actor: ActorDep,
    keyed: KeyedDep,
    resources: ResourcesDep,
    request: Request,
) -> Response:
    """The key is in this answer and nowhere else. It is sent as `Authorization: Bearer tw_…`."""
    told: str | None = None
    grantable = frozenset(permission for permission in Permission if caller.may(permission))
    async with resources.database.transaction() as session:

        async def make() -> UUID:
            nonlocal told
            new = NewKey(body.name, body.permissions, body.expires_at)
            key_id, told = await api_keys.create(session, new, caller.id, grantable)
            permissions = sorted(body.permissions)
            await audit.record(session, actor, "api-key.create", "api-key", key_id, permissions=permissions)
            return key_id

        made = await once(session, keyed, make)
        key = await api_keys.get(session, UUID(made.resource))
    if made.was_replayed:
        mark_replayed(request)
    shown = ApiKeyView.of(key).model_dump()
    return json_response(ApiKeyMade(**shown, key=told), 201)


@router.get("", operation_id="list_api_keys", summary="All keys, the newest first, with those that are over")
async def list_api_keys(caller: ApiKeyKeeperDep, resources: ResourcesDep, page: PageDep) -> ApiKeyPage:
    async with resources.database.reading() as session:
        rows = await api_keys.page(session, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row.created_at, row.id))
    return ApiKeyPage(items=[ApiKeyView.of(key) for key in shown], next_cursor=following)


@router.delete(
    "/{key_id}",
    status_code=204,
    operation_id="revoke_api_key",
    summary="Revoke a key, at once and for ever",
    responses=problems(s404="There is no such key."),
)
async def revoke_api_key(key_id: UUID, caller: ApiKeyKeeperDep, actor: ActorDep, session: SessionDep) -> None:
    if await api_keys.revoke(session, key_id):
        await audit.record(session, actor, "api-key.revoke", "api-key", key_id)
