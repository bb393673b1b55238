"""A key belongs to its caller, whatever it was sent with: sent with anything else it is refused, and starts nothing."""

from uuid import UUID

from tests.api.conftest import Caller
from tests.api.shopping import ADDRESS, CARD, COD, THREE_D_SECURE, add, cart_of, keyed, ordered, orders_of, refused
from tests.builders import Shop

LINE = {"sku": "LAMP", "quantity": 1}
REUSED = (422, "idempotency-key-reused")


async def test_a_key_of_the_cart_checks_nothing_out(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    await customer.post("/carts/items", json=LINE, headers=headers)
    refused(await customer.post("/orders/checkout", json=CARD, headers=headers), *REUSED)
    assert await orders_of(customer) == []


async def test_a_key_of_the_cart_writes_nothing_else_nor_the_other_way_round(customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    of_the_cart, of_the_book, book = keyed(), keyed(), "/customers/me/addresses"
    await customer.post("/carts/items", json=LINE, headers=of_the_cart)
    refused(await customer.post(book, json=ADDRESS, headers=of_the_cart), *REUSED)
    assert (await customer.post(book, json=ADDRESS, headers=of_the_book)).status_code == 201
    refused(await customer.post("/carts/items", json=LINE, headers=of_the_book), *REUSED)
    assert len((await customer.get(book)).json()["items"]) == 1
    assert await cart_of(customer) == {"LAMP": 1}


async def test_a_key_of_a_checkout_adds_nothing_and_opens_nothing(customer: Caller, shop: Shop, worker: object) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    headers = keyed()
    assert (await customer.post("/orders/checkout", json=COD, headers=headers)).status_code == 201
    refused(await customer.post("/carts/items", json=LINE, headers=headers), *REUSED)
    refused(await customer.post("/carts", headers=headers), *REUSED)
    assert await cart_of(customer) == {}


async def test_a_key_of_a_decision_decides_once_and_checks_nothing_out(
    customer: Caller, staff: Caller, shop: Shop, worker: object
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer, COD)
    headers = keyed()
    assert (await staff.post(f"/orders/{order['id']}/confirm", headers=headers)).status_code == 200
    assert (await staff.post(f"/orders/{order['id']}/confirm", headers=headers)).status_code == 200, "the same again"
    await add(staff, "LAMP")
    refused(await staff.post("/orders/checkout", json=COD, headers=headers), *REUSED)


async def test_a_key_of_the_cart_decides_nothing_and_offers_no_card(
    customer: Caller, staff: Caller, shop: Shop, worker: object
) -> None:
    await shop.product("LAMP")
    of_staff, of_the_customer = keyed(), keyed()
    await staff.post("/carts/items", json=LINE, headers=of_staff)
    await customer.post("/carts/items", json=LINE, headers=of_the_customer)
    order = await ordered(customer, COD)
    for decision in ("confirm", "reject"):
        refused(await staff.post(f"/orders/{order['id']}/{decision}", headers=of_staff), *REUSED)
    await shop.rows("UPDATE orders SET status = 'payment_failed' WHERE id = :id", id=UUID(order["id"]))
    path, card = f"/orders/{order['id']}/payment-attempts", {"payment_token": "pm_card_visa"}
    refused(await customer.post(path, json=card, headers=of_the_customer), *REUSED)


async def test_a_key_of_a_checkout_changes_no_stock(staff: Caller, shop: Shop, worker: object) -> None:
    await shop.product("LAMP")
    await add(staff, "LAMP")
    headers = keyed()
    assert (await staff.post("/orders/checkout", json=COD, headers=headers)).status_code == 201
    body = {"delta": 5, "reason": "found"}
    refused(await staff.post("/inventory/LAMP/adjustments", json=body, headers=headers), *REUSED)
    assert await shop.stock("LAMP") == (10, 1)


async def test_a_key_of_a_checkout_offers_no_other_card(customer: Caller, shop: Shop, worker: object) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    headers = keyed()
    body = CARD | {"payment_token": THREE_D_SECURE}
    order = (await customer.post("/orders/checkout", json=body, headers=headers)).json()
    await shop.rows("UPDATE orders SET status = 'payment_failed' WHERE id = :id", id=UUID(order["id"]))
    path = f"/orders/{order['id']}/payment-attempts"
    refused(await customer.post(path, json={"payment_token": "pm_card_visa"}, headers=headers), *REUSED)


async def test_two_callers_may_choose_the_same_key(customer: Caller, stranger: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    headers = keyed()
    for caller in (customer, stranger):
        answer = await caller.post("/carts/items", json=LINE, headers=headers)
        assert answer.status_code == 200
        assert "Idempotent-Replayed" not in answer.headers
