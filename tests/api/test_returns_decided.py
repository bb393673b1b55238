"""What becomes of a return: decided about at once by two, partly refunded before, left behind by a crash."""

import asyncio
from uuid import uuid4

import pytest

from api.dependencies import Resources
from domain.orders import OrderStatus
from tests.api.conftest import Caller, SignIn, Wires
from tests.api.shopping import keyed, refused, until, usd
from tests.api.test_returns import WISH, ask, asked, done, order_of
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import refunds_of, requested

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_fully_refunded_order_takes_nothing_back(customer: Caller, shop: Shop, gateway: FakePayments) -> None:
    order_id = await order_of(customer, shop, gateway)
    await shop.rows("UPDATE orders SET status = 'refunded' RETURNING id")
    problem = refused(await ask(customer, order_id), 409, "not-allowed-in-state")
    assert problem["order_status"] == "refunded"
    await shop.rows("UPDATE orders SET status = 'delivered' RETURNING id")


async def test_approving_and_rejecting_at_once_end_in_one_of_both(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    made = await asked(customer, order_id)
    answers = await asyncio.gather(*(staff.post(f"/returns/{made['id']}/{verb}") for verb in ("approve", "reject")))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    loser = next(answer for answer in answers if answer.status_code == 409)
    status = (await customer.get(f"/returns/{made['id']}")).json()["status"]
    assert refused(loser, 409, "not-allowed-in-state")["return_status"] == status


async def test_receiving_twice_at_once_restocks_and_refunds_once(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    made = await asked(customer, order_id)
    await done(staff, made["id"], "approve")
    answers = await asyncio.gather(
        *(staff.post(f"/returns/{made['id']}/receive", json={"restock": True}) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await shop.stock("LAMP") == (9, 0)
    assert await refunds_of(shop, order_id) == [("succeeded", 2 * 1999)]
    await shop.require_invariants()


async def test_a_decision_is_sent_once_per_key(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    made = await asked(customer, order_id)
    path, headers = f"/returns/{made['id']}/approve", keyed()
    first, second = await asyncio.gather(*(staff.post(path, json={}, headers=headers) for _ in range(2)))
    assert (first.status_code, second.status_code) == (200, 200)
    await done(staff, made["id"], "receive")
    late = await staff.post(path, json={}, headers=headers)
    assert (late.status_code, late.json()["status"]) == (200, "refunded"), "the resource as it stands"
    assert late.headers["Idempotent-Replayed"] == "true"
    refused(await staff.post(path, json={}), 409, "not-allowed-in-state")
    assert await shop.rows("SELECT count(*) FROM audit_entries WHERE action = 'return.approve'") == [(1,)]


async def test_goods_that_were_partly_refunded_before_give_back_what_is_left(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order_id = await order_of(customer, shop, gateway)
    payment = await shop.payment(order_id)
    body = {"amount": usd(1000), "reason": "a scratch"}
    given = await staff.post(f"/payments/{payment.id}/refunds", json=body, headers=keyed())
    assert given.status_code == 201, given.text
    for units, amount in ((2, 2 * 1999), (1, 1999 - 1000)):
        made = await asked(customer, order_id, WISH | {"lines": [{"sku": "LAMP", "quantity": units}]})
        await done(staff, made["id"], "approve")
        assert (await done(staff, made["id"], "receive"))["refund"]["amount"] == usd(amount)
    assert await shop.status(order_id) is OrderStatus.REFUNDED
    payment = await shop.payment(order_id)
    assert (payment.captured, payment.refunded) == (3 * 1999, 3 * 1999)


async def test_a_return_whose_start_was_lost_is_taken_up_later(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, resources: Resources
) -> None:
    order_id = await order_of(customer, shop, gateway)
    return_id = await requested(shop, order_id, {"LAMP": 1})
    assert await resources.returns.start_left_behind() == 0, "it may still be on its way"
    await shop.rows("UPDATE returns SET created_at = created_at - interval '2 minutes' RETURNING id")
    assert await resources.returns.start_left_behind() == 1

    async def is_taken_up() -> bool:
        return await shop.rows("SELECT started_at IS NOT NULL FROM returns") == [(True,)]

    await until(is_taken_up)
    assert await resources.returns.start_left_behind() == 0
    assert (await done(staff, str(return_id), "reject"))["status"] == "rejected"


async def test_a_return_whose_workflow_somebody_ended_goes_on_with_the_next_decision(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, resources: Resources
) -> None:
    order_id = await order_of(customer, shop, gateway)
    made = await asked(customer, order_id)
    await resources.temporal.get_workflow_handle(made["workflow_id"]).terminate("by mistake")
    assert (await done(staff, made["id"], "approve"))["status"] == "approved"
    await resources.temporal.get_workflow_handle(made["workflow_id"]).terminate("again")
    assert (await done(staff, made["id"], "receive"))["status"] == "refunded"


async def test_temporal_is_away_and_the_return_is_written_down_all_the_same(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, wires: Wires
) -> None:
    order_id, key = await order_of(customer, shop, gateway), uuid4().hex
    wires.temporal.cut()
    made = await asked(customer, order_id)
    assert made["status"] == "requested"
    refused(await staff.post(f"/returns/{made['id']}/reject", json={}, headers=keyed(key)), 503, "unavailable")
    await wires.temporal.mend()
    again = await staff.post(f"/returns/{made['id']}/reject", json={}, headers=keyed(key))
    assert (again.status_code, again.json()["status"]) == (200, "rejected")


async def test_a_machine_that_reads_orders_opens_no_returns_and_one_that_writes_them_does(
    customer: Caller, anonymous: Caller, sign_in: SignIn, shop: Shop, gateway: FakePayments
) -> None:
    order_id, admin = await order_of(customer, shop, gateway), await sign_in("admin")
    answers = {}
    for permission in ("orders:read", "orders:write"):
        made = await admin.post("/api-keys", json={"name": "Warehouse", "permissions": [permission]})
        headers = {"Authorization": f"Bearer {made.json()['key']}"}
        answers[permission] = await anonymous.post(f"/orders/{order_id}/returns", json=WISH, headers=headers | keyed())
    refused(answers["orders:read"], 403, "forbidden")
    assert answers["orders:write"].status_code == 201
