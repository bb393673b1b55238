"""Where stock lies. Orders are served from the main location first, then from the others by their codes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.dependencies import ActorDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import NamePageDep
from api.policies import StockKeeperDep, StockReaderDep
from api.rendering import json_response
from api.schemas.common import problems
from api.schemas.inventory.locations import LocationBody, LocationChange, LocationPage, LocationView
from domain.errors import LocationTaken
from services.idempotency import once
from services.inventory import locations

router = APIRouter(prefix="/locations")

CodePath = Annotated[str, Path(max_length=32)]
_NO_LOCATION = problems(s404="There is no such location.")


@router.get("", operation_id="list_locations", summary="Locations by their codes")
async def list_locations(reader: StockReaderDep, resources: ResourcesDep, page: NamePageDep) -> LocationPage:
    async with resources.database.reading() as session:
        rows = await locations.page(session, page.limit + 1, page.after)
    shown = rows[: page.limit]
    items = [LocationView.of(location) for location in shown]
    return LocationPage(items=items, next_cursor=page.next_cursor(rows, shown[-1].code if shown else None))


@router.post(
    "",
    status_code=201,
    operation_id="create_location",
    summary="Add a location",
    response_model=LocationView,
    responses=problems(LocationTaken),
)
async def create_location(
    body: LocationBody, keeper: StockKeeperDep, keyed: KeyedDep, actor: ActorDep, session: SessionDep, request: Request
) -> Response:
    made = await once(session, keyed, lambda: locations.create(session, actor, body.code, body.name))
    if made.was_replayed:
        mark_replayed(request)
    location = await locations.located(session, made.resource)
    headers = {"Location": f"{request.url.path}/{location.code}"}
    return json_response(LocationView.of(location), 201, headers=headers, is_tagged=True)


@router.get(
    "/{code}", operation_id="get_location", summary="One location", response_model=LocationView, responses=_NO_LOCATION
)
async def get_location(code: CodePath, reader: StockReaderDep, resources: ResourcesDep) -> Response:
    async with resources.database.reading() as session:
        return json_response(LocationView.of(await locations.located(session, code)), is_tagged=True)


@router.patch(
    "/{code}",
    operation_id="rename_location",
    summary="Give a location another name",
    response_model=LocationView,
    responses=_NO_LOCATION,
)
async def rename_location(
    code: CodePath, body: LocationChange, keeper: StockKeeperDep, actor: ActorDep, session: SessionDep
) -> Response:
    location = await locations.rename(session, actor, code, body.name)
    return json_response(LocationView.of(location), is_tagged=True)
