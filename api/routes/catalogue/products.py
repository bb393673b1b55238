"""Products and their variants, written by staff. Each answers the product as it stands then."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import ActorDep, ExpectedVersionDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.policies import CatalogueEditorDep
from api.routes.catalogue.showing import MADE_AND_GONE, show
from api.schemas.catalogue import NewProduct, NewVariant, ProductEdit, ProductView, VariantEdit
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.errors import (
    CategoryUnknown,
    InUse,
    LastVariant,
    SkuTaken,
    SlugTaken,
    TooManyAttributes,
    VariantsDisagree,
)
from services.catalogue import changing, reading, variants, writing
from services.idempotency import Made, once

router = APIRouter(prefix="/products", responses=problems(s401=NOT_SIGNED_IN, s403="Only staff change the catalogue."))

ProductPath = Annotated[str, Path(max_length=200, description="An id, a slug, or one that it had before.")]
SkuPath = Annotated[str, Path(max_length=64)]

_STALE = "The product has changed since it was read."
_NOT_FOUND = "There is no such product."
_REFUSED = "The request is not valid, or its category is not there."
_DISAGREES = "The request is not valid, or does not go together with the product's other variants."
_NO_VARIANT = "There is no such product, or it has no such variant."


@router.post(
    "",
    operation_id="create_product",
    summary="A new product with its variants and their opening stock",
    response_model=ProductView,
    status_code=201,
    responses=problems(
        SkuTaken,
        SlugTaken,
        CategoryUnknown,
        s404=MADE_AND_GONE,
        s409="A SKU or the slug is taken: `skus` or `slug` says which.",
        s422=_REFUSED,
    ),
)
async def create_product(
    body: NewProduct,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    resources: ResourcesDep,
    session: SessionDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    """Where no `slug` is given, one is made from the name, with a number when another product has it."""
    threshold = resources.settings.low_stock_threshold
    made = await once(session, keyed, lambda: writing.create(session, body, actor, threshold=threshold))
    return await _made(request, session, made)


@router.patch(
    "/{id_or_slug}",
    operation_id="change_product",
    summary="Change a product",
    response_model=ProductView,
    responses=problems(
        SlugTaken,
        CategoryUnknown,
        TooManyAttributes,
        s404=_NOT_FOUND,
        s409="The slug is taken.",
        s412=_STALE,
        s422=_REFUSED,
    ),
)
async def change_product(
    id_or_slug: ProductPath,
    body: ProductEdit,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
    request: Request,
) -> Response:
    """A new name leaves the slug as it is. After a new slug the old one goes on leading to the product."""
    product_id = await changing.change(session, id_or_slug, body, actor, expected=expected)
    return await _as_it_stands(request, session, product_id)


@router.delete(
    "/{id_or_slug}",
    operation_id="delete_product",
    summary="Delete a product that was never ordered, with its stock",
    status_code=204,
    responses=problems(InUse, s404=_NOT_FOUND, s409="Orders refer to it: archive it instead.", s412=_STALE),
)
async def delete_product(
    id_or_slug: ProductPath,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
) -> None:
    await changing.remove(session, id_or_slug, actor, expected=expected)


@router.post(
    "/{id_or_slug}/variants",
    operation_id="add_variant",
    summary="Another variant of a product",
    response_model=ProductView,
    status_code=201,
    responses=problems(
        SkuTaken, VariantsDisagree, s404=_NOT_FOUND, s409="The SKU is taken.", s412=_STALE, s422=_DISAGREES
    ),
)
async def add_variant(
    id_or_slug: ProductPath,
    body: NewVariant,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    resources: ResourcesDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    threshold = resources.settings.low_stock_threshold
    made = await once(
        session,
        keyed,
        lambda: variants.add(session, id_or_slug, body, actor, threshold=threshold, expected=expected),
    )
    return await _made(request, session, made)


@router.patch(
    "/{id_or_slug}/variants/{sku}",
    operation_id="change_variant",
    summary="Change a variant's price, options or position",
    response_model=ProductView,
    responses=problems(VariantsDisagree, s404=_NO_VARIANT, s412=_STALE, s422=_DISAGREES),
)
async def change_variant(
    id_or_slug: ProductPath,
    sku: SkuPath,
    body: VariantEdit,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
    request: Request,
) -> Response:
    """`If-Match` is the product's ETag. Carts show the new price at once; orders keep the one they were made at."""
    product_id = await variants.change(session, id_or_slug, sku, body, actor, expected=expected)
    return await _as_it_stands(request, session, product_id)


@router.delete(
    "/{id_or_slug}/variants/{sku}",
    operation_id="delete_variant",
    summary="Delete a variant that was never ordered, with its stock",
    status_code=204,
    responses=problems(
        InUse, LastVariant, s404=_NO_VARIANT, s409="Orders refer to it, or it is the product's last one.", s412=_STALE
    ),
)
async def delete_variant(
    id_or_slug: ProductPath,
    sku: SkuPath,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    expected: ExpectedVersionDep,
) -> None:
    await variants.remove(session, id_or_slug, sku, actor, expected=expected)


async def _made(request: Request, session: AsyncSession, made: Made) -> Response:
    if made.was_replayed:
        mark_replayed(request)
    return await _as_it_stands(request, session, UUID(made.resource), 201)


async def _as_it_stands(request: Request, session: AsyncSession, product_id: UUID, status: int = 200) -> Response:
    return show(request, await reading.product(session, str(product_id), with_hidden=True), status)
