"""What a return is told, by whom and when: early, late, twice, malformed; and a provider that refuses or is away."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError

from domain.errors import PaymentRefused
from domain.messages.returns import DecideReturn, ReturnDecision
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import delivered, found, refunds_of, requested
from tests.workflows.conftest import StartReturn
from tests.workflows.returned import APPROVE, RECEIVE, REJECT, begin, decide, refusal, waits_for
from workflows.returns import ReturnWorkflow

pytestmark = pytest.mark.usefixtures("worker")


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
