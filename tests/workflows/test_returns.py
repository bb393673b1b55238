"""Returns on a server that skips time: every way that one can end, and what is said to it that it does not wait for."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from core.settings import Settings
from domain.errors import PaymentRefused
from domain.messages.returns import DecideReturn, ReturnDecision, ReturnInput, ReturnResult
from domain.orders import OrderStatus, PaymentMethod, return_workflow_id
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.histories import record
from tests.returning import cancelled_on_its_way, delivered, found, refunds_of, requested, told
from tests.workflows.test_checkout_undone import wait_until
from workflows.returns import ReturnWorkflow

pytestmark = pytest.mark.usefixtures("worker")

Running = WorkflowHandle[ReturnWorkflow, ReturnResult]

APPROVE = DecideReturn(ReturnDecision.APPROVE, "desk", "send it in")
REJECT = DecideReturn(ReturnDecision.REJECT, "desk", "worn")
RECEIVE = DecideReturn(ReturnDecision.RECEIVE, "desk")
WRITE_OFF = DecideReturn(ReturnDecision.RECEIVE, "desk", "broken", restock=False)


class StartReturn(Protocol):
    async def __call__(self, return_id: UUID, order_id: UUID, *, signal: str | None = None) -> Running: ...


@pytest.fixture
async def start_return(
    skipping_client: Client, settings: Settings, request: pytest.FixtureRequest
) -> AsyncIterator[StartReturn]:
    started: list[Running] = []

    async def start(return_id: UUID, order_id: UUID, *, signal: str | None = None) -> Running:
        started.append(
            await skipping_client.start_workflow(
                ReturnWorkflow.run,
                ReturnInput(str(return_id), str(order_id)),
                id=return_workflow_id(return_id),
                task_queue=settings.task_queue,
                start_signal=signal,
            )
        )
        return started[-1]

    yield start
    if request.config.getoption("record_histories") and request.node.get_closest_marker("history"):
        for handle in started:
            record(request.node.name, await handle.fetch_history())


async def begin(
    shop: Shop, gateway: FakePayments, start: StartReturn, units: int = 2, **how: Any
) -> tuple[UUID, UUID, Running]:
    """Of an order of three lamps, this many are to come back: (order id, return id, its workflow)."""
    await shop.product("LAMP", stock=5)
    order_id = await delivered(shop, gateway, {"LAMP": 3}, **how)
    return_id = await requested(shop, order_id, {"LAMP": units})
    return order_id, return_id, await start(return_id, order_id)


async def decide(running: Running, decision: DecideReturn) -> str:
    return (await running.execute_update(ReturnWorkflow.decide, decision)).status


async def refusal(running: Running, decision: DecideReturn) -> tuple[str | None, Any]:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await decide(running, decision)
    assert isinstance(refused.value.cause, ApplicationError)
    return refused.value.cause.type, refused.value.cause.details[0]


async def waits_for(running: Running, what: str | None) -> None:
    async def is_there() -> bool:
        return (await running.query(ReturnWorkflow.progress)).waiting_for == what

    await wait_until(is_there)


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


@pytest.mark.history
async def test_signals_do_what_the_api_does(shop: Shop, gateway: FakePayments, start_return: StartReturn) -> None:
    order_id, return_id, running = await begin(shop, gateway, start_return)
    await running.signal("approve", {"by": "ops-desk", "note": "called"})
    await running.signal("receive", {"by": "ops-desk", "restock": False})
    assert (await running.result()).status == "refunded"
    assert (await found(shop, return_id)).restock is False
    assert await shop.stock("LAMP") == (2, 0)
    actors = await shop.rows("SELECT actor FROM order_events WHERE kind = 'return_approved'")
    assert actors == [("ops-desk",)]
    assert (await shop.payment(order_id)).refunded == 2 * 1999
    await shop.require_invariants()


MALFORMED: list[Any] = [
    "garbage", [1, 2], 7, {"who": "me"}, {"by": ""}, {"by": "x" * 65}, {"note": 1}, {"note": "\0"}, {"restock": "no"},
]  # fmt: skip


async def test_malformed_signals_change_nothing_and_wedge_nothing(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    _, return_id, running = await begin(shop, gateway, start_return)
    for argument in MALFORMED:
        await running.signal("receive", argument)
        if argument != {"restock": "no"}:
            await running.signal("approve", argument)
    for name in ("approve", "reject", "receive"):
        await running.signal(name, args=[{"by": "a"}, {"by": "b"}])
    await waits_for(running, "return decision")
    assert (await found(shop, return_id)).status == "requested"
    await running.signal("receive", None)
    await running.signal("approve", None)
    await waits_for(running, "returned goods")
    await running.signal("receive")
    assert (await running.result()).status == "refunded"


async def test_an_early_word_is_kept(shop: Shop, gateway: FakePayments, start_return: StartReturn) -> None:
    await shop.product("LAMP")
    order_id = await delivered(shop, gateway, {"LAMP": 1})
    return_id = await requested(shop, order_id, {"LAMP": 1})
    running = await start_return(return_id, order_id, signal="reject")
    assert (await running.result()).status == "rejected"


@pytest.mark.history
async def test_what_a_return_does_not_wait_for_is_refused(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    _, _, running = await begin(shop, gateway, start_return)
    assert await refusal(running, RECEIVE) == ("not-allowed-in-state", {"return_status": "requested"})
    await decide(running, APPROVE)
    assert await refusal(running, REJECT) == ("not-allowed-in-state", {"return_status": "approved"})
    assert await refusal(running, APPROVE) == ("not-allowed-in-state", {"return_status": "approved"})
    await decide(running, RECEIVE)
    await running.result()


async def test_of_approving_and_rejecting_at_once_one_is_refused(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    _, return_id, running = await begin(shop, gateway, start_return)
    outcomes = await asyncio.gather(decide(running, REJECT), decide(running, APPROVE), return_exceptions=True)
    assert [isinstance(outcome, WorkflowUpdateFailedError) for outcome in outcomes].count(True) == 1
    [status] = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert (await found(shop, return_id)).status == status


@pytest.mark.parametrize(
    "bad", [DecideReturn(ReturnDecision.APPROVE, "z" * 100), DecideReturn(ReturnDecision.APPROVE, "a", "\0")]
)
async def test_a_decision_that_could_not_be_written_down_is_refused(
    bad: DecideReturn, shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    _, _, running = await begin(shop, gateway, start_return)
    with pytest.raises(WorkflowUpdateFailedError):
        await decide(running, bad)
    assert await decide(running, REJECT) == "rejected"


@pytest.mark.history
async def test_a_refund_that_the_provider_refuses_is_stuck_until_staff_try_it_again(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, return_id, running = await begin(shop, gateway, start_return)
    gateway.faults["refund"] = [PaymentRefused("no", reason="charge_not_refundable")]
    await decide(running, APPROVE)
    assert await decide(running, RECEIVE) == "received", "it does not wait for staff"
    await waits_for(running, "retry_stuck")
    progress = await running.query(ReturnWorkflow.progress)
    assert (progress.stuck_step, progress.status) == ("refund_payment", "received")
    assert await shop.stock("LAMP") == (4, 0)
    assert await refusal(running, RECEIVE) == ("not-allowed-in-state", {"return_status": "received"})
    await running.signal("retry_stuck")
    assert (await running.result()).status == "refunded"
    assert await refunds_of(shop, order_id) == [("failed", 2 * 1999), ("succeeded", 2 * 1999)]
    assert await shop.stock("LAMP") == (4, 0)
    assert (await found(shop, return_id)).status == "refunded"
    await shop.require_invariants()


async def test_the_provider_is_away_and_the_money_goes_back_by_itself(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id, _, running = await begin(shop, gateway, start_return)
    gateway.fail("refund", 1)
    await decide(running, APPROVE)
    await decide(running, RECEIVE)
    assert (await running.result()).status == "refunded"
    assert await refunds_of(shop, order_id) == [("succeeded", 2 * 1999)]
    assert len(gateway.given_back[f"pi_{order_id.hex}"]) == 1
    await shop.require_invariants()


async def test_a_return_that_nobody_asked_for_fails(
    shop: Shop, gateway: FakePayments, start_return: StartReturn
) -> None:
    order_id = await shop.user()
    running = await start_return(order_id, order_id, signal="approve")
    with pytest.raises(WorkflowFailureError) as failed:
        await running.result()
    assert "not-found" in repr(failed.value.cause) or "no such return" in str(failed.value.cause)
