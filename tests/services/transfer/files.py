"""Catalogue files as tests write them."""

from io import BytesIO
from typing import Any

from services.transfer import csv_rows, json_lines
from services.transfer.entries import Entry, Format
from services.transfer.reading import read

HEADER = "slug,name,description,sku,price,currency"


def product(slug: str, *skus: str, price: int = 1999, **more: Any) -> dict[str, Any]:
    """The body of a product with a variant for each SKU, or for one called like the slug."""
    variants = [
        {"sku": sku, "price": {"amount": price, "currency": "USD"}, "options": {"Size": f"{number}"}}
        for number, sku in enumerate(skus or [slug.upper()])
    ]
    common: dict[str, Any] = {
        "description": "",
        "brand": None,
        "category": None,
        "status": "active",
        "attributes": {},
        "images": [],
    }
    return {"slug": slug, "name": f"The {slug}", **common, "variants": variants, **more}


def csv_of(*products: dict[str, Any]) -> BytesIO:
    return BytesIO(csv_rows.HEAD + b"".join(csv_rows.render(one) for one in products))


def jsonl_of(*products: dict[str, Any]) -> BytesIO:
    return BytesIO(b"".join(json_lines.render(one) for one in products))


def csv_file(*rows: str, header: str = HEADER) -> BytesIO:
    return BytesIO("".join(f"{row}\n" for row in (header, *rows)).encode())


def entries(file: BytesIO, form: Format) -> list[Entry]:
    return list(read(file, form))


def refusals(file: BytesIO, form: Format) -> list[tuple[int, str, str]]:
    """What is wrong before the catalogue is asked: line, field, reason."""
    return [(one.line, one.field, one.reason) for entry in entries(file, form) for one in entry.refusals]
