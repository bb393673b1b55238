"""The caller's address book."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.dependencies import CallerDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.rendering import json_response
from api.schemas.common import problems
from api.schemas.customers import AddressChange, AddressPage, AddressView, BookedAddress
from domain.errors import TooManyAddresses
from services.customers import addressing
from services.idempotency import once

router = APIRouter(prefix="/me/addresses", responses=problems(s403="A machine has no address book."))

_NONE = problems(s404="There is no such address of yours.")


@router.get("", operation_id="list_addresses", summary="The newest addresses first")
async def list_addresses(caller: CallerDep, resources: ResourcesDep, page: PageDep) -> AddressPage:
    async with resources.database.reading() as session:
        rows = await addressing.page(session, caller.id, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row.created_at, row.id))
    return AddressPage(items=[AddressView.of(row) for row in shown], next_cursor=following)


@router.post(
    "",
    status_code=201,
    operation_id="add_address",
    summary="Add an address; the first one is the default",
    response_model=AddressView,
    responses=problems(TooManyAddresses, s404="The address that this key added was removed."),
)
async def add_address(
    body: BookedAddress, caller: CallerDep, session: SessionDep, keyed: KeyedDep, request: Request
) -> Response:
    made = await once(session, keyed, lambda: addressing.add(session, caller.id, _parts(body), body.is_default))
    if made.was_replayed:
        mark_replayed(request)
    address = await addressing.one(session, caller.id, UUID(made.resource))
    return json_response(AddressView.of(address), 201, is_tagged=True)


@router.get(
    "/{address_id}", operation_id="get_address", summary="One address", response_model=AddressView, responses=_NONE
)
async def get_address(address_id: UUID, caller: CallerDep, resources: ResourcesDep) -> Response:
    async with resources.database.reading() as session:
        return json_response(AddressView.of(await addressing.one(session, caller.id, address_id)), is_tagged=True)


@router.put(
    "/{address_id}",
    operation_id="replace_address",
    summary="Write an address anew",
    response_model=AddressView,
    responses=_NONE,
)
async def replace_address(address_id: UUID, body: BookedAddress, caller: CallerDep, session: SessionDep) -> Response:
    """Orders that went to the old one are as they were."""
    address = await addressing.change(session, caller.id, address_id, _parts(body), body.is_default)
    return json_response(AddressView.of(address), is_tagged=True)


@router.patch(
    "/{address_id}",
    operation_id="change_address",
    summary="Change some of an address",
    response_model=AddressView,
    responses=_NONE,
)
async def change_address(address_id: UUID, body: AddressChange, caller: CallerDep, session: SessionDep) -> Response:
    known = await addressing.held(session, caller.id, address_id)
    whole = _checked(addressing.parts_of(known) | body.model_dump(exclude_unset=True))
    address = await addressing.change(session, caller.id, address_id, _parts(whole), whole.is_default)
    return json_response(AddressView.of(address), is_tagged=True)


@router.delete(
    "/{address_id}",
    status_code=204,
    operation_id="remove_address",
    summary="Remove an address; the default passes on to the newest of the others",
    responses=_NONE,
)
async def remove_address(address_id: UUID, caller: CallerDep, session: SessionDep) -> None:
    await addressing.remove(session, caller.id, address_id)


def _parts(body: BookedAddress) -> dict[str, str | None]:
    return body.model_dump(include=set(addressing.PARTS))


def _checked(fields: dict[str, object]) -> BookedAddress:
    """What is wrong with the whole is told like what is wrong with a body."""
    try:
        return BookedAddress.model_validate(fields)
    except ValidationError as error:
        found = [item | {"loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(found) from error
