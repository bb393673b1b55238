"""POST /orders/{id}/retry and /extend-hold: one order is told, once, and the audit log knows who and why."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from core.settings import Settings
from domain.messages.refunds import RefundInput
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import COD, add, keyed, ordered, refused, until
from tests.api.steering.conftest import audited, becomes, stuck_order, view_of
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from workflows.attributes import ORDER_ID

pytestmark = pytest.mark.usefixtures("lamps", "worker")


async def waiting(customer: Caller) -> dict[str, Any]:
    await add(customer, "LAMP")
    return await ordered(customer, COD)


async def hold_of(shop: Shop, order: dict[str, Any]) -> datetime:
    [(ends,)] = await shop.rows("SELECT hold_expires_at FROM orders WHERE id = :id", id=order["id"])
    assert isinstance(ends, datetime)
    return ends


async def extend(staff: Caller, order: dict[str, Any], minutes: Any = 60, **more: Any) -> Any:
    body = {"minutes": minutes, "reason": "on holiday"}
    return await staff.post(f"/orders/{order['id']}/extend-hold", json=body, **more)


async def test_what_is_stuck_runs_when_staff_say_so(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order = await stuck_order(customer, staff, gateway)
    answer = await staff.post(f"/orders/{order['id']}/retry", json={"reason": "the bank is back"})
    assert answer.status_code == 202
    assert answer.json()["workflow_id"] == order["workflow_id"]
    await becomes(staff, order, payment_status="captured")
    assert await audited(shop, order) == [("order.retry", "the bank is back")]
    await shop.require_invariants()


async def test_what_is_not_stuck_is_not_told(customer: Caller, staff: Caller, shop: Shop) -> None:
    order = await waiting(customer)
    problem = refused(await staff.post(f"/orders/{order['id']}/retry"), 409, "not-allowed-in-state")
    assert problem["order_status"] == "pending_confirmation"
    assert await audited(shop, order) == []


async def test_the_same_retry_sent_again_tells_nobody_twice(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    order = await stuck_order(customer, staff, gateway)
    key = keyed()
    for _ in range(2):
        assert (await staff.post(f"/orders/{order['id']}/retry", headers=key)).status_code == 202
        await becomes(staff, order, payment_status="captured")
    again = await staff.post(f"/orders/{order['id']}/retry", headers=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await audited(shop, order) == [("order.retry", None)]
    assert gateway.count("capture") == 2


async def test_what_is_stuck_beside_the_order_is_told_too(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, temporal: Client, api_settings: Settings
) -> None:
    """A refund, which is a workflow of its own."""
    await add(customer, "LAMP")
    order = await ordered(customer)
    await becomes(staff, order, payment_status="captured")
    stray = await temporal.start_workflow(
        "RefundWorkflow",
        RefundInput(str(uuid4()), order["id"]),
        id=f"refund-{uuid4()}",
        task_queue=api_settings.task_queue,
        search_attributes=TypedSearchAttributes([SearchAttributePair(ORDER_ID, order["id"])]),
    )

    async def is_shown() -> bool:
        related = (await view_of(staff, order))["related"]
        return [(run["workflow_id"], run["stuck_step"]) for run in related] == [(stray.id, "refund_payment")]

    async def says_why() -> bool:
        (run,) = (await view_of(staff, order))["related"]
        is_told = run["step"] and (run["step"]["name"], run["step"]["last_error"]["kind"])
        return bool(is_told == ("refund_payment", "not-found") and f"/{stray.id}/" in run["web_ui_url"])

    await until(is_shown)  # there is no such refund
    await until(says_why)
    assert (await staff.post(f"/orders/{order['id']}/retry")).status_code == 202

    async def has_tried_again() -> bool:
        events = (await stray.fetch_history()).events
        return sum(event.HasField("activity_task_failed_event_attributes") for event in events) == 2

    await until(has_tried_again)
    await stray.terminate()


async def test_a_hold_is_extended_in_its_timer_and_in_its_rows(customer: Caller, staff: Caller, shop: Shop) -> None:
    order = await waiting(customer)
    before = await hold_of(shop, order)
    answer = await extend(staff, order, 24 * 60)
    assert answer.status_code == 200, answer.text
    after = await hold_of(shop, order)
    assert abs(after - before - timedelta(days=1)) < timedelta(minutes=1)
    due = {timer["summary"]: datetime.fromisoformat(timer["due_at"]) for timer in answer.json()["timers"]}
    assert abs(due["the hold on the stock ends"] - after) < timedelta(seconds=1)
    assert await audited(shop, order) == [("order.extend-hold", "on holiday")]
    timeline = (await staff.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert (timeline[-1]["kind"], timeline[-1]["note"]) == ("hold_extended", "on holiday")
    assert timeline[-1]["actor"] == str(staff.user_id)
    await shop.require_invariants()


async def test_the_same_extension_at_once_extends_once(customer: Caller, staff: Caller, shop: Shop) -> None:
    order, key = await waiting(customer), keyed()
    answers = await asyncio.gather(*[extend(staff, order, headers=key) for _ in range(4)])
    assert {answer.status_code for answer in answers} == {200}
    assert await shop.events(order["id"]) == ["placed", "hold_extended"]
    refused(await extend(staff, order, 61, headers=key), 422, "idempotency-key-reused")


async def test_two_extensions_add_up(customer: Caller, staff: Caller, shop: Shop) -> None:
    order = await waiting(customer)
    before = await hold_of(shop, order)
    await asyncio.gather(*[extend(staff, order) for _ in range(3)])
    assert abs(await hold_of(shop, order) - before - timedelta(hours=3)) < timedelta(minutes=1)


async def test_no_hold_lasts_longer_than_seven_days(customer: Caller, staff: Caller, shop: Shop) -> None:
    order, key = await waiting(customer), keyed()
    before = await hold_of(shop, order)
    problem = refused(await extend(staff, order, 7 * 24 * 60, headers=key), 409, "not-allowed-in-state")
    assert abs(datetime.fromisoformat(problem["hold_expires_at"]) - before) < timedelta(minutes=1)
    assert await hold_of(shop, order) == before
    assert (await extend(staff, order, 60)).status_code == 200


async def test_an_order_that_holds_nothing_is_not_extended(customer: Caller, staff: Caller, shop: Shop) -> None:
    order = await waiting(customer)
    await staff.post(f"/orders/{order['id']}/confirm")
    refused(await extend(staff, order), 409, "not-allowed-in-state")
    assert [name for name, _ in await audited(shop, order)] == ["order.confirm"]


@pytest.mark.parametrize("minutes", [0, -1, 10081, 10**30, "soon", None, 1.5])
async def test_odd_minutes_are_refused(minutes: Any, customer: Caller, staff: Caller) -> None:
    refused(await extend(staff, await waiting(customer), minutes), 422, "validation-failed")


async def test_who_may_steer(customer: Caller, staff: Caller, sign_in: SignIn) -> None:
    order = await waiting(customer)
    refused(await extend(customer, order), 403, "forbidden")
    refused(await customer.post(f"/orders/{order['id']}/retry"), 403, "forbidden")
    nowhere = {"id": str(uuid4())}
    refused(await extend(staff, nowhere), 404, "not-found")
    refused(await staff.post(f"/orders/{nowhere['id']}/retry"), 404, "not-found")
    for body in ({"minutes": 5}, {"minutes": 5, "reason": " "}, {"minutes": 5, "reason": "a\0b"}, {"reason": "x"}):
        answer = await staff.post(f"/orders/{order['id']}/extend-hold", json=body)
        refused(answer, 422, "validation-failed")


async def test_an_early_confirmation_wins_over_an_extension(customer: Caller, staff: Caller, shop: Shop) -> None:
    """Whichever comes first, the order ends as one or the other, and its hold with it."""
    order = await waiting(customer)
    extended, confirmed = await asyncio.gather(extend(staff, order), staff.post(f"/orders/{order['id']}/confirm"))
    assert confirmed.status_code == 200
    assert extended.status_code in (200, 409)

    async def is_settled() -> bool:
        return bool((await view_of(staff, order))["workflow_status"] == "completed")

    await until(is_settled)
    await shop.require_invariants()
