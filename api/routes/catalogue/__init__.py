"""The catalogue: anyone searches and reads it, staff keep it."""

from fastapi import APIRouter

from api.routes.catalogue import categories, products, reading, search, synonyms, transfer

router = APIRouter(tags=["catalogue"])
# Before `reading`, whose /products/{id_or_slug} would take their paths for slugs.
for part in (search, transfer, products, reading, categories, synonyms):
    router.include_router(part.router)
