"""People are told in the transaction of what it tells of: each once, and by mail too where that is wanted."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Database
from domain.notifications import NoticeKind
from domain.orders import CancelReason, OrderStatus
from services import inventory, notices
from services.customers import erasing
from services.orders import placing, requesting
from services.orders.moving import move
from services.orders.placing import Cancellation
from tests.builders import HOLDS, Shop
from tests.queries import counted_queries
from tests.workflows.test_checkout_undone import wait_until

CONFIRMED = NoticeKind.ORDER_CONFIRMED


@pytest.fixture
async def ada(shop: Shop) -> UUID:
    await shop.product("LAMP", stock=10)
    return await shop.user(email="ada@example.com")


@pytest.fixture
async def order_id(shop: Shop, ada: UUID) -> UUID:
    """Of ada's, of which nothing was told yet."""
    return await shop.held({"LAMP": 1}, user_id=ada)


async def tell(shop: Shop, order_id: UUID, event: object, kind: NoticeKind = CONFIRMED, **facts: Any) -> None:
    async with shop.database.transaction() as session:
        await notices.tell(session, order_id, event, kind, **facts)


async def told(shop: Shop, user_id: UUID) -> list[str]:
    rows = await shop.rows("SELECT kind FROM notifications WHERE user_id = :id ORDER BY created_at, id", id=user_id)
    return [kind for (kind,) in rows]


async def mailed(shop: Shop) -> list[str]:
    """The recipients of mails that tell something."""
    rows = await shop.rows("SELECT recipient FROM mails WHERE purpose = 'notice' ORDER BY id")
    return [recipient for (recipient,) in rows]


async def test_the_customer_is_told_once_and_by_mail(shop: Shop, ada: UUID, order_id: UUID) -> None:
    for _ in range(2):
        await tell(shop, order_id, 3, carrier="DHL")
    assert await shop.rows("SELECT user_id, kind, order_id, event, facts, read_at FROM notifications") == [
        (ada, "order_confirmed", order_id, "3", {"carrier": "DHL"}, None)
    ]
    assert await mailed(shop) == ["ada@example.com"]


async def test_of_ten_at_once_one_tells(shop: Shop, ada: UUID, order_id: UUID) -> None:
    await shop.user("staff")
    await asyncio.gather(*(tell(shop, order_id, 3) for _ in range(10)))
    await asyncio.gather(*(tell(shop, order_id, 3, NoticeKind.COD_WAITING) for _ in range(10)))
    assert sorted(await shop.rows("SELECT kind FROM notifications")) == [("cod_waiting",), ("order_confirmed",)]
    assert await mailed(shop) == ["ada@example.com"]


async def test_another_event_and_another_kind_are_told_too(shop: Shop, ada: UUID, order_id: UUID) -> None:
    await tell(shop, order_id, 3)
    await tell(shop, order_id, 4)
    await tell(shop, order_id, 4, NoticeKind.ORDER_PROCESSING)
    assert await told(shop, ada) == ["order_confirmed", "order_confirmed", "order_processing"]


async def test_what_is_undone_was_never_told(shop: Shop, order_id: UUID) -> None:
    async def tell_and_fail() -> None:
        async with shop.database.transaction() as session:
            await notices.tell(session, order_id, 3, CONFIRMED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await tell_and_fail()
    assert await shop.rows("SELECT 1 FROM notifications UNION ALL SELECT 1 FROM mails") == []


@pytest.mark.parametrize("language", ["de", None])
async def test_who_declined_mails_about_orders_has_the_notice_alone(
    shop: Shop, ada: UUID, order_id: UUID, language: str | None
) -> None:
    statement = "INSERT INTO preferences (user_id, language, currency, order_emails, marketing_emails)"
    values = " VALUES (:id, :language, 'EUR', :wants, false)"
    await shop.rows(statement + values, id=ada, language=language or "en", wants=language is not None)
    await tell(shop, order_id, 3)
    assert await told(shop, ada) == ["order_confirmed"]
    assert await mailed(shop) == (["ada@example.com"] if language else [])


async def test_a_deactivated_account_gets_no_mail(shop: Shop, ada: UUID, order_id: UUID) -> None:
    await shop.rows("UPDATE users SET is_active = false WHERE id = :id", id=ada)
    await tell(shop, order_id, 3)
    assert await told(shop, ada) == ["order_confirmed"]
    assert await mailed(shop) == []


async def test_an_erased_person_is_forgotten_and_told_nothing_more(shop: Shop, ada: UUID) -> None:
    order_id = await shop.cancelled({"LAMP": 1}, user_id=ada)
    await tell(shop, order_id, 3)
    assert len(await mailed(shop)) == 2
    async with shop.database.transaction() as session:
        await erasing.erase(session, ada, None)
    await tell(shop, order_id, "refund:1", NoticeKind.REFUND_ISSUED, amount=1, currency="USD")
    assert (await told(shop, ada), await mailed(shop)) == ([], [])
    await shop.require_invariants()


async def test_who_is_erased_while_something_is_told_leaves_no_address_behind(shop: Shop, ada: UUID) -> None:
    order_id = await shop.cancelled({"LAMP": 1}, user_id=ada)
    async with shop.database.transaction() as session:
        await erasing.erase(session, ada, None)
        telling = asyncio.create_task(tell(shop, order_id, "refund:1", NoticeKind.REFUND_ISSUED))
        await wait_until(lambda: waits_for_a_lock(shop), 20)
    await telling
    assert (await told(shop, ada), await mailed(shop)) == ([], [])


async def waits_for_a_lock(shop: Shop) -> bool:
    return bool(await shop.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


async def test_staff_are_told_each_in_an_inbox_of_their_own_and_never_by_mail(
    shop: Shop, ada: UUID, order_id: UUID
) -> None:
    staff = {await shop.user("staff"), await shop.user("admin")}
    gone = await shop.user("staff")
    await shop.rows("UPDATE users SET is_active = false WHERE id = :id", id=gone)
    await tell(shop, order_id, "accepted", NoticeKind.COD_WAITING)
    assert {user_id for (user_id,) in await shop.rows("SELECT user_id FROM notifications")} == staff
    assert await mailed(shop) == []


@pytest.mark.parametrize("kind", [CONFIRMED, NoticeKind.ORDER_STUCK])
async def test_nobody_is_told_of_an_order_that_is_not_placed(shop: Shop, kind: NoticeKind) -> None:
    await shop.user("staff")
    await tell(shop, uuid4(), 1, kind)
    assert await shop.rows("SELECT 1 FROM notifications") == []


@pytest.mark.parametrize("kind", [CONFIRMED, NoticeKind.COD_WAITING])
async def test_telling_is_one_statement(shop: Shop, database: Database, order_id: UUID, kind: NoticeKind) -> None:
    for _ in range(5):
        await shop.user("staff")
    async with database.transaction() as session:
        with counted_queries(database) as queries:
            await notices.tell(session, order_id, 3, kind)
    assert len(queries) == 1


async def test_every_move_that_people_want_to_know_of_tells_them(shop: Shop, ada: UUID) -> None:
    order_id = await shop.confirmed({"LAMP": 1}, user_id=ada)
    steps = [OrderStatus.CONFIRMED, OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED]
    for start, to in pairwise(steps):
        for _ in range(2):
            async with shop.database.transaction() as session:
                await move(session, order_id, {start}, to, kind=to.value, by="staff", facts={"carrier": "DHL"})
    assert await told(shop, ada) == [f"order_{status.value}" for status in steps]
    assert [facts for (facts,) in await shop.rows("SELECT facts FROM notifications ORDER BY id DESC LIMIT 1")] == [
        {"carrier": "DHL"}
    ]


# ── cancelled orders ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reason", CancelReason)
@pytest.mark.parametrize("was_accepted", [True, False])
async def test_a_cancellation_is_told_unless_it_was_the_very_reply_to_the_click(
    shop: Shop, ada: UUID, order_id: UUID, reason: CancelReason, was_accepted: bool
) -> None:
    cancellation = Cancellation(reason, "checkout", None, {"code": reason.value})
    if was_accepted:
        async with shop.database.transaction() as session:
            await requesting.accept(session, order_id)
    for _ in range(2):
        async with shop.database.transaction() as session:
            await inventory.release(session, order_id)
            await placing.cancel(session, order_id, cancellation, HOLDS)
    was_the_reply = reason in placing.REFUSALS and not was_accepted
    facts = await shop.rows("SELECT kind, facts FROM notifications")
    assert facts == ([] if was_the_reply else [("order_cancelled", {"reason": reason.value})])
    await shop.require_invariants()


# ── stock ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_staff_hear_of_what_runs_low_and_what_runs_out_and_not_of_what_is_back(shop: Shop, ada: UUID) -> None:
    staff = [await shop.user("staff"), await shop.user("admin")]
    await shop.held({"LAMP": 6}, user_id=ada)
    await shop.cancelled({"LAMP": 4}, user_id=ada)
    for user_id in staff:
        rows = await shop.rows(
            "SELECT n.kind, facts, e.kind FROM notifications n JOIN stock_events e ON e.id::text = event "
            "WHERE user_id = :id ORDER BY n.id",
            id=user_id,
        )
        assert rows == [
            ("stock_low", {"sku": "LAMP", "available": 4}, "low"),
            ("stock_out", {"sku": "LAMP", "available": 0}, "out"),
        ]
    assert await shop.rows("SELECT kind FROM stock_events ORDER BY id") == [("low",), ("out",), ("back",)]
    assert await mailed(shop) == ["ada@example.com"], "of the order that was cancelled"
    await shop.require_invariants()


async def test_what_runs_out_at_once_is_one_word_and_a_stock_event_costs_no_statement_more(
    shop: Shop, ada: UUID
) -> None:
    staff = await shop.user("staff")
    for sku in ("VASE", "RUG"):
        await shop.product(sku, stock=10)
    order_id = await shop.placed({"LAMP": 10, "VASE": 10, "RUG": 1}, user_id=ada)
    async with shop.database.transaction() as session:
        with counted_queries(shop.database) as queries:
            await inventory.hold(session, order_id)
    assert sorted(await shop.rows("SELECT sku, kind FROM stock_events")) == [
        ("LAMP", "low"), ("LAMP", "out"), ("VASE", "low"), ("VASE", "out"),
    ]  # fmt: skip
    assert await told(shop, staff) == ["stock_out", "stock_out"]
    assert sum("stock_events" in query for query in queries) == 1
    assert sum("notifications" in query for query in queries) == 1


async def test_a_shop_without_staff_writes_the_event_all_the_same(shop: Shop, ada: UUID) -> None:
    await shop.held({"LAMP": 10}, user_id=ada)
    assert await shop.rows("SELECT kind FROM stock_events ORDER BY id") == [("low",), ("out",)]
    assert await shop.rows("SELECT 1 FROM notifications") == []
