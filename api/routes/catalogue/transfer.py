"""The catalogue as a file, for staff: all of it out, small ones in. `python -m commands.catalogue` takes large ones."""

from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from api.dependencies import ActorDep, Resources, ResourcesDep
from api.idempotency import KeyedDep, mark_replayed
from api.policies import CatalogueEditorDep
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.transfer import ImportReport
from domain.errors import FileRefused
from models.transfer import CatalogueImport
from services.idempotency import once
from services.orders.requesting import fingerprint_of
from services.transfer import exporting, importing
from services.transfer.drafting import batches
from services.transfer.entries import Format
from services.transfer.importing import Writer
from services.transfer.reading import look_over

router = APIRouter(
    prefix="/products",
    responses=problems(s401=NOT_SIGNED_IN, s403="This needs the permission catalogue:write."),
)

MOST_PRODUCTS = 2000
"""In one request: a few seconds of work."""
MEDIA_TYPES = {Format.CSV: "text/csv", Format.JSONL: "application/jsonl"}

FormatQuery = Annotated[Format, Query(alias="format", description="CSV with a row per variant, or JSON Lines.")]

_CSV_EXAMPLE = """slug,name,description,sku,price,currency,options
basic-tee,Basic tee,Cotton.,TEE-S,1999,USD,"{""Size"":""S""}"
basic-tee,,,TEE-M,1999,USD,"{""Size"":""M""}"
"""
_JSONL_EXAMPLE = (
    '{"slug": "basic-tee", "name": "Basic tee", "description": "Cotton.", "variants": '
    '[{"sku": "TEE-S", "price": {"amount": 1999, "currency": "USD"}, "options": {"Size": "S"}}]}\n'
)
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPES[Format.CSV]: {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
            MEDIA_TYPES[Format.JSONL]: {"schema": {"type": "string"}, "example": _JSONL_EXAMPLE},
        },
    }
}


@router.get(
    "/export",
    operation_id="export_products",
    summary="The whole catalogue as a file",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Every product whatever its status, as it is at one instant, in the order of the slugs.",
            "content": {
                MEDIA_TYPES[Format.CSV]: {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
                MEDIA_TYPES[Format.JSONL]: {"schema": {"type": "string"}, "example": _JSONL_EXAMPLE},
            },
        }
    },
)
async def export_products(_: CatalogueEditorDep, resources: ResourcesDep, form: FormatQuery) -> StreamingResponse:
    """What it says, an import makes again. Stock is not in it, nor are the names of categories."""
    parts = _parts(resources, form)
    first = await anext(parts)  # a database that is away is a problem document, and not half a file
    headers = {"Content-Disposition": f'attachment; filename="products.{form.value}"'}
    return StreamingResponse(_after(first, parts), headers=headers, media_type=MEDIA_TYPES[form])


@router.post(
    "/import",
    operation_id="import_products",
    summary="Bring the products of a small file into the catalogue",
    responses=problems(
        s409="The same request is running at this moment.",
        s413="The file is larger than 1 MiB: use the command.",
        s422="The file cannot be read to its end, or has more than 2,000 products. Nothing was imported.",
    ),
    openapi_extra=_FILE,
)
async def import_products(
    _: CatalogueEditorDep,
    actor: ActorDep,
    resources: ResourcesDep,
    keyed: KeyedDep,
    form: FormatQuery,
    request: Request,
) -> ImportReport:
    """The body is the file itself. A product is known by its slug: it is made, or made to say what the file says; one
    that is not good is refused by itself, and told in the answer. What the file does not have is left alone.

    Sent again with the same Idempotency-Key, it goes on where it was interrupted, or tells again what it did.
    """
    file = BytesIO(await request.body())
    outline = look_over(file, form)
    if outline.products > MOST_PRODUCTS:
        raise FileRefused(f"The file has {outline.products} products, and one request takes {MOST_PRODUCTS} at most.")
    if keyed:  # the format is not in its fingerprint
        keyed = replace(keyed, fingerprint=fingerprint_of({"import": outline.sha256, "format": form}))
    async with resources.database.transaction() as session:
        made = await once(session, keyed, lambda: importing.begin(session, outline, actor))
        begun = await importing.state(session, UUID(made.resource))
    if made.was_replayed:
        mark_replayed(request)
    if begun.finished_at is None:
        await _go_on(resources, file, form, begun, Writer(actor, resources.settings.low_stock_threshold))
    async with resources.database.reading() as session:
        done = await importing.state(session, begun.id)
        return ImportReport.of(done, await importing.refusals(session, begun.id))


async def _go_on(resources: Resources, file: BytesIO, form: Format, begun: CatalogueImport, writer: Writer) -> None:
    """A transaction for each batch: a long one would keep the search index waiting, for all other changes too."""
    for batch in batches(file, form, after=begun.position):
        async with resources.database.transaction() as session:
            await importing.write(session, begun.id, batch, writer)
    async with resources.database.transaction() as session:
        await importing.finish(session, begun.id)


async def _parts(resources: Resources, form: Format) -> AsyncIterator[bytes]:
    async with resources.database.snapshot() as session:
        async for _, content in exporting.export(session, form):
            yield content


async def _after(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for content in parts:
        yield content
