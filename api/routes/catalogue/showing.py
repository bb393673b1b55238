"""How a product is answered: its stored bytes, and where it is."""

from urllib.parse import quote

from fastapi import Request, Response

from services.catalogue.reading import Shown

MADE_AND_GONE = "What this Idempotency-Key made was deleted since."


def show(request: Request, product: Shown, status: int = 200) -> Response:
    """`Content-Location` has the slug of today, whichever way led to it; a new one's `Location` is for ever."""
    prefix = request.url.path.split("/products", 1)[0]
    headers = {"ETag": f'"{product.version}"', "Content-Location": f"{prefix}/products/{quote(product.slug)}"}
    if status == 201:
        headers["Location"] = f"{prefix}/products/{product.id}"
    return Response(product.json, status, headers=headers, media_type="application/json")
