"""Deliveries and counts: gathered line by line, booked all at once and once."""

import asyncio
from uuid import UUID, uuid4

import pytest

from domain.errors import BelowReserved, NotFound, StockSessionClosed, StockSessionFull, TooManyUnits
from models.inventory import StockSessionKind, StockSessionStatus
from services.inventory.sessions import applying, gathering, reading
from services.inventory.sessions.gathering import MOST_LINES
from services.inventory.sessions.reading import WholeSession, difference
from services.inventory.shelves import MOST_UNITS
from tests.builders import Shop
from tests.services.inventory.stockroom import Stockroom

COUNT, RECEIVE = StockSessionKind.COUNT, StockSessionKind.RECEIVE


@pytest.fixture(autouse=True)
async def lamps(shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    await shop.product("SHADE", stock=0)


async def one(shop: Shop, session_id: UUID) -> WholeSession:
    async with shop.database.snapshot() as session:
        return await reading.one(session, session_id)


async def discard(stockroom: Stockroom, session_id: UUID) -> None:
    async with stockroom.database.transaction() as session:
        await applying.discard(session, stockroom.actor, session_id)


async def test_a_delivery_is_booked_as_receipts_when_it_is_applied(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(RECEIVE, "annex", "note 4711")
    await stockroom.put(session_id, LAMP=5, SHADE=7)
    await stockroom.put(session_id, SHADE=2)
    assert (await stockroom.there("SHADE"))["main"] == (0, 0)
    for _ in range(2):
        await stockroom.apply(session_id)
        assert await stockroom.there("LAMP") == {"main": (10, 0), "annex": (5, 0)}
        assert await stockroom.there("SHADE") == {"main": (0, 0), "annex": (2, 0)}
    booked = "SELECT sku, delta, kind, reason, actor_id FROM stock_movements WHERE session_id = :id ORDER BY sku"
    assert await shop.rows(booked, id=session_id) == [
        ("LAMP", 5, "receipt", "note 4711", stockroom.actor.id),
        ("SHADE", 2, "receipt", "note 4711", stockroom.actor.id),
    ]
    assert await stockroom.events("SHADE") == ["back"]
    await shop.require_invariants()


async def test_a_count_books_what_the_book_did_not_say(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(COUNT)
    await stockroom.put(session_id, LAMP=8, SHADE=1)
    whole = await one(shop, session_id)
    assert [(line.sku, line.expected_on_hand, difference(line)) for line in whole.lines] == [
        ("LAMP", 10, -2),
        ("SHADE", 0, 1),
    ]
    await stockroom.apply(session_id)
    assert (await stockroom.there("LAMP"), await stockroom.there("SHADE")) == ({"main": (8, 0)}, {"main": (1, 0)})
    assert (await stockroom.ledger("LAMP"))[-1] == ("main", "count", -2)
    await shop.require_invariants()


async def test_what_was_sold_after_the_count_stays_sold(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(COUNT)
    await stockroom.put(session_id, LAMP=9)
    await shop.confirmed({"LAMP": 4})
    await stockroom.apply(session_id)
    assert await stockroom.there("LAMP") == {"main": (5, 0)}, "10, of which 4 were sold and 1 was never there"


async def test_a_line_that_is_counted_again_is_compared_with_the_book_as_it_is_then(
    stockroom: Stockroom, shop: Shop
) -> None:
    session_id = await stockroom.open_session(COUNT)
    await stockroom.put(session_id, LAMP=10)
    await shop.confirmed({"LAMP": 4})
    await stockroom.put(session_id, LAMP=6)
    await stockroom.apply(session_id)
    assert await stockroom.there("LAMP") == {"main": (6, 0)}
    assert "count" not in {kind for _, kind, _ in await stockroom.ledger("LAMP")}


async def test_a_count_below_what_orders_hold_names_the_lines_and_books_nothing(
    stockroom: Stockroom, shop: Shop
) -> None:
    await shop.held({"LAMP": 4})
    session_id = await stockroom.open_session(COUNT)
    await stockroom.put(session_id, LAMP=3, SHADE=20)
    with pytest.raises(BelowReserved) as refused:
        await stockroom.apply(session_id)
    assert refused.value.facts["lines"] == [
        {"sku": "LAMP", "location": "main", "on_hand": 10, "reserved": 4, "delta": -7}
    ]
    assert await stockroom.there("SHADE") == {"main": (0, 0)}
    assert (await one(shop, session_id)).session.status == "open"
    await stockroom.put(session_id, LAMP=4)
    await stockroom.apply(session_id)
    assert (await stockroom.there("LAMP"), await stockroom.there("SHADE")) == ({"main": (4, 4)}, {"main": (20, 0)})


async def test_a_delivery_of_more_than_fits_books_nothing(stockroom: Stockroom) -> None:
    await stockroom.adjust("LAMP", delta=MOST_UNITS - 10)
    session_id = await stockroom.open_session(RECEIVE)
    await stockroom.put(session_id, LAMP=1, SHADE=1)
    with pytest.raises(TooManyUnits):
        await stockroom.apply(session_id)
    assert await stockroom.there("SHADE") == {"main": (0, 0)}


async def test_applied_ten_times_at_once_it_is_booked_once(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(RECEIVE)
    await stockroom.put(session_id, LAMP=5)
    await asyncio.gather(*(stockroom.apply(session_id) for _ in range(10)))
    assert await stockroom.there("LAMP") == {"main": (15, 0)}
    assert (await stockroom.acts()).count("stock_session.apply") == 1


async def test_a_line_and_the_booking_at_once_are_one_after_the_other(stockroom: Stockroom, shop: Shop) -> None:
    """The line is booked with the rest, or refused: never lost in a session that is applied."""
    for _ in range(5):
        session_id = await stockroom.open_session(RECEIVE)
        before = (await stockroom.picture("LAMP")).on_hand
        outcomes = await asyncio.gather(
            stockroom.put(session_id, LAMP=1), stockroom.apply(session_id), return_exceptions=True
        )
        booked = (await stockroom.picture("LAMP")).on_hand - before
        assert booked == (0 if isinstance(outcomes[0], StockSessionClosed) else 1)
        assert len((await one(shop, session_id)).lines) == booked


async def test_what_is_discarded_is_never_booked(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(RECEIVE)
    await stockroom.put(session_id, LAMP=5)
    for _ in range(2):
        await discard(stockroom, session_id)
    with pytest.raises(StockSessionClosed) as refused:
        await stockroom.apply(session_id)
    assert refused.value.facts == {"session_status": "discarded"}
    assert await stockroom.there("LAMP") == {"main": (10, 0)}


async def test_a_session_that_is_applied_takes_no_line_and_is_not_discarded(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(RECEIVE)
    await stockroom.put(session_id, LAMP=5)
    await stockroom.apply(session_id)
    with pytest.raises(StockSessionClosed):
        await stockroom.put(session_id, LAMP=6)
    with pytest.raises(StockSessionClosed):
        await discard(stockroom, session_id)
    async with shop.database.transaction() as session:
        with pytest.raises(StockSessionClosed):
            await gathering.remove_line(session, stockroom.actor, session_id, "LAMP")
    whole = await one(shop, session_id)
    assert whole.session.status == "applied"
    assert whole.session.closed_at is not None


async def test_a_line_can_be_taken_out(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(COUNT)
    await stockroom.put(session_id, LAMP=5, SHADE=5)
    async with shop.database.transaction() as session:
        await gathering.remove_line(session, stockroom.actor, session_id, "LAMP")
        with pytest.raises(NotFound):
            await gathering.remove_line(session, stockroom.actor, session_id, "LAMP")
    await stockroom.apply(session_id)
    assert (await stockroom.there("LAMP"), await stockroom.there("SHADE")) == ({"main": (10, 0)}, {"main": (5, 0)})


async def test_what_is_not_there_is_not_counted(stockroom: Stockroom) -> None:
    session_id = await stockroom.open_session(COUNT)
    for missing in (
        stockroom.put(session_id, NOPE=1),
        stockroom.put(uuid4(), LAMP=1),
        stockroom.apply(uuid4()),
        discard(stockroom, uuid4()),
        one(stockroom.shop, uuid4()),
        stockroom.open_session(COUNT, "attic"),
    ):
        with pytest.raises(NotFound):
            await missing


async def test_a_session_of_no_lines_books_nothing(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(COUNT)
    await stockroom.apply(session_id)
    assert (await one(shop, session_id)).session.status == "applied"
    await shop.require_invariants()


async def test_a_session_has_an_end(stockroom: Stockroom, shop: Shop) -> None:
    session_id = await stockroom.open_session(COUNT)
    product_id = await shop.product("MANY-0")
    await shop.rows(
        "INSERT INTO variants (product_id, sku, position, price, currency, options) "
        "SELECT :product, 'MANY-' || n, n, 1, 'USD', '{}' FROM generate_series(1, :most) n",
        product=product_id,
        most=MOST_LINES - 1,
    )
    await shop.rows(
        "INSERT INTO stock_session_lines (session_id, sku, quantity, expected_on_hand) "
        "SELECT :id, sku, 3, 0 FROM variants WHERE sku LIKE 'MANY-%'",
        id=session_id,
    )
    with pytest.raises(StockSessionFull):
        await stockroom.put(session_id, LAMP=1)
    await stockroom.put(session_id, **{"MANY-1": 4})
    await stockroom.apply(session_id)
    assert await shop.rows("SELECT sum(on_hand) FROM stock WHERE sku LIKE 'MANY-%'") == [(10 + 3 * MOST_LINES + 1,)]
    await shop.require_invariants()


async def test_sessions_are_listed_the_newest_first_with_the_number_of_their_lines(
    stockroom: Stockroom, shop: Shop
) -> None:
    ids = [await stockroom.open_session(COUNT, "annex") for _ in range(3)]
    await stockroom.put(ids[1], LAMP=1, SHADE=1)
    await discard(stockroom, ids[0])
    async with shop.database.reading() as session:
        rows = await reading.page(session, None, 10, None)
        assert [(row.id, location, lines) for row, location, lines in rows] == [
            (ids[2], "annex", 0),
            (ids[1], "annex", 2),
            (ids[0], "annex", 0),
        ]
        last = rows[0][0].opened_at, rows[0][0].id
        assert [row.id for row, _, _ in await reading.page(session, StockSessionStatus.OPEN, 10, last)] == [ids[1]]
