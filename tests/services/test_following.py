"""Whoever remembers a place reads on from there, and passes over nothing that was committed late."""

from uuid import UUID

import pytest
from sqlalchemy import text

from core.database import Database
from domain.orders import OrderStatus
from services import following
from services.following import Arrived, Events, Found, Notices, Place
from services.orders import moving
from tests.builders import Shop
from tests.notices import told, write


@pytest.fixture
async def reader(shop: Shop) -> Notices:
    return await starting(shop.database, await shop.user())


async def starting(database: Database, user_id: UUID, remembered: Place | None = None) -> Notices:
    notices = Notices(user_id)
    async with database.reading() as session:
        await notices.start(session, remembered)
    return notices


async def look(database: Database, notices: Notices) -> Found[Arrived]:
    async with database.reading() as session:
        return await notices.look(session)


def ids(found: Found[Arrived]) -> list[UUID]:
    return [arrived.told.notification.id for arrived in found.items]


async def test_what_was_told_before_is_not_new(shop: Shop) -> None:
    user_id = await shop.user()
    await told(shop.database, user_id)
    notices = await starting(shop.database, user_id)
    assert ids(await look(shop.database, notices)) == []
    after = await told(shop.database, user_id)
    assert ids(await look(shop.database, notices)) == [after]
    assert ids(await look(shop.database, notices)) == []


async def test_what_is_committed_late_comes_first_and_holds_up_what_is_later(shop: Shop) -> None:
    user_id = await shop.user()
    notices = await starting(shop.database, user_id)
    async with shop.database.transaction() as slow:
        early = await write(slow, user_id)
        late = await told(shop.database, user_id)
        found = await look(shop.database, notices)
        assert (ids(found), found.is_held_up) == ([], True)
    found = await look(shop.database, notices)
    assert (ids(found), found.is_held_up) == ([early, late], False)


async def test_what_is_undone_is_waited_for_and_never_seen(shop: Shop) -> None:
    user_id = await shop.user()
    notices = await starting(shop.database, user_id)
    async with shop.database.engine.connect() as undone:
        await undone.execute(text("SELECT pg_current_xact_id()"))
        late = await told(shop.database, user_id)
        assert (await look(shop.database, notices)).is_held_up
        await undone.rollback()
    assert ids(await look(shop.database, notices)) == [late]


async def test_a_start_between_two_that_are_committed_out_of_order_misses_neither(shop: Shop) -> None:
    user_id = await shop.user()
    async with shop.database.transaction() as slow:
        early = await write(slow, user_id)
        late = await told(shop.database, user_id)
        notices = await starting(shop.database, user_id)
    assert ids(await look(shop.database, notices)) == [early, late]


async def test_a_remembered_place_goes_on_there(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    user_id = await shop.user()
    notices = await starting(shop.database, user_id)
    written = [await told(shop.database, user_id) for _ in range(3)]
    found = await look(shop.database, notices)
    assert (ids(found), found.is_cut) == (written[:2], True)
    another = await starting(shop.database, user_id, Place.parse(str(found.items[0].place)))
    assert ids(await look(shop.database, another)) == written[1:]


async def test_a_place_of_a_database_that_was_put_back_in_time_is_now(shop: Shop) -> None:
    user_id = await shop.user()
    notices = await starting(shop.database, user_id, Place(10**18, UUID(int=1)))
    after = await told(shop.database, user_id)
    assert ids(await look(shop.database, notices)) == [after]


async def test_everybody_reads_their_own_only(shop: Shop, reader: Notices) -> None:
    await told(shop.database, await shop.user())
    assert ids(await look(shop.database, reader)) == []


@pytest.mark.parametrize(
    "written", ["", "1", "1-2", "x", "-1-00000000-0000-0000-0000-000000000000", f"{10**19}-{UUID(int=0)}"]
)
def test_what_is_no_place_is_not_read_as_one(written: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        Place.parse(written)


async def test_an_orders_events_come_in_order_and_end_with_the_order(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.held({"LAMP": 1})
    events = Events(order_id, 0)
    async with shop.database.reading() as session:
        placed = await events.look(session)
        nothing = await events.look(session)
    assert [happened.event.to_status for happened in placed.items] == ["pending_payment"]
    assert (placed.is_last, list(nothing.items), nothing.is_last) == (False, [], False)
    async with shop.database.transaction() as session:
        await moving.move(
            session, order_id, {OrderStatus.PENDING_PAYMENT}, OrderStatus.PAYMENT_FAILED, kind="payment_failed", by="x"
        )
        await moving.move(
            session, order_id, {OrderStatus.PAYMENT_FAILED}, OrderStatus.CANCELLED, kind="cancelled", by="x"
        )
    async with shop.database.reading() as session:
        rest = await events.look(session)
        again = await Events(order_id, 1).look(session)
    assert [happened.event.seq for happened in rest.items] == [2, 3]
    assert rest.is_last
    assert [happened.event.seq for happened in again.items] == [2, 3]
