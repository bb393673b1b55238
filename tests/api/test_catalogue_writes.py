"""Products over HTTP: staff make, change and delete them; bad input is one clear problem and nothing half written."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from core.settings import Settings
from services.carts.store import MAX_UNITS_PER_LINE
from services.catalogue.drafts import HIGHEST_PRICE, LARGEST, RESERVED_SKUS
from services.catalogue.slugs import RESERVED
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import COD, add, cart_of, fields_of, keyed, ordered, refused, usd
from tests.api.test_access import bare, routes
from tests.builders import Shop

LAMP = {
    "name": "Reading Lamp", "description": "A lamp for the desk.", "brand": "Hestia", "attributes": {"watts": 4},
    "variants": [{"sku": "LAMP", "price": usd(4900), "initial_stock": 7}],
}  # fmt: skip
TABLES = ("products", "variants", "product_bodies", "stock", "stock_movements", "search_changes", "audit_entries")


async def made(staff: Caller, **said: Any) -> dict[str, Any]:
    answer = await staff.post("/products", json=LAMP | said)
    assert answer.status_code == 201, answer.text
    product: dict[str, Any] = answer.json()
    return product


async def counts(shop: Shop) -> list[int]:
    return [(await shop.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in TABLES]  # noqa: S608


async def test_staff_make_a_product_that_anyone_can_buy_at_once(staff: Caller, anonymous: Caller, shop: Shop) -> None:
    answer = await staff.post("/products", json=LAMP)
    assert answer.status_code == 201
    product = answer.json()
    assert product | {"id": ""} == {
        "id": "", "slug": "reading-lamp", "name": "Reading Lamp", "description": "A lamp for the desk.",
        "brand": "Hestia", "category": None, "in_stock": True, "status": "active", "attributes": {"watts": 4},
        "images": [], "variants": [{"sku": "LAMP", "price": usd(4900), "options": {}}], "version": 1,
    }  # fmt: skip
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/api/v1/products/{product['id']}"
    there = await anonymous.get(f"http://shop.test{answer.headers['Location']}")
    assert (there.status_code, there.json(), there.headers["ETag"]) == (200, product, '"1"')
    assert await shop.stock("LAMP") == (7, 0)


async def test_a_key_makes_one_product_however_often_it_is_sent(staff: Caller, shop: Shop) -> None:
    headers = keyed()
    answers = await asyncio.gather(*(staff.post("/products", json=LAMP, headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == ["", "true", "true", "true"]
    slug = answers[0].json()["slug"]
    await staff.patch(f"/products/{slug}", json={"brand": "Vulcan"})
    again = await staff.post("/products", json=LAMP, headers=headers)
    assert (again.status_code, again.json()["brand"], again.headers["ETag"]) == (201, "Vulcan", '"2"')
    other = LAMP | {"name": "Torch"}
    refused(await staff.post("/products", json=other, headers=headers), 422, "idempotency-key-reused")
    new = {"sku": "LAMP-L", "price": usd(5)}
    for was_replayed in (None, "true"):
        added = await staff.post(f"/products/{slug}/variants", json=new, headers=keyed("another-key-of-mine"))
        assert (added.status_code, added.headers["ETag"]) == (201, '"3"')
        assert added.headers.get("Idempotent-Replayed") == was_replayed
    assert await shop.rows("SELECT count(*) FROM products") == [(1,)]


async def test_the_fullest_cart_of_the_dearest_things_can_be_shown_and_ordered(
    staff: Caller, customer: Caller, settings: Settings, worker: object
) -> None:
    assert HIGHEST_PRICE * MAX_UNITS_PER_LINE * settings.max_cart_lines <= LARGEST
    await made(staff, variants=[{"sku": "LAMP", "price": usd(HIGHEST_PRICE), "initial_stock": 999}])
    cart = await add(customer, "LAMP", 999)
    assert cart["totals"]["total"] == usd(999 * HIGHEST_PRICE)
    assert (await ordered(customer, COD))["totals"]["total"] == usd(999 * HIGHEST_PRICE)


async def test_a_refused_product_leaves_its_key_unused(staff: Caller) -> None:
    headers = keyed()
    body = LAMP | {"category": "home"}
    refused(await staff.post("/products", json=body, headers=headers), 422, "category-unknown")
    assert (await staff.post("/categories", json={"name": "Home"})).status_code == 201
    assert (await staff.post("/products", json=body, headers=headers)).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "body.name"),
        ({"name": None}, "body.name"),
        ({"name": "x" * 201}, "body.name"),
        ({"description": "x" * 20_001}, "body.description"),
        ({"variants": []}, "body.variants"),
        ({"variants": [{"sku": "A", "price": {"amount": -1, "currency": "USD"}}]}, "body.variants.0.price.amount"),
        ({"variants": [{"sku": "A", "price": {"amount": 9.99, "currency": "USD"}}]}, "body.variants.0.price.amount"),
        (
            {"variants": [{"sku": "A", "price": {"amount": HIGHEST_PRICE + 1, "currency": "USD"}}]},
            "body.variants.0.price.amount",
        ),
        ({"variants": [{"sku": "A", "price": {"amount": 1, "currency": "QQQ"}}]}, "body.variants.0.price.currency"),
        ({"variants": [{"sku": "A", "price": {"amount": 1, "currency": "usd"}}]}, "body.variants.0.price.currency"),
        ({"variants": [{"sku": "A", "price": 1}]}, "body.variants.0.price"),
        ({"variants": [{"sku": "a b", "price": usd(1)}]}, "body.variants.0.sku"),
        ({"variants": [{"sku": "sessions", "price": usd(1)}]}, "body.variants.0.sku"),
        ({"variants": [{"sku": "A", "price": usd(1), "on_hand": 3}]}, "body.variants.0.on_hand"),
        ({"variants": [{"sku": "A", "price": usd(1), "initial_stock": 10**9}]}, "body.variants.0.initial_stock"),
        ({"variants": [{"sku": "A", "price": usd(1)}, {"sku": "A", "price": usd(2)}]}, "body"),
        ({"images": ["file:///etc/passwd"]}, "body.images.0"),
        ({"attributes": {"a": {}}}, "body.attributes.a"),
        ({"status": "sold"}, "body.status"),
        ({"slug": "../admin"}, "body.slug"),
        ({"id": "0198c5a4-7c1e-7000-8000-000000000001"}, "body.id"),
        ({"version": 7}, "body.version"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "body.created_at"),
        ({"price": 1}, "body.price"),
    ],
    ids=lambda case: str(case)[:40],
)
async def test_a_product_that_breaks_a_rule_is_refused_where_it_does(
    staff: Caller, shop: Shop, change: dict[str, Any], field: str
) -> None:
    before = await counts(shop)
    problem = refused(await staff.post("/products", json=LAMP | change), 422, "validation-failed")
    assert field in fields_of(problem)
    assert await counts(shop) == before


@pytest.mark.parametrize(
    "content",
    [
        b'{"name":"a\\u0000b","description":"","variants":[{"sku":"A","price":{"amount":1,"currency":"USD"}}]}',
        b'{"name":"L","description":"\\ud800","variants":[{"sku":"A","price":{"amount":1,"currency":"USD"}}]}',
        b'{"name":"L","description":"","attributes":{"a":NaN},"variants":[{"sku":"A","price":{"amount":1,"currency":"USD"}}]}',
        b'{"name":"L","description":"","attributes":{"a":1e400},"variants":[{"sku":"A","price":{"amount":1,"currency":"USD"}}]}',
        b'{"name":"L","description":"","attributes":{"\\ud800":1},"variants":[{"sku":"A","price":{"amount":1,"currency":"USD"}}]}',
        b'{"name":"L","description":"","variants":[{"sku":"A","price":{"amount":1,"currency":"USD"},"options":{"a":"\\u0000"}}]}',
        b'{"name":"L","variants":',
        b"[]",
        b"",
    ],
    ids=["nul", "surrogate", "nan", "infinity", "surrogate-key", "nul-option", "broken", "list", "empty"],
)
async def test_a_body_that_cannot_be_kept_or_read_is_refused(staff: Caller, shop: Shop, content: bytes) -> None:
    headers = {"Content-Type": "application/json"} | keyed()
    refused(await staff.post("/products", content=content, headers=headers), 422, "validation-failed")
    assert await shop.rows("SELECT 1 FROM products") == []


async def test_what_is_taken_is_named(staff: Caller, shop: Shop) -> None:
    await made(staff, slug="lamp")
    before = await counts(shop)
    problem = refused(await staff.post("/products", json=LAMP), 409, "sku-taken")
    assert problem["skus"] == ["LAMP"]
    other = LAMP | {"slug": "lamp", "variants": [{"sku": "NEW", "price": usd(1)}]}
    assert refused(await staff.post("/products", json=other), 409, "slug-taken")["slug"] == "lamp"
    assert await counts(shop) == before


async def test_a_change_needs_the_version_that_was_read_where_it_names_one(staff: Caller) -> None:
    product = await made(staff)
    path = f"/products/{product['id']}"
    first, second = await asyncio.gather(
        *(staff.patch(path, json={"brand": brand}, headers={"If-Match": '"1"'}) for brand in ("Volt", "Ohm"))
    )
    won, lost = (first, second) if first.status_code == 200 else (second, first)
    assert (won.json()["version"], won.headers["ETag"]) == (2, '"2"')
    assert refused(lost, 412, "stale")["version"] == 2
    refused(await staff.delete(path, headers={"If-Match": '"1"'}), 412, "stale")
    refused(await staff.patch(path, json={"brand": "X"}, headers={"If-Match": '"abc"'}), 412, "stale")
    variant = f"{path}/variants/LAMP"
    refused(await staff.patch(variant, json={"position": 1}, headers={"If-Match": '"1"'}), 412, "stale")
    anyway = await staff.patch(path, json={"brand": None}, headers={"If-Match": "*"})
    assert (anyway.json()["brand"], anyway.headers["ETag"]) == (None, '"3"')
    nothing = await staff.patch(path, json={}, headers={"If-Match": '"3"'})
    assert (nothing.status_code, nothing.headers["ETag"]) == (200, '"3"')


@pytest.mark.parametrize("field", ["id", "version", "created_at", "price", "in_stock", "variants", "category_id"])
async def test_what_is_not_for_clients_to_say_is_refused(staff: Caller, field: str) -> None:
    product = await made(staff)
    path = f"/products/{product['id']}"
    problem = refused(await staff.patch(path, json={"name": "Torch", field: 7}), 422, "validation-failed")
    assert fields_of(problem) == {f"body.{field}"}
    assert (await staff.get(path)).json() == product


async def test_a_former_slug_leads_to_the_product_and_says_where_it_is_now(staff: Caller, anonymous: Caller) -> None:
    product = await made(staff)
    renamed = await staff.patch("/products/reading-lamp", json={"name": "Lamp", "slug": "lampe-für-alle"})
    refused(renamed, 422, "validation-failed")
    await staff.patch("/products/reading-lamp", json={"name": "茶", "slug": "茶"})
    for slug in ("reading-lamp", "茶"):
        found = await anonymous.get(f"/products/{slug}")
        assert (found.json()["id"], found.json()["slug"]) == (product["id"], "茶")
        assert found.headers["Content-Location"] == "/api/v1/products/%E8%8C%B6"
    plain = await anonymous.get("http://shop.test/api/products/reading-lamp")
    assert plain.headers["Content-Location"] == "/api/products/%E8%8C%B6"


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_what_is_not_active_is_there_for_staff_alone(
    staff: Caller, customer: Caller, anonymous: Caller, status: str
) -> None:
    product = await made(staff, status=status)
    for path in (f"/products/{product['id']}", "/products/reading-lamp"):
        assert (await staff.get(path)).json()["status"] == status
        for other in (customer, anonymous):
            refused(await other.get(path), 404, "not-found")
    active = await staff.patch("/products/reading-lamp", json={"status": "active"})
    assert (await anonymous.get("/products/reading-lamp")).json() == active.json()


async def test_a_token_that_is_not_good_is_refused_where_none_is_needed(staff: Caller, anonymous: Caller) -> None:
    await made(staff)
    answer = await anonymous.get("/products/reading-lamp", headers={"Authorization": "Bearer nonsense"})
    refused(answer, 401, "not-signed-in")


async def test_what_orders_refer_to_is_archived_instead(staff: Caller, customer: Caller, shop: Shop) -> None:
    await made(staff)
    await staff.post("/products/reading-lamp/variants", json={"sku": "LAMP-L", "price": usd(5)})
    await shop.held({"LAMP": 1})
    for path in ("/products/reading-lamp", "/products/reading-lamp/variants/LAMP"):
        assert refused(await staff.delete(path), 409, "in-use")["by"] == "orders"
    assert (await staff.delete("/products/reading-lamp/variants/LAMP-L")).status_code == 204
    refused(await staff.delete("/products/reading-lamp/variants/LAMP"), 409, "last-variant")
    await add(customer, "LAMP")
    assert (await staff.patch("/products/reading-lamp", json={"status": "archived"})).status_code == 200
    refused(await customer.get("/products/reading-lamp"), 404, "not-found")
    assert await cart_of(customer) == {"LAMP": 1}


async def test_a_product_that_was_never_ordered_is_gone(staff: Caller, customer: Caller, shop: Shop) -> None:
    product = await made(staff)
    await add(customer, "LAMP")
    answer = await staff.delete(f"/products/{product['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    for path in (f"/products/{product['id']}", "/products/reading-lamp", "/inventory/LAMP"):
        refused(await staff.get(path), 404, "not-found")
    refused(await staff.delete(f"/products/{product['id']}"), 404, "not-found")
    [item] = (await customer.get("/carts/current")).json()["items"]
    assert [problem["code"] for problem in item["problems"]] == ["no-longer-sold"]
    await made(staff)


async def test_a_variants_price_is_in_carts_at_once(staff: Caller, customer: Caller) -> None:
    await made(staff)
    await add(customer, "LAMP", 2)
    path = "/products/reading-lamp/variants/LAMP"
    changed = await staff.patch(path, json={"price": usd(100)}, headers={"If-Match": '"1"'})
    assert (changed.json()["variants"][0]["price"], changed.headers["ETag"]) == (usd(100), '"2"')
    [item] = (await customer.get("/carts/current")).json()["items"]
    assert item["line_total"] == usd(200)
    for price in ({"amount": -1, "currency": "USD"}, {"amount": 1, "currency": "QQQ"}, None, 1):
        refused(await staff.patch(path, json={"price": price}), 422, "validation-failed")
    refused(await staff.patch("/products/reading-lamp/variants/NOWHERE", json={}), 404, "not-found")


async def test_each_act_is_in_the_audit_log_with_who_did_it(staff: Caller, sign_in: SignIn, shop: Shop) -> None:
    admin = await sign_in("admin")
    await made(staff)
    await admin.patch("/products/reading-lamp/variants/LAMP", json={"price": usd(100)})
    await staff.patch("/products/reading-lamp", json={"name": "Lamp"})
    await admin.delete("/products/reading-lamp")
    log = await shop.rows("SELECT action, actor_id, details FROM audit_entries ORDER BY id")
    assert [(action, actor) for action, actor, _ in log] == [
        ("product.create", staff.user_id), ("variant.change", admin.user_id),
        ("product.change", staff.user_id), ("product.delete", admin.user_id),
    ]  # fmt: skip
    assert log[1][2]["changes"] == {"price": [usd(4900), usd(100)]}
    assert log[2][2]["fields"] == ["name"]


@pytest.mark.parametrize(("below", "reserved"), [("/products/", RESERVED), ("/inventory/", RESERVED_SKUS)])
def test_no_slug_and_no_sku_is_a_path_beside_it(app: FastAPI, below: str, reserved: frozenset[str]) -> None:
    beside = {bare(path).split("/")[2] for _, path in routes(app) if bare(path).startswith(below)}
    assert {word for word in beside if not word.startswith("{")} == reserved
