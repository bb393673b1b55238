"""The whole catalogue as a file, whatever the status of its products, in the order of their slugs."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import Category, Product, Variant
from services.transfer import csv_rows, json_lines
from services.transfer.entries import Format

BATCH = 500
"""Products in memory at a time."""


async def count(session: AsyncSession) -> int:
    return int((await session.execute(select(func.count()).select_from(Product))).scalar_one())


async def export(session: AsyncSession, form: Format) -> AsyncIterator[tuple[int, bytes]]:
    """Parts of the file, each with how many products it holds. The session is a snapshot: one instant for all.

    What an export says, an import makes again, but for stock, dates and the names of categories, which it leaves out.
    """
    render = csv_rows.render if form is Format.CSV else json_lines.render
    head = csv_rows.HEAD if form is Format.CSV else b""
    after = ""
    while batch := await _batch(session, after):
        yield len(batch), head + b"".join(render(product) for product in batch)
        head, after = b"", batch[-1]["slug"]
    if head:
        yield 0, head


async def _batch(session: AsyncSession, after: str) -> list[dict[str, Any]]:
    """The next products by slug, each as the body of a POST /products that would make it."""
    products = (
        select(
            col(Product.id), col(Product.slug), col(Product.name), col(Product.description), col(Product.brand),
            col(Category.slug).label("category"), col(Product.status), col(Product.attributes), col(Product.images),
        )
        .outerjoin(Category, col(Category.id) == Product.category_id)
        .where(col(Product.slug) > after)
        .order_by(col(Product.slug))
        .limit(BATCH)
    )  # fmt: skip
    bodies = {row.id: {**row._mapping, "variants": []} for row in await session.execute(products)}
    variants = (
        select(
            col(Variant.product_id), col(Variant.sku), col(Variant.price), col(Variant.currency), col(Variant.options)
        )
        .where(col(Variant.product_id).in_(bodies))
        .order_by(col(Variant.product_id), col(Variant.position), col(Variant.sku))
    )
    for product_id, sku, price, currency, options in (await session.execute(variants)).all():
        variant = {"sku": sku, "price": {"amount": price, "currency": currency}, "options": options}
        bodies[product_id]["variants"].append(variant)
    for body in bodies.values():
        del body["id"]
    return list(bodies.values())
