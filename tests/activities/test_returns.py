"""The steps of a return, each run twice in a row: the second changes nothing."""

from uuid import UUID, uuid4

import pytest
from temporalio.exceptions import ApplicationError

from activities.returns import ReturnActivities
from core.database import Database
from core.settings import Settings
from domain.errors import NotAllowedInState, NotFound
from domain.messages.returns import ReturnStep
from tests.activities.conftest import run
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import cancelled_on_its_way, delivered, found, refunds_of, requested, told


@pytest.fixture
def returns(database: Database, settings: Settings) -> ReturnActivities:
    return ReturnActivities(database, settings)


@pytest.fixture
async def step(shop: Shop, gateway: FakePayments) -> ReturnStep:
    """Of two lamps, out of three that were delivered."""
    await shop.product("LAMP", stock=5)
    order_id = await delivered(shop, gateway, {"LAMP": 3})
    return ReturnStep(str(await requested(shop, order_id, {"LAMP": 2})), str(order_id), "desk", "as new")


async def test_a_return_is_opened_with_the_time_that_is_left(
    returns: ReturnActivities, step: ReturnStep, shop: Shop
) -> None:
    first, second = await run(returns.open_return, step), await run(returns.open_return, step)
    assert first.order_number == (await shop.order(UUID(step.order_id))).number
    week, half = 7 * 24 * 3600, 7 * 12 * 3600
    assert first.seconds_left == pytest.approx(week, abs=60)
    assert first.reminder_seconds == pytest.approx(half, abs=60)
    assert second.seconds_left <= first.seconds_left


async def test_the_time_for_goods_on_their_way_begins_when_their_return_is_opened(
    returns: ReturnActivities, shop: Shop
) -> None:
    await shop.product("LAMP", stock=5)
    order_id, return_id = await cancelled_on_its_way(shop, {"LAMP": 1}, {"LAMP": 1})
    step = ReturnStep(str(return_id), str(order_id))
    opened = await run(returns.open_return, step)
    assert opened.status == "approved"
    assert opened.seconds_left == pytest.approx(30 * 24 * 3600, abs=60)
    deadline = (await found(shop, UUID(step.return_id))).deadline_at
    await run(returns.open_return, step)
    assert (await found(shop, UUID(step.return_id))).deadline_at == deadline


async def test_approving_receiving_claiming_and_closing_twice(
    returns: ReturnActivities, step: ReturnStep, shop: Shop
) -> None:
    for activity in (returns.approve_return, returns.receive_return, returns.claim_return_refund, returns.close_return):
        assert await run(activity, step) == await run(activity, step)
    assert await shop.stock("LAMP") == (4, 0)
    assert await refunds_of(shop, UUID(step.order_id)) == [("pending", 2 * 1999)]
    assert (await shop.events(UUID(step.order_id)))[-3:] == ["return_requested", "return_approved", "return_received"]
    await shop.require_invariants()


@pytest.mark.parametrize("name", ["reject_return", "expire_return"])
async def test_an_end_without_goods_twice(name: str, returns: ReturnActivities, step: ReturnStep, shop: Shop) -> None:
    activity = getattr(returns, name)
    ends = {(await run(activity, step)).status for _ in range(2)}
    assert ends == {name.removesuffix("_return") + "ed" * (name == "reject_return") + "d" * (name == "expire_return")}
    assert (await shop.events(UUID(step.order_id)))[-1] == f"return_{ends.pop()}"
    with pytest.raises(NotAllowedInState):
        await run(returns.approve_return, step)


async def test_staff_are_reminded_once_and_only_while_it_waits(
    returns: ReturnActivities, step: ReturnStep, shop: Shop
) -> None:
    staff = await shop.user("staff")
    await run(returns.remind_of_return, step)
    await run(returns.remind_of_return, step)
    assert await told(shop, staff) == ["return_waiting"]
    await run(returns.approve_return, step)
    await shop.rows("DELETE FROM notifications RETURNING id")
    await run(returns.remind_of_return, step)
    assert await told(shop, staff) == []


async def test_a_return_that_is_not_there(returns: ReturnActivities) -> None:
    step = ReturnStep(str(uuid4()), str(uuid4()))
    for activity in (returns.open_return, returns.approve_return, returns.receive_return, returns.close_return):
        with pytest.raises((NotFound, ApplicationError)):
            await run(activity, step)
