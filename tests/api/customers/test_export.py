"""Everything that is held about a person, as one file: whole however long, and nobody else's."""

from typing import Any

import pytest

from api.routes.customers.exporting import PAGE
from api.schemas.customers import Export
from models.payments import RefundCause
from services import payments, refunds
from services.refunds import Claim
from tests.api.conftest import Caller
from tests.api.shopping import ADDRESS, add
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import delivered, requested

HISTORY = (
    "INSERT INTO checkout_requests (order_id, user_id, idempotency_key, fingerprint, payment_method, shipping_address, "
    "notes, cart_id, cart_version, currency, lines, claim) SELECT gen_random_uuid(), :user, n, '', 'cod', '{}', n, "
    "gen_random_uuid(), 1, 'USD', '[]', 'freed' FROM generate_series(1, cast(:orders AS int)) n",
    "INSERT INTO orders (id, user_id, status, payment_method, reservation_status, currency, subtotal, discount, "
    "shipping, tax, total, shipping_address, notes, hold_expires_at, placed_at, version) SELECT order_id, user_id, "
    "'cancelled', 'cod', 'released', 'USD', 0, 0, 0, 0, 0, '{}', notes, now(), now() - notes::int * interval '1 s', 1 "
    "FROM checkout_requests",
)
"""Cancelled orders of one customer; the one with the note 1 is the newest."""


@pytest.fixture(autouse=True)
async def lamp(shop: Shop) -> None:
    await shop.product("LAMP", stock=500)


async def export(caller: Caller) -> dict[str, Any]:
    answer = await caller.get("/customers/me/export")
    assert answer.status_code == 200, answer.text
    held = Export.model_validate_json(answer.content)
    assert held.model_dump(mode="json") == answer.json(), "the file has the documented shape"
    found: dict[str, Any] = answer.json()
    return found


async def test_an_export_holds_everything(customer: Caller, shop: Shop) -> None:
    order_id = await shop.paid({"LAMP": 2}, user_id=customer.user_id)
    cancelled = await shop.cancelled({"LAMP": 1}, user_id=customer.user_id)
    address = (await customer.post("/customers/me/addresses", json=ADDRESS)).json()
    await customer.put("/customers/me/preferences", json={"language": "de"})
    await add(customer, "LAMP", 3)
    await shop.rows(
        "INSERT INTO user_sessions (user_id, address, user_agent, expires_at) "
        "VALUES (:id, '192.0.2.7', 'Firefox', now())",
        id=customer.user_id,
    )
    await shop.rows(
        "INSERT INTO mails (user_id, purpose, recipient) VALUES (:id, 'verify-email', 'ada@example.com')",
        id=customer.user_id,
    )
    held = await export(customer)
    assert held["profile"] == (await customer.get("/customers/me")).json()
    assert held["preferences"]["language"] == "de"
    assert held["addresses"] == [address]
    assert [(held["address"], held["user_agent"]) for held in held["sessions"]] == [("192.0.2.7", "Firefox")]
    assert [(mail["purpose"], mail["recipient"]) for mail in held["mails"] if mail["purpose"] != "notice"] == [
        ("verify-email", "ada@example.com")
    ]
    assert len(held["mails"]) == len(held["notifications"]) + 1
    assert held["notifications"] == (await customer.get("/notifications")).json()["items"]
    assert [item["title"].split()[-1] for item in held["notifications"]] == ["storniert", "bestätigt"]
    assert held["cart"]["items"] == {"LAMP": 3}
    orders = {order["id"]: order for order in held["orders"]}
    assert list(orders) == [str(cancelled), str(order_id)]
    paid = orders[str(order_id)]
    payment, given_back, timeline = paid.pop("payment"), paid.pop("refunds"), paid.pop("timeline")
    assert timeline == (await customer.get(f"/orders/{order_id}/timeline")).json()["items"]
    assert paid == (await customer.get(f"/orders/{order_id}")).json()
    assert (payment["status"], payment["captured"]) == ("captured", {"amount": 3998, "currency": "USD"})
    assert (orders[str(cancelled)]["payment"], given_back, held["returns"]) == (None, [], [])


async def test_what_came_back_and_what_was_given_back_is_in_it(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await delivered(shop, gateway, {"LAMP": 2}, user_id=customer.user_id)
    return_id = await requested(shop, order_id, {"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        await refunds.claim(session, payment, Claim(RefundCause.STAFF, "desk", 100, "a scratch"))
    held = await export(customer)
    assert held["returns"] == [(await customer.get(f"/returns/{return_id}")).json()]
    [order] = held["orders"]
    assert [(refund["reason"], refund["amount"]["amount"]) for refund in order["refunds"]] == [("a scratch", 100)]


async def test_it_is_a_file_that_nobody_keeps_and_holds_no_secret(customer: Caller, shop: Shop) -> None:
    await shop.paid({"LAMP": 1}, user_id=customer.user_id)
    await shop.rows("UPDATE users SET password_hash = 'the hash of a password'")
    answer = await customer.get("/customers/me/export")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tillwright-')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    for secret in ("hash of a password", "pm_card_visa", "pi_", "fingerprint"):
        assert secret not in answer.text


@pytest.mark.parametrize("orders", [0, 1, PAGE, PAGE + 1, 3 * PAGE])
async def test_a_history_of_any_length_is_whole_and_in_order(customer: Caller, shop: Shop, orders: int) -> None:
    await shop.rows(HISTORY[0], user=customer.user_id, orders=orders)
    await shop.rows(HISTORY[1])
    exported = (await export(customer))["orders"]
    assert [order["notes"] for order in exported] == [str(number) for number in range(1, orders + 1)]


async def test_it_holds_nothing_of_others(customer: Caller, stranger: Caller, shop: Shop) -> None:
    await shop.confirmed({"LAMP": 1}, user_id=stranger.user_id)
    await stranger.post("/customers/me/addresses", json=ADDRESS | {"line1": "9 Quixotic Mews"})
    held = await export(customer)
    assert (held["orders"], held["addresses"]) == ([], [])
    assert str(stranger.user_id) not in str(held)
