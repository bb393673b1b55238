"""Returns on a server that skips time: every way that one can end, and what is said to it that it does not wait for."""

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.orders import OrderStatus, PaymentMethod
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import cancelled_on_its_way, found, refunds_of, requested, told
from tests.workflows.conftest import StartReturn
from tests.workflows.returned import APPROVE, RECEIVE, REJECT, WRITE_OFF, begin, decide, waits_for

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.history
async def test_a_return_is_approved_received_restocked_and_refunded(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, return_id, running = await begin(shop, gateway, start_return)
    await waits_for(running, "return decision")
    assert await decide(running, APPROVE) == "approved"
    await waits_for(running, "returned goods")
    assert await shop.stock("LAMP") == (2, 0)
    assert await decide(running, RECEIVE) == "refunded", "the answer waits for the money where it takes no time"
    assert (await running.result()).status == "refunded"
    assert await shop.stock("LAMP") == (4, 0)
    assert await refunds_of(shop, order_id) == [("succeeded", 2 * 1999)]
    assert gateway.intents[f"pi_{order_id.hex}"].refunded.amount == 2 * 1999
    assert await shop.status(order_id) is OrderStatus.DELIVERED
    assert (await shop.events(order_id))[-4:] == [
        "return_requested", "return_approved", "return_received", "return_refunded",
    ]  # fmt: skip
    row = await found(shop, return_id)
    assert (row.status, row.restock, row.note, row.deadline_at) == ("refunded", True, "send it in", None)
    assert row.closed_at is not None
    await shop.require_invariants()


@pytest.mark.history
async def test_goods_that_are_written_off_are_refunded_and_do_not_come_back_into_stock(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, return_id, running = await begin(shop, gateway, start_return)
    await decide(running, APPROVE)
    assert await decide(running, WRITE_OFF) == "refunded"
    await running.result()
    assert await shop.stock("LAMP") == (2, 0)
    assert await refunds_of(shop, order_id) == [("succeeded", 2 * 1999)]
    row = await found(shop, return_id)
    assert (row.restock, row.note) == (False, "broken")
    assert (await shop.events(order_id))[-2:] == ["return_written_off", "return_refunded"]
    await shop.require_invariants()


@pytest.mark.history
async def test_a_rejected_return_moves_neither_money_nor_stock(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, _, running = await begin(shop, gateway, start_return)
    assert await decide(running, REJECT) == "rejected"
    assert (await running.result()).status == "rejected"
    assert await shop.stock("LAMP") == (2, 0)
    assert await refunds_of(shop, order_id) == []
    assert await told(shop, (await shop.order(order_id)).user_id) == ["return_requested", "return_rejected"]
    await shop.require_invariants()


@pytest.mark.history
async def test_a_return_that_nobody_decides_about_expires_after_a_reminder(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    staff = await shop.user("staff")
    order_id, return_id, running = await begin(shop, gateway, start_return)
    assert (await running.result()).status == "expired"
    assert await told(shop, staff) == ["return_waiting", "return_waiting"]
    assert await told(shop, (await shop.order(order_id)).user_id) == ["return_requested", "return_expired"]
    assert (await shop.events(order_id))[-1] == "return_expired"
    again = await requested(shop, order_id, {"LAMP": 3})
    assert (await found(shop, again)).refund_amount == 3 * 1999, "its units may be returned anew"
    assert (await found(shop, return_id)).closed_at is not None
    await shop.require_invariants()


async def test_staff_have_seven_days_to_decide_and_are_reminded_in_the_middle(
    shop: Shop, gateway: FakePayments, start_return: StartReturn, time_skipping: WorkflowEnvironment
) -> None:
    staff = await shop.user("staff")
    _, return_id, running = await begin(shop, gateway, start_return)
    await waits_for(running, "return decision")
    await time_skipping.sleep(timedelta(days=3, hours=11))
    assert await told(shop, staff) == ["return_waiting"]
    await time_skipping.sleep(timedelta(days=3, hours=12))
    assert await told(shop, staff) == ["return_waiting", "return_waiting"]
    assert (await found(shop, return_id)).status == "requested"
    assert await decide(running, REJECT) == "rejected"


@pytest.mark.history
async def test_an_approved_return_expires_when_its_goods_do_not_come(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, return_id, running = await begin(shop, gateway, start_return)
    await decide(running, APPROVE)
    assert (await found(shop, return_id)).deadline_at is not None
    assert (await running.result()).status == "expired"
    assert await refunds_of(shop, order_id) == []
    assert await shop.stock("LAMP") == (2, 0)
    await shop.require_invariants()


@pytest.mark.history
async def test_what_was_on_its_way_when_the_order_was_cancelled_is_restocked_and_costs_nothing_more(
    shop: Shop, start_return: StartReturn
) -> None:
    await shop.product("LAMP", stock=5)
    order_id, return_id = await cancelled_on_its_way(shop, {"LAMP": 3}, {"LAMP": 2})
    assert return_id is not None
    assert await shop.stock("LAMP") == (3, 0), "what was not shipped came back at once"
    running = await start_return(return_id, order_id)
    await waits_for(running, "returned goods")
    assert (await found(shop, return_id)).deadline_at is not None
    assert await decide(running, RECEIVE) == "received"
    assert (await running.result()).status == "received"
    assert await shop.stock("LAMP") == (5, 0)
    assert await refunds_of(shop, order_id) == [("succeeded", 3 * 1999)], "the cancellation's"
    assert (await found(shop, return_id)).closed_at is not None
    await shop.require_invariants()


async def test_cash_is_paid_back_by_hand_without_the_provider(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, _, running = await begin(shop, gateway, start_return, 3, method=PaymentMethod.COD)
    await decide(running, APPROVE)
    assert await decide(running, RECEIVE) == "refunded"
    await running.result()
    assert gateway.calls == []
    assert await shop.status(order_id) is OrderStatus.REFUNDED, "all of its money went back"
    await shop.require_invariants()
