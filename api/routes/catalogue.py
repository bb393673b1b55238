"""Products, for anyone."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies import SessionDep
from api.pagination import PageDep, next_cursor
from api.policies import PUBLIC
from api.schemas.catalogue import ProductPage, ProductView
from api.schemas.common import problems
from services.catalogue import reading
from services.catalogue.reading import ProductFilter

router = APIRouter(prefix="/products", tags=["catalogue"], dependencies=[PUBLIC])


@router.get("", operation_id="list_products", summary="Active products, the newest first")
async def list_products(
    session: SessionDep,
    page: PageDep,
    category: Annotated[str | None, Query(max_length=120, description="A category's slug.")] = None,
    brand: Annotated[str | None, Query(max_length=120)] = None,
) -> ProductPage:
    rows = await reading.newest(session, ProductFilter(category, brand), page.limit + 1, page.after)
    shown = rows[: page.limit]
    last = (shown[-1].product.created_at, shown[-1].product.id) if shown else None
    return ProductPage(items=[ProductView.of(listing) for listing in shown], next_cursor=next_cursor(rows, page, last))


@router.get(
    "/{id_or_slug}",
    operation_id="get_product",
    summary="One product with its variants",
    responses=problems(s404="There is no such product."),
)
async def get_product(
    id_or_slug: Annotated[str, Path(max_length=200)], session: SessionDep, response: Response
) -> ProductView:
    listing = await reading.product(session, id_or_slug)
    response.headers["ETag"] = f'"{listing.product.version}"'
    return ProductView.of(listing)
