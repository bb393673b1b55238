"""Whatever orders and staff do to a SKU at two locations, one after the other: the stock is what was meant."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BelowReserved, Fact, NotAllowedInState, OutOfStock
from models.inventory import StockSessionKind
from services import invariants, inventory
from services.inventory.events import Course
from tests.services.inventory.stockroom import Stockroom
from tests.services.inventory.test_holding import run

THRESHOLD = 5
LOCATIONS = ("main", "annex")
Steps = list[tuple[str, Any]]

units, places = st.integers(1, 9), st.sampled_from(LOCATIONS)
STEP = st.one_of(
    st.tuples(st.just("hold"), units),
    st.tuples(st.sampled_from(["commit", "release"]), st.integers(0, 5)),
    st.tuples(st.just("adjust"), st.tuples(places, st.integers(-9, 9).filter(bool))),
    st.tuples(st.just("transfer"), st.tuples(places, units)),
    st.tuples(st.just("count"), st.tuples(places, st.integers(0, 12), st.integers(0, 3))),
)


@dataclass
class Expected:
    """The same shop on paper."""

    on_hand: dict[str, int]
    reserved: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LOCATIONS, 0))
    orders: dict[UUID, tuple[str, dict[str, int]]] = field(default_factory=dict)

    @property
    def available(self) -> int:
        return sum(self.free(place) for place in LOCATIONS)

    def free(self, place: str) -> int:
        return self.on_hand[place] - self.reserved[place]

    def add(self, place: str, on_hand: int) -> None:
        if on_hand + self.on_hand[place] < self.reserved[place]:
            raise BelowReserved
        self.on_hand[place] += on_hand

    def hold(self, order_id: UUID, quantity: int) -> None:
        if quantity > self.available:
            raise OutOfStock
        first = min(quantity, self.free("main"))
        taken = {"main": first, "annex": quantity - first}
        for place, number in taken.items():
            self.reserved[place] += number
        self.orders[order_id] = "held", taken

    def commit(self, order_id: UUID) -> None:
        status, taken = self.orders[order_id]
        if status == "released":
            raise NotAllowedInState
        if status == "held":
            for place, number in taken.items():
                self.on_hand[place] -= number
                self.reserved[place] -= number
        self.orders[order_id] = "committed", taken

    def release(self, order_id: UUID) -> None:
        status, taken = self.orders[order_id]
        for place, number in taken.items():
            self.reserved[place] -= number if status == "held" else 0
            self.on_hand[place] += number if status == "committed" else 0
        self.orders[order_id] = "released", taken

    def transfer(self, place: str, quantity: int) -> None:
        self.add(place, -quantity)
        self.add(other(place), quantity)


def other(place: str) -> str:
    return LOCATIONS[1 - LOCATIONS.index(place)]


async def both(expected: Callable[[], None], done: Coroutine[Any, Any, object]) -> None:
    """Requires that the shop refuses what the paper refuses, for the same reason."""
    reason: type[Fact] | None = None
    try:
        expected()
    except Fact as refusal:
        reason = type(refusal)
    if reason is None:
        await done
    else:
        with pytest.raises(reason):
            await done


async def take(room: Stockroom, sku: str, paper: Expected, step: str, about: Any) -> None:
    if step == "hold":
        order_id = await room.shop.placed({sku: about})
        await both(lambda: paper.hold(order_id, about), run(room.shop, inventory.hold, order_id))
    elif step in ("commit", "release") and about < len(paper.orders):
        order_id = list(paper.orders)[about]
        await both(lambda: getattr(paper, step)(order_id), run(room.shop, getattr(inventory, step), order_id))
    elif step == "adjust":
        place, delta = about
        await both(lambda: paper.add(place, delta), room.adjust(sku, location=place, delta=delta))
    elif step == "transfer":
        place, quantity = about
        await both(lambda: paper.transfer(place, quantity), room.transfer(sku, place, other(place), quantity))
    elif step == "count":
        place, counted, received = about
        session_id = await room.open_session(StockSessionKind.COUNT, place)
        await room.put(session_id, **{sku: counted})
        difference = counted - paper.on_hand[place]
        if received:
            await room.adjust(sku, location=place, delta=received)
            paper.add(place, received)
        await both(lambda: paper.add(place, difference), room.apply(session_id))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(STEP, max_size=14))
async def test_stock_is_what_was_meant_whatever_is_done_to_it(stockroom: Stockroom, steps: Steps) -> None:
    sku = f"LAMP-{uuid4().hex[:8]}"
    await stockroom.shop.product(sku, stock=6)
    await stockroom.adjust(sku, location="annex", delta=4)
    paper = Expected({"main": 6, "annex": 4})
    told: list[str] = []
    for step, about in steps:
        before = paper.available
        await take(stockroom, sku, paper, step, about)
        if step != "count":  # which is two changes
            told += Course(sku, before, paper.available, THRESHOLD).events()
            assert await stockroom.events(sku) == told
        told = await stockroom.events(sku)
        assert await stockroom.there(sku) == {
            place: (paper.on_hand[place], paper.reserved[place]) for place in LOCATIONS
        }
    async with stockroom.database.snapshot() as session:
        broken = [finding for finding in await invariants.check(session, invariants.STOCK[:4]) if finding.violations]
    assert broken == []
