"""Orders as they are read: one's own, whole, the newest first, in a fixed number of queries."""

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from domain.errors import NotFound
from domain.orders import OrderStatus, PaymentMethod, PaymentStatus
from services import payments
from services.orders import reading
from services.orders.reading import Viewer, WholeOrder
from tests.builders import Shop
from tests.queries import counted_queries

STAFF = Viewer(UUID(int=0), is_staff=True)


def owner(user_id: UUID) -> Viewer:
    return Viewer(user_id, is_staff=False)


async def one(shop: Shop, order_id: UUID, viewer: Viewer = STAFF) -> WholeOrder | None:
    async with shop.database.transaction() as session:
        return await reading.one(session, order_id, viewer)


async def page(
    shop: Shop,
    viewer: Viewer = STAFF,
    *,
    status: OrderStatus | None = None,
    limit: int = 20,
    after: tuple[datetime, UUID] | None = None,
) -> list[WholeOrder]:
    async with shop.database.transaction() as session:
        return await reading.page(session, viewer, status, limit, after)


async def walk(shop: Shop, viewer: Viewer, limit: int) -> list[UUID]:
    """All pages, one after the other."""
    seen: list[UUID] = []
    after: tuple[datetime, UUID] | None = None
    while found := await page(shop, viewer, limit=limit, after=after):
        seen += [whole.order.id for whole in found]
        after = (found[-1].order.placed_at, found[-1].order.id)
    return seen


async def many_orders(shop: Shop, count: int, user_id: UUID) -> list[UUID]:
    """Placed in three moments only, so that the id must decide; the newest first."""
    for _ in range(count):
        await shop.placed({"LAMP": 1, "SHADE": 1}, user_id=user_id)
    await shop.rows("UPDATE orders SET placed_at = timestamptz '2026-01-01Z' + (ascii(id::text) % 3) * interval '1 h'")
    return [row[0] for row in await shop.rows("SELECT id FROM orders ORDER BY placed_at DESC, id DESC")]


@pytest.fixture(autouse=True)
async def products(shop: Shop) -> None:
    for sku in ("LAMP", "SHADE"):
        await shop.product(sku, stock=100)


async def test_an_order_is_read_whole_with_its_lines_in_their_order(shop: Shop) -> None:
    order_id = await shop.paid({"SHADE": 1, "LAMP": 2})
    whole = await one(shop, order_id)
    assert whole is not None
    assert [line.sku for line in whole.lines] == ["SHADE", "LAMP"]
    assert whole.payment is not None
    assert (whole.payment.captured, whole.payment_status) == (3 * 1999, PaymentStatus.CAPTURED)


async def test_another_shoppers_order_is_not_there(shop: Shop) -> None:
    user_id, other = await shop.user(), await shop.user()
    placed, asked_for = (
        await shop.placed({"LAMP": 1}, user_id=user_id),
        await shop.request({"LAMP": 1}, user_id=user_id),
    )
    for order_id in (placed, asked_for, uuid4()):
        with pytest.raises(NotFound):
            await one(shop, order_id, owner(other))
    assert await one(shop, placed, owner(user_id)) is not None
    assert await one(shop, placed, STAFF) is not None


async def test_an_order_that_is_only_asked_for_is_none_yet(shop: Shop) -> None:
    user_id = await shop.user()
    order_id = await shop.request({"LAMP": 1}, user_id=user_id)
    assert await one(shop, order_id, owner(user_id)) is None
    async with shop.database.transaction() as session:
        assert await reading.timeline(session, order_id, owner(user_id)) == []


async def test_what_happened_is_told_to_the_owner_and_staff_alone(shop: Shop) -> None:
    user_id = await shop.user()
    order_id = await shop.confirmed({"LAMP": 1}, user_id=user_id)
    async with shop.database.transaction() as session:
        for viewer in (owner(user_id), STAFF):
            told = await reading.timeline(session, order_id, viewer)
            assert [event.kind for event in told] == ["placed", "confirmed"]
        with pytest.raises(NotFound):
            await reading.timeline(session, order_id, owner(uuid4()))


@pytest.mark.parametrize(("method", "status"), [("card", "pending"), ("cod", "not_required_yet")])
async def test_an_order_without_a_payment_has_a_payment_status_all_the_same(
    shop: Shop, method: str, status: str
) -> None:
    whole = await one(shop, await shop.placed({"LAMP": 1}, method=PaymentMethod(method)))
    assert whole is not None
    assert whole.payment_status == status


async def test_the_bank_is_shown_while_the_order_waits_for_it(shop: Shop) -> None:
    order_id = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.open_payment(session, order_id, "stripe")
        payment.redirect_url = "http://bank.test"
    waiting = await one(shop, order_id)
    await shop.rows("UPDATE orders SET status = 'payment_failed'")
    failed = await one(shop, order_id)
    assert waiting is not None
    assert failed is not None
    assert (waiting.redirect_url, failed.redirect_url) == ("http://bank.test", None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
async def test_the_pages_hold_every_order_once_and_the_newest_first(shop: Shop, limit: int) -> None:
    user_id = await shop.user()
    expected = await many_orders(shop, 7, user_id)
    assert await walk(shop, STAFF, limit) == expected
    assert await walk(shop, owner(user_id), limit) == expected


async def test_a_shopper_lists_only_their_own(shop: Shop) -> None:
    user_id = await shop.user()
    mine = await shop.placed({"LAMP": 1}, user_id=user_id)
    await shop.placed({"LAMP": 1})
    assert [whole.order.id for whole in await page(shop, owner(user_id))] == [mine]
    assert await page(shop, owner(uuid4())) == []
    assert len(await page(shop, STAFF)) == 2


async def test_a_list_can_be_of_one_state(shop: Shop) -> None:
    confirmed, cancelled = await shop.confirmed({"LAMP": 1}), await shop.cancelled({"LAMP": 1})
    assert [w.order.id for w in await page(shop, status=OrderStatus.CONFIRMED)] == [confirmed]
    assert [w.order.id for w in await page(shop, status=OrderStatus.CANCELLED)] == [cancelled]


async def test_a_page_costs_the_same_whatever_its_length(shop: Shop) -> None:
    await many_orders(shop, 12, await shop.user())
    for limit in (1, 3, 12):
        with counted_queries(shop.database) as asked:
            found = await page(shop, limit=limit)
        assert (len(found), len(asked)) == (limit, 2)
        assert all(len(whole.lines) == 2 for whole in found)
