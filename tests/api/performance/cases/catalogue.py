"""Products, categories, search."""

from typing import Any
from uuid import uuid4

from tests.api.performance.scene import Ask, Scene, ask, case
from tests.services.transfer.files import jsonl_of, product


def named(kind: str) -> str:
    return f"{kind}-{uuid4().hex[:12]}"


def body(**more: Any) -> dict[str, Any]:
    """Of a product that nobody has."""
    name = named("lamp")
    return product(name, f"{name}-s", f"{name}-l", **more)


async def new_product(scene: Scene) -> dict[str, Any]:
    made: dict[str, Any] = (await scene.staff.post("/products", json=body())).json()
    return made


async def new_category(scene: Scene) -> str:
    slug = named("things")
    await scene.staff.post("/categories", json={"name": slug, "slug": slug})
    return slug


async def new_synonyms(scene: Scene) -> str:
    made = (await scene.staff.post("/search/synonyms", json={"words": [named("sofa"), named("couch")]})).json()
    return str(made["id"])


@case("GET /products")
async def the_newest(scene: Scene) -> Ask:
    return ask(scene.anonymous)


@case("GET /products with words, filters and facets")
async def a_search(scene: Scene) -> Ask:
    return ask(scene.anonymous, params={"q": f"lamp {uuid4().hex[:4]}", "price_min": 100, "facets": "true"})


@case("GET /products/suggest")
async def a_suggestion(scene: Scene) -> Ask:
    return ask(scene.anonymous, params={"q": "lam"})


@case("GET /products/{id_or_slug}")
async def a_product(scene: Scene) -> Ask:
    return ask(scene.anonymous, {"id_or_slug": scene.product_id})


@case("POST /products")
async def a_new_product(scene: Scene) -> Ask:
    return ask(scene.staff, json=body())


@case("PATCH /products/{id_or_slug}")
async def a_changed_product(scene: Scene) -> Ask:
    return ask(scene.staff, {"id_or_slug": (await new_product(scene))["id"]}, json={"name": "Another name"})


@case("DELETE /products/{id_or_slug}")
async def a_deleted_product(scene: Scene) -> Ask:
    return ask(scene.staff, {"id_or_slug": (await new_product(scene))["id"]})


@case("POST /products/{id_or_slug}/variants")
async def a_new_variant(scene: Scene) -> Ask:
    variant = {"sku": named("m"), "price": {"amount": 100, "currency": "USD"}, "options": {"Size": "M"}}
    return ask(scene.staff, {"id_or_slug": (await new_product(scene))["id"]}, json=variant)


@case("PATCH /products/{id_or_slug}/variants/{sku}")
async def a_changed_variant(scene: Scene) -> Ask:
    made = await new_product(scene)
    where = {"id_or_slug": made["id"], "sku": made["variants"][0]["sku"]}
    return ask(scene.staff, where, json={"price": {"amount": 5, "currency": "USD"}})


@case("DELETE /products/{id_or_slug}/variants/{sku}")
async def a_deleted_variant(scene: Scene) -> Ask:
    made = await new_product(scene)
    return ask(scene.staff, {"id_or_slug": made["id"], "sku": made["variants"][0]["sku"]})


@case("GET /products/export")
async def an_export(scene: Scene) -> Ask:
    return ask(scene.staff, params={"format": "csv"})


@case("POST /products/import of 200 new products")
async def an_import(scene: Scene) -> Ask:
    products = [body() for _ in range(200)]
    return ask(scene.staff, params={"format": "jsonl"}, content=jsonl_of(*products).getvalue())


@case("GET /categories")
async def the_categories(scene: Scene) -> Ask:
    return ask(scene.anonymous)


@case("GET /categories/{id_or_slug}")
async def a_category(scene: Scene) -> Ask:
    return ask(scene.anonymous, {"id_or_slug": await new_category(scene)})


@case("POST /categories")
async def a_new_category(scene: Scene) -> Ask:
    return ask(scene.staff, json={"name": named("things")})


@case("PATCH /categories/{id_or_slug}")
async def a_changed_category(scene: Scene) -> Ask:
    return ask(scene.staff, {"id_or_slug": await new_category(scene)}, json={"name": named("things")})


@case("DELETE /categories/{id_or_slug}")
async def a_deleted_category(scene: Scene) -> Ask:
    return ask(scene.staff, {"id_or_slug": await new_category(scene)})


@case("GET /search/synonyms")
async def the_synonyms(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("GET /search/synonyms/{group_id}")
async def synonyms(scene: Scene) -> Ask:
    return ask(scene.staff, {"group_id": await new_synonyms(scene)})


@case("POST /search/synonyms")
async def new_words(scene: Scene) -> Ask:
    return ask(scene.staff, json={"words": [named("sofa"), named("couch")]})


@case("PUT /search/synonyms/{group_id}")
async def other_words(scene: Scene) -> Ask:
    return ask(scene.staff, {"group_id": await new_synonyms(scene)}, json={"words": [named("rug"), named("mat")]})


@case("DELETE /search/synonyms/{group_id}")
async def no_more_words(scene: Scene) -> Ask:
    return ask(scene.staff, {"group_id": await new_synonyms(scene)})


@case("POST /search/rebuild")
async def a_rebuild(scene: Scene) -> Ask:
    return ask(scene.staff)
