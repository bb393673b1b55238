from collections.abc import Awaitable, Callable
from io import BytesIO
from uuid import UUID

import pytest

from models.transfer import CatalogueImport
from services.audit import Actor
from services.transfer import exporting, importing
from services.transfer.drafting import batches
from services.transfer.entries import Format
from services.transfer.importing import Writer
from services.transfer.reading import look_over
from tests.builders import Shop

WRITER = Writer(Actor(None), low_stock_threshold=5)

Importing = Callable[..., Awaitable[CatalogueImport]]
Exporting = Callable[[Format], Awaitable[bytes]]


@pytest.fixture
def import_(shop: Shop) -> Importing:
    """All of a file, as the command does it; how it came out."""

    async def import_(file: BytesIO, form: Format, writer: Writer = WRITER) -> CatalogueImport:
        outline = look_over(file, form)
        async with shop.database.transaction() as session:
            import_id = await importing.begin(session, outline, writer.actor)
        for batch in batches(file, form):
            async with shop.database.transaction() as session:
                await importing.write(session, import_id, batch, writer)
        async with shop.database.transaction() as session:
            await importing.finish(session, import_id)
            return await importing.state(session, import_id)

    return import_


@pytest.fixture
def export(shop: Shop) -> Exporting:
    async def export(form: Format) -> bytes:
        async with shop.database.snapshot() as session:
            return b"".join([content async for _, content in exporting.export(session, form)])

    return export


async def reasons(shop: Shop, import_id: UUID) -> list[tuple[int, str, str]]:
    async with shop.database.transaction() as session:
        found = await importing.refusals(session, import_id)
    return [(one.line, one.field, one.reason) for one in found]
