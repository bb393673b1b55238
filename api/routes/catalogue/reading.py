"""One product, for anyone."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.dependencies import OptionalCallerDep, ResourcesDep
from api.policies import PUBLIC
from api.routes.catalogue.showing import show
from api.schemas.catalogue import ProductView
from api.schemas.common import problems
from domain.permissions import Permission
from services.catalogue import reading

router = APIRouter(prefix="/products", dependencies=[PUBLIC])


@router.get(
    "/{id_or_slug}",
    operation_id="get_product",
    summary="One product with its variants",
    response_model=ProductView,
    responses=problems(s404="There is no such product."),
)
async def get_product(
    id_or_slug: Annotated[str, Path(max_length=200)],
    caller: OptionalCallerDep,
    resources: ResourcesDep,
    request: Request,
) -> Response:
    """A slug that the product had before leads to it too: `Content-Location` has the one of today.

    Drafts and archived products are there for staff alone.
    """
    with_hidden = caller is not None and caller.may(Permission.CATALOGUE_WRITE)
    async with resources.database.reading() as session:
        return show(request, await reading.product(session, id_or_slug, with_hidden=with_hidden))
