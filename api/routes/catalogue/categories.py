"""The tree of categories: read by anyone, kept by staff."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import ActorDep, ExpectedVersionDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import NamePageDep
from api.policies import PUBLIC, CatalogueEditorDep
from api.rendering import json_response
from api.routes.catalogue.showing import MADE_AND_GONE
from api.schemas.catalogue import CategoryEdit, CategoryPage, CategoryView, NewCategory
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.errors import CategoryCycle, CategoryTooDeep, CategoryUnknown, InUse, InvalidCursor, SlugTaken
from services.catalogue import categories, tree
from services.catalogue.tree import Node
from services.idempotency import once

router = APIRouter(prefix="/categories")

CategoryPath = Annotated[str, Path(max_length=120, description="An id or a slug.")]

_STAFF = problems(s401=NOT_SIGNED_IN, s403="Only staff change the catalogue.")
_STALE = "The category has changed since it was read."
_NO_PLACE = (
    "The request is not valid, or the tree has no such place: a parent that is not there, below itself, too deep."
)
_NOT_FOUND = "There is no such category."


@router.get(
    "",
    operation_id="list_categories",
    summary="The tree of categories, a parent before its children",
    response_model=CategoryPage,
    dependencies=[PUBLIC],
    responses=problems(InvalidCursor),
)
async def list_categories(resources: ResourcesDep, page: NamePageDep) -> Response:
    async with resources.database.reading() as session:
        there = await tree.read(session)
    nodes = there.after(page.after)[: page.limit + 1]
    shown = [CategoryView.of(node) for node in nodes[: page.limit]]
    following = page.next_cursor(nodes, shown[-1].slug if shown else None)
    return json_response(CategoryPage(items=shown, next_cursor=following), is_tagged=True)


@router.get(
    "/{id_or_slug}",
    operation_id="get_category",
    summary="One category and where it stands",
    response_model=CategoryView,
    dependencies=[PUBLIC],
    responses=problems(s404=_NOT_FOUND),
)
async def get_category(id_or_slug: CategoryPath, resources: ResourcesDep, request: Request) -> Response:
    async with resources.database.reading() as session:
        return await _show(request, session, id_or_slug)


@router.post(
    "",
    operation_id="create_category",
    summary="A new category",
    response_model=CategoryView,
    status_code=201,
    responses=_STAFF
    | problems(
        SlugTaken, CategoryUnknown, CategoryTooDeep, s404=MADE_AND_GONE, s409="The slug is taken.", s422=_NO_PLACE
    ),
)
async def create_category(
    body: NewCategory,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    made = await once(session, keyed, lambda: categories.create(session, body, actor))
    if made.was_replayed:
        mark_replayed(request)
    return await _show(request, session, made.resource, 201)


@router.patch(
    "/{id_or_slug}",
    operation_id="change_category",
    summary="Rename a category, or move it with all that is below it",
    response_model=CategoryView,
    responses=_STAFF
    | problems(
        SlugTaken,
        CategoryUnknown,
        CategoryCycle,
        CategoryTooDeep,
        s404=_NOT_FOUND,
        s409="The slug is taken.",
        s412=_STALE,
        s422=_NO_PLACE,
    ),
)
async def change_category(
    id_or_slug: CategoryPath,
    body: CategoryEdit,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
    request: Request,
) -> Response:
    """Its products show the new name at once. A new name leaves the slug as it is."""
    category_id: UUID = await categories.change(session, id_or_slug, body, actor, expected=expected)
    return await _show(request, session, str(category_id))


@router.delete(
    "/{id_or_slug}",
    operation_id="delete_category",
    summary="Delete a category that nothing is in",
    status_code=204,
    responses=_STAFF | problems(InUse, s404=_NOT_FOUND, s409="Products or categories are in it.", s412=_STALE),
)
async def delete_category(
    id_or_slug: CategoryPath,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
) -> None:
    await categories.remove(session, id_or_slug, actor, expected=expected)


async def _show(request: Request, session: AsyncSession, id_or_slug: str, status: int = 200) -> Response:
    node: Node = (await tree.read(session)).named(id_or_slug)
    headers = {"ETag": f'"{node.category.version}"'}
    if status == 201:
        headers["Location"] = f"{request.url.path}/{node.category.id}"
    return json_response(CategoryView.of(node), status, headers=headers)
