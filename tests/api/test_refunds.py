"""Refunds over HTTP: claimed before anybody is asked, given back once, and never forgotten."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from domain.money import Money
from models.payments import Payment
from services import payments
from tests.api.conftest import Caller, SignIn
from tests.api.refunding import SOME, ask, paid
from tests.api.shopping import CARD, add, fields_of, keyed, ordered, refused, until, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments

REST = {"reason": "all of it"}


@pytest.fixture
async def payment(shop: Shop, gateway: FakePayments, customer: Caller) -> Payment:
    """Of two lamps of the customer's, paid by card and not delivered yet."""
    await shop.product("LAMP")
    return await paid(shop, gateway, await shop.paid({"LAMP": 2}, user_id=customer.user_id))


@pytest.fixture
async def delivered(shop: Shop, gateway: FakePayments, customer: Caller) -> Payment:
    await shop.product("LAMP")
    return await paid(shop, gateway, await shop.delivered({"LAMP": 2}, user_id=customer.user_id))


@pytest.mark.usefixtures("worker")
async def test_a_refund_is_given_shown_and_written_down(
    staff: Caller, customer: Caller, stranger: Caller, sign_in: SignIn, shop: Shop, payment: Payment
) -> None:
    answer = await ask(staff, payment)
    assert answer.status_code == 201, answer.text
    refund = answer.json()
    assert refund == {
        "id": refund["id"], "payment_id": str(payment.id), "order_id": str(payment.order_id), "amount": usd(500),
        "reason": "one came scratched", "status": "succeeded", "created_at": refund["created_at"],
    }  # fmt: skip
    assert answer.headers["Location"] == f"/api/v1/refunds/{refund['id']}"
    for caller in (staff, customer):
        shown = await caller.get(f"/refunds/{refund['id']}")
        assert (shown.json(), bool(shown.headers["ETag"])) == (refund, True)
        assert (await caller.get(f"/payments/{payment.id}/refunds")).json() == {"items": [refund], "next_cursor": None}
        seen = (await caller.get(f"/payments/{payment.id}")).json()
        assert (seen["status"], seen["refunded"]) == ("partially_refunded", usd(500))
    for path in (f"/refunds/{refund['id']}", f"/payments/{payment.id}/refunds", f"/refunds/{uuid4()}"):
        refused(await stranger.get(path), 404, "not-found")
    (entry,) = (await (await sign_in("admin")).get("/audit", params={"action": "payment.refund"})).json()["items"]
    assert (entry["actor_id"], entry["subject_id"]) == (str(staff.user_id), str(payment.id))
    assert entry["details"] == {
        "refund_id": refund["id"], "amount": 500, "currency": "USD", "reason": "one came scratched",
    }  # fmt: skip
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_the_same_key_gives_back_once_and_another_body_is_refused(
    staff: Caller, shop: Shop, gateway: FakePayments, payment: Payment
) -> None:
    key = uuid4().hex
    answers = await asyncio.gather(*(ask(staff, payment, key=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 4
    refused(await ask(staff, payment, SOME | {"reason": "another"}, key), 422, "idempotency-key-reused")
    assert gateway.count("refund") == 1
    assert (await shop.rows("SELECT count(*) FROM audit_entries WHERE action = 'payment.refund'")) == [(1,)]
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_of_refunds_at_once_none_goes_over_what_was_captured(
    staff: Caller, shop: Shop, gateway: FakePayments, delivered: Payment
) -> None:
    body = {"amount": usd(900), "reason": "scratched"}
    answers = await asyncio.gather(*(ask(staff, delivered, body) for _ in range(8)))
    granted = [answer for answer in answers if answer.status_code == 201]
    assert len(granted) == 4
    for answer in answers:
        if answer not in granted:
            assert refused(answer, 409, "over-refund")["left"]["currency"] == "USD"
    rest = await ask(staff, delivered, REST)
    assert rest.json()["amount"] == usd(398)
    assert (await staff.get(f"/orders/{delivered.order_id}")).json()["status"] == "refunded"
    assert gateway.intents[f"pi_{delivered.order_id.hex}"].refunded == Money(3998, "USD")
    await shop.require_invariants()


async def test_what_cannot_be_given_back_is_refused_and_uses_no_key_up(
    staff: Caller, shop: Shop, payment: Payment
) -> None:
    key = uuid4().hex
    over = refused(await ask(staff, payment, SOME | {"amount": usd(3999)}, key), 409, "over-refund")
    assert over["left"] == usd(3998)
    for body in (REST, SOME | {"amount": usd(3998)}):
        refused(await ask(staff, payment, body, key), 409, "cancel-instead")
    euros = {"amount": {"amount": 500, "currency": "EUR"}, "reason": "x"}
    refused(await ask(staff, payment, euros, key), 422, "currency-mismatch")
    held = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        unpaid = await payments.open_payment(session, held, "stripe")
    assert (
        refused(await ask(staff, unpaid, SOME, key), 409, "not-allowed-in-state")["order_status"] == "pending_payment"
    )
    nowhere = await staff.post(f"/payments/{uuid4()}/refunds", json=SOME, headers=keyed(key))
    refused(nowhere, 404, "not-found")
    assert await shop.rows("SELECT count(*) FROM refunds") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM audit_entries") == [(0,)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.reason"),
        ({"reason": " "}, "body.reason"),
        ({"reason": "x" * 501}, "body.reason"),
        ({"reason": "a\x00b"}, "body"),
        ({"reason": "x", "amount": usd(0)}, "body.amount"),
        ({"reason": "x", "amount": usd(-1)}, "body.amount.amount"),
        ({"reason": "x", "amount": 500}, "body.amount"),
        ({"reason": "x", "amount": {"amount": 5.5, "currency": "USD"}}, "body.amount.amount"),
        ({"reason": "x", "amount": {"amount": 500, "currency": "QQQ"}}, "body.amount.currency"),
        ({"reason": "x", "to": "me"}, "body.to"),
    ],
)
async def test_a_body_that_is_no_refund_is_refused(
    staff: Caller, payment: Payment, body: dict[str, Any], field: str
) -> None:
    assert fields_of(refused(await ask(staff, payment, body), 422, "validation-failed")) == {field}


async def test_only_staff_give_money_back_and_only_with_a_key(
    staff: Caller, customer: Caller, anonymous: Caller, payment: Payment
) -> None:
    refused(await ask(customer, payment), 403, "forbidden")
    refused(await ask(anonymous, payment), 401, "not-signed-in")
    refused(await staff.post(f"/payments/{payment.id}/refunds", json=SOME), 400, "idempotency-key-missing")


@pytest.mark.usefixtures("worker")
async def test_a_refusal_of_the_providers_is_told_each_time_and_frees_the_money(
    staff: Caller, shop: Shop, gateway: FakePayments, payment: Payment
) -> None:
    ref = f"pi_{payment.order_id.hex}"
    gateway.give_back(ref, Money(3998, "USD"))  # somebody at the provider's was faster
    key = uuid4().hex
    for replayed in (None, "true"):
        answer = await ask(staff, payment, key=key)
        assert refused(answer, 402, "payment-refused")["reason"] == "charge_already_refunded"
        assert answer.headers.get("Idempotent-Replayed") == replayed
    (failed,) = (await staff.get(f"/payments/{payment.id}/refunds")).json()["items"]
    assert failed["status"] == "failed"
    gateway.pay(payment.order_id, Money(3998, "USD"))
    assert (await ask(staff, payment, SOME | {"amount": usd(3997)})).status_code == 201
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_a_real_checkout_is_refunded_in_parts(
    staff: Caller, customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP", 2)
    order = await ordered(customer, CARD)

    async def is_captured() -> bool:
        return bool((await shop.payment(order["id"])).status == "captured")

    await until(is_captured)
    payment = await shop.payment(order["id"])
    for amount in (1000, 2000):
        assert (await ask(staff, payment, {"amount": usd(amount), "reason": "late"})).status_code == 201
    first = (await staff.get(f"/payments/{payment.id}/refunds", params={"limit": 1})).json()
    second = await staff.get(f"/payments/{payment.id}/refunds", params={"cursor": first["next_cursor"]})
    items = first["items"] + second.json()["items"]
    assert [refund["amount"]["amount"] for refund in items] == [2000, 1000]
    shown = (await customer.get(f"/orders/{order['id']}")).json()
    assert (shown["status"], shown["payment_status"]) == ("confirmed", "partially_refunded")
    assert sum(refund.amount.amount for refund in gateway.given_back[f"pi_{payment.order_id.hex}"]) == 3000
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_a_machine_gives_back_what_its_key_permits(
    sign_in: SignIn, anonymous: Caller, shop: Shop, payment: Payment
) -> None:
    admin = await sign_in("admin")
    for permission, status in (("payments:read", 403), ("payments:write", 201)):
        made = (await admin.post("/api-keys", json={"name": "desk", "permissions": [permission]})).json()
        anonymous.headers["Authorization"] = f"Bearer {made['key']}"
        assert (await ask(anonymous, payment)).status_code == status
    await shop.require_invariants()
