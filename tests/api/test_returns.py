"""Returns over HTTP: asked for by the owner, decided by staff, refunded; and who may see which."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.api.conftest import Caller
from tests.api.shopping import fields_of, keyed, refused, usd
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import cancelled_on_its_way, delivered

pytestmark = pytest.mark.usefixtures("worker")

WISH = {"lines": [{"sku": "LAMP", "quantity": 2}], "reason": "It flickers."}


async def order_of(caller: Caller, shop: Shop, gateway: FakePayments, **how: Any) -> UUID:
    """Three lamps of the caller's, delivered."""
    await shop.product("LAMP", stock=10)
    return await delivered(shop, gateway, {"LAMP": 3}, user_id=caller.user_id, **how)


async def ask(caller: Caller, order_id: UUID, body: Any = WISH, key: str | None = None) -> httpx.Response:
    return await caller.post(f"/orders/{order_id}/returns", json=body, headers=keyed(key))


async def asked(caller: Caller, order_id: UUID, body: Any = WISH) -> dict[str, Any]:
    response = await ask(caller, order_id, body)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def done(staff: Caller, return_id: str, verb: str, **body: Any) -> dict[str, Any]:
    response = await staff.post(f"/returns/{return_id}/{verb}", json=body)
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_a_return_is_asked_for_approved_received_and_refunded(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    response = await ask(customer, order_id)
    made = response.json()
    assert response.headers["Location"] == f"/api/v1/returns/{made['id']}"
    assert made | {"id": "", "deadline_at": "", "created_at": ""} == {
        "id": "", "order_id": str(order_id), "status": "requested", "cause": "customer",
        "lines": [{"sku": "LAMP", "name": "The LAMP", "quantity": 2, "amount": usd(2 * 1999)}],
        "reason": "It flickers.", "refund_amount": usd(2 * 1999), "refund": None, "restock": None, "note": None,
        "deadline_at": "", "created_at": "", "decided_at": None, "received_at": None, "closed_at": None,
        "workflow_id": f"return-{made['id']}", "version": 1,
    }  # fmt: skip
    approved = await done(staff, made["id"], "approve", note="send it in")
    assert (approved["status"], approved["note"]) == ("approved", "send it in")
    received = await done(staff, made["id"], "receive")
    assert (received["status"], received["restock"]) == ("refunded", True)
    assert received["refund"] | {"id": ""} == {"id": "", "status": "succeeded", "amount": usd(2 * 1999)}
    seen = await customer.get(f"/returns/{made['id']}")
    assert (seen.json(), bool(seen.headers["ETag"])) == (received, True)
    assert await shop.stock("LAMP") == (9, 0)
    timeline = (await customer.get(f"/orders/{order_id}/timeline")).json()["items"]
    assert [(event["kind"], event["note"]) for event in timeline[-4:]] == [
        ("return_requested", "2 × LAMP"), ("return_approved", "send it in"),
        ("return_received", None), ("return_refunded", None),
    ]  # fmt: skip
    log = await shop.rows("SELECT action, details FROM audit_entries WHERE subject = 'return' ORDER BY id")
    assert log == [("return.approve", {"note": "send it in"}), ("return.receive", {})]
    await shop.require_invariants()


async def test_the_same_key_meets_the_same_return_and_another_body_is_refused(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id, key = await order_of(customer, shop, gateway), uuid4().hex
    first, second = await asyncio.gather(ask(customer, order_id, key=key), ask(customer, order_id, key=key))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert [answer.headers.get("Idempotent-Replayed") for answer in (first, second)].count("true") == 1
    refused(await ask(customer, order_id, WISH | {"reason": "Another."}, key=key), 422, "idempotency-key-reused")
    refused(await customer.post(f"/orders/{order_id}/returns", json=WISH), 400, "idempotency-key-missing")


async def test_of_two_returns_at_once_for_the_last_units_one_is_refused(
    customer: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    answers = await asyncio.gather(*(ask(customer, order_id) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    problem = refused(next(one for one in answers if one.status_code == 409), 409, "over-return")
    assert problem["lines"] == [{"sku": "LAMP", "requested": 2, "left": 1}]


async def test_what_was_not_bought_cannot_come_back(customer: Caller, shop: Shop, gateway: FakePayments) -> None:
    order_id = await order_of(customer, shop, gateway)
    await shop.product("MUG")
    lines = [{"sku": "MUG", "quantity": 1}, {"sku": "LAMP", "quantity": 2}, {"sku": "LAMP", "quantity": 2}]
    problem = refused(await ask(customer, order_id, WISH | {"lines": lines}), 409, "over-return")
    assert problem["lines"] == [
        {"sku": "MUG", "requested": 1, "left": 0}, {"sku": "LAMP", "requested": 4, "left": 3},
    ]  # fmt: skip
    merged = await asked(customer, order_id, WISH | {"lines": [{"sku": "LAMP", "quantity": 1}] * 3})
    assert [line["quantity"] for line in merged["lines"]] == [3]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"lines": []}, "body.lines"),
    ({"lines": [{"sku": "LAMP", "quantity": 0}]}, "body.lines.0.quantity"),
    ({"lines": [{"sku": "LAMP", "quantity": -1}]}, "body.lines.0.quantity"),
    ({"lines": [{"sku": "LAMP", "quantity": 1.5}]}, "body.lines.0.quantity"),
    ({"lines": [{"sku": "LAMP", "quantity": 10**20}]}, "body.lines.0.quantity"),
    ({"lines": [{"sku": "LA\0MP", "quantity": 1}]}, "body.lines.0"),
    ({"lines": [{"sku": "LAMP", "quantity": 1, "amount": 5}]}, "body.lines.0.amount"),
    ({"lines": [{"sku": "LAMP", "quantity": 1}] * 101}, "body.lines"),
    ({"reason": ""}, "body.reason"),
    ({"reason": "x" * 501}, "body.reason"),
    ({"reason": "a\0b"}, "body"),
    ({"refund": 100}, "body.refund"),
]


async def test_a_bad_wish_is_refused_by_its_field(customer: Caller) -> None:
    for change, field in BAD:
        problem = refused(await ask(customer, uuid4(), WISH | change), 422, "validation-failed")
        assert fields_of(problem) == {field}, change


async def test_only_delivered_orders_and_only_for_thirty_days(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    await shop.rows("UPDATE order_events SET at = at - interval '31 days' RETURNING seq")
    problem = refused(await ask(customer, order_id), 409, "not-allowed-in-state")
    assert (problem["order_status"], "until" in problem) == ("delivered", True)
    paid = await shop.paid({"LAMP": 1}, user_id=customer.user_id)
    assert refused(await ask(customer, paid), 409, "not-allowed-in-state")["order_status"] == "confirmed"
    refused(await ask(staff, paid), 409, "not-allowed-in-state")
    refused(await ask(customer, uuid4()), 404, "not-found")


async def test_a_return_is_its_owners_and_staffs(
    customer: Caller, stranger: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    refused(await ask(stranger, order_id), 404, "not-found")
    made = await asked(customer, order_id)
    for path in (f"/returns/{made['id']}", f"/orders/{order_id}/returns"):
        refused(await stranger.get(path), 404, "not-found")
        assert (await customer.get(path)).status_code == (await staff.get(path)).status_code == 200
    assert (await stranger.get("/returns")).json() == {"items": [], "next_cursor": None}
    for caller in (customer, staff):
        assert [one["id"] for one in (await caller.get("/returns")).json()["items"]] == [made["id"]]
        assert (await caller.get("/returns", params={"status": "approved"})).json()["items"] == []
    for verb in ("approve", "reject", "receive"):
        refused(await customer.post(f"/returns/{made['id']}/{verb}", json={}), 403, "forbidden")
        refused(await staff.post(f"/returns/{uuid4()}/{verb}", json={}), 404, "not-found")


async def test_lists_are_cut_into_pages(customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments) -> None:
    order_id = await order_of(customer, shop, gateway)
    one = WISH | {"lines": [{"sku": "LAMP", "quantity": 1}]}
    made = [(await asked(customer, order_id, one))["id"] for _ in range(3)]
    for path, caller in ((f"/orders/{order_id}/returns", customer), ("/returns", staff)):
        page = (await caller.get(path, params={"limit": 2})).json()
        rest = (await caller.get(path, params={"limit": 2, "cursor": page["next_cursor"]})).json()
        assert [item["id"] for item in page["items"] + rest["items"]] == made[::-1]
        assert rest["next_cursor"] is None


async def test_staff_ask_on_behalf_of_a_customer_and_it_is_logged(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    made = await asked(staff, order_id)
    assert (await customer.get(f"/returns/{made['id']}")).status_code == 200
    log = await shop.rows("SELECT action, subject_id, actor_id FROM audit_entries WHERE subject = 'return'")
    assert log == [("return.request", made["id"], staff.user_id)]


async def test_staff_open_what_was_lost_on_its_way_anew(staff: Caller, shop: Shop) -> None:
    """Of a cancelled order, once the return that the cancellation opened has expired: approved, and worth nothing."""
    await shop.product("LAMP", stock=5)
    order_id, return_id = await cancelled_on_its_way(shop, {"LAMP": 3}, {"LAMP": 2})
    problem = refused(await ask(staff, order_id), 409, "over-return")
    assert problem["lines"] == [{"sku": "LAMP", "requested": 2, "left": 0}]
    await shop.rows("UPDATE returns SET status = 'expired', closed_at = now() RETURNING id")
    made = await asked(staff, order_id)
    assert (made["status"], made["cause"], made["refund_amount"]) == ("approved", "undelivered", usd(0))
    assert made["id"] != str(return_id)
    assert (await done(staff, made["id"], "receive"))["status"] == "received"
    assert await shop.stock("LAMP") == (5, 0)
