"""Products, for anyone: the list, its search, and what a search box suggests."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, StringConstraints

from api.dependencies import ResourcesDep
from api.policies import PUBLIC
from api.rendering import json_response
from api.schemas.common import problems
from api.schemas.search import ProductSearchPage, Suggestions
from domain import search_cursor
from domain.errors import InvalidCursor
from domain.search import LONGEST_TEXT, Sort, Wanted
from domain.search_cursor import LARGEST
from services.search.documents import LONGEST_ATTRIBUTE

router = APIRouter(prefix="/products", dependencies=[PUBLIC])

_DESCRIPTION = """Without `q` the newest come first, with it the most relevant: words of the name count over those of
the brand, and these over the description; whole words over the start of one, and that over what a typing error makes
of it. Words must all be found; case and accents do not matter, and no character has a special meaning.

A cursor is good for the search and the order that gave it out. Products that come and go meanwhile move no other to
another page. `total` and `facets` are of all pages, and exact, but that facets of more than 5,000 products may be five
seconds old."""

Text = Annotated[str, Query(max_length=LONGEST_TEXT, description="Words to be found.", examples=["oak lamp"])]
Price = Annotated[int, Query(ge=0, le=LARGEST, description="Of the cheapest variant, in minor units.")]


def _pair(said: str) -> str:
    name, colon, value = said.partition(":")
    if not (name and colon and value):
        raise ValueError("an attribute is searched for as name:value")
    return said


Pair = Annotated[str, StringConstraints(max_length=64 + 1 + LONGEST_ATTRIBUTE), AfterValidator(_pair)]


async def read_wanted(
    q: Text | None = None,
    category: Annotated[str | None, Query(max_length=200, description="A slug; those below it count too.")] = None,
    brand: Annotated[str | None, Query(max_length=200, description="Exactly as it is written.")] = None,
    price_min: Price | None = None,
    price_max: Price | None = None,
    in_stock: Annotated[bool | None, Query(description="Whether any variant can be bought now.")] = None,
    attributes: Annotated[
        list[Pair] | None,
        Query(
            max_length=20,
            description="`name:value`, repeated: values of one name are alternatives, different names must all hold.",
            examples=[["material:oak"]],
        ),
    ] = None,
) -> Wanted:
    pairs = tuple((name, value) for name, _, value in (said.partition(":") for said in attributes or ()))
    return Wanted(q if q and q.strip() else None, category, brand, price_min, price_max, in_stock, pairs)


WantedDep = Annotated[Wanted, Depends(read_wanted)]


@router.get(
    "",
    operation_id="list_products",
    summary="Search the active products, or list them",
    description=_DESCRIPTION,
    response_model=ProductSearchPage,
    responses=problems(InvalidCursor),
)
async def list_products(
    resources: ResourcesDep,
    wanted: WantedDep,
    sort: Annotated[Sort | None, Query(description="`price` is that of the cheapest variant.")] = None,
    facets: Annotated[bool, Query(description="Whether to count what was found by its kinds.")] = False,
    limit: Annotated[int, Query(ge=1, le=100, description="How many items to return.")] = 20,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")] = None,
) -> Response:
    order = sort or (Sort.RELEVANCE if wanted.text else Sort.NEWEST)
    after = search_cursor.decode(cursor, wanted, order) if cursor is not None else None
    found = await resources.searches.find(wanted, order, after, limit, with_facets=facets)
    rest = orjson.dumps(
        {
            "next_cursor": search_cursor.encode(found.last, wanted, order) if found.last else None,
            "total": found.total,
            "facets": found.facets.shown if found.facets else None,
        }
    )
    content = b'{"items":[' + b",".join(found.bodies) + b"]," + rest[1:]
    return Response(content, media_type="application/json")


@router.get(
    "/suggest",
    operation_id="suggest_products",
    summary="Names of products in which a word begins as typed",
    response_model=Suggestions,
)
async def suggest_products(resources: ResourcesDep, q: Text) -> Response:
    """Ten names at most, each once. Where several words were typed, each has to begin one of the name's."""
    return json_response({"items": await resources.searches.suggest(q)})
