"""Everything at once: orders live their lives while staff contradict each other, the provider fails and workers die.

The seed decides what everybody tries; a failure is repeated with it as far as chance allows.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import httpx
import pytest

from devstack.demo.actors import Bank, Person, eventually
from devstack.stack import Stack
from devstack.verify import lasting_violations
from tests.books import AT_ANY_INSTANT
from tests.scenarios.shopping import SKU, new_key, newcomer

ORDERS = 12
ACTS = 14
"""What is tried with each order, most of it at the wrong time."""

FAULTS = [
    {"operation": operation, "kind": kind, "times": 1, "delay_seconds": 1.0}
    for operation in ("capture", "refund", "cancel", "confirm")
    for kind in ("outage", "error_after", "drop_reply", "slow_reply")
]
RESTING = ("pending_confirmation", "confirmed", "processing", "shipped", "delivered", "cancelled", "refunded")


class Desk:
    """Somebody of the staff who tries everything with an order, twice where it may be."""

    def __init__(self, staff: Person, shopper: Person, order_id: str, chance: Random) -> None:
        self.staff, self.shopper, self.order_id, self.chance = staff, shopper, order_id, chance
        self.heard: Counter[str] = Counter()

    async def acts(self) -> None:
        acts = [
            self.confirm, self.process, self.process, self.ship, self.ship, self.deliver, self.deliver,
            self.cancel, self.owner_cancels, self.refund, self.send_back,
        ]  # fmt: skip
        weights = [4, 4, 4, 5, 5, 4, 4, 1, 1, 3, 3]
        for _ in range(ACTS):
            chosen = self.chance.choices(acts, weights, k=self.chance.choice([1, 2]))
            await asyncio.gather(*(act() for act in chosen))

    async def confirm(self) -> None:
        await self.say(self.staff, f"/orders/{self.order_id}/confirm", {})

    async def process(self) -> None:
        await self.say(self.staff, f"/orders/{self.order_id}/process", {})

    async def ship(self) -> None:
        parcel: dict[str, Any] = {"carrier": "DHL", "tracking_number": f"JD{self.chance.randrange(10**9)}"}
        if self.chance.random() < 0.5:
            parcel["lines"] = [{"sku": SKU, "quantity": 1}]
        await self.say(self.staff, f"/orders/{self.order_id}/ship", parcel)

    async def deliver(self) -> None:
        await self.say(self.staff, f"/orders/{self.order_id}/deliver", {})

    async def cancel(self) -> None:
        await self.say(self.staff, f"/orders/{self.order_id}/cancel", {"reason": "the shop changed its mind"})

    async def owner_cancels(self) -> None:
        await self.say(self.shopper, f"/orders/{self.order_id}/cancel", {"reason": "the shopper did"})

    async def refund(self) -> None:
        order = await self.staff.get(f"/orders/{self.order_id}")
        if payment := order.get("payment_id"):
            part = {"amount": {"amount": self.chance.choice([1, 999, 1999, 10**6]), "currency": "USD"}}
            body = {"reason": "a storm", **(part if self.chance.random() < 0.8 else {})}
            await self.say(self.staff, f"/payments/{payment}/refunds", body)

    async def send_back(self) -> None:
        lines = [{"sku": SKU, "quantity": self.chance.choice([1, 2])}]
        asked = await self.say(self.shopper, f"/orders/{self.order_id}/returns", {"lines": lines, "reason": "wet"})
        if asked is not None and asked.status_code == 201:
            path = f"/returns/{asked.json()['id']}"
            await asyncio.gather(
                self.say(self.staff, f"{path}/approve", {}), self.say(self.staff, f"{path}/reject", {})
            )
            received = {"restock": self.chance.random() < 0.7}
            await asyncio.gather(*(self.say(self.staff, f"{path}/receive", received) for _ in range(2)))

    async def say(self, who: Person, path: str, body: dict[str, Any]) -> httpx.Response | None:
        """Sent twice with one key now and then. Whatever is answered is an answer of the contract."""
        key, answer = new_key(), None
        for _ in range(self.chance.choice([1, 1, 2])):
            with suppress(httpx.HTTPError):
                answer = await who.call("POST", path, body, key)
                self.heard[f"{path.rsplit('/', 1)[-1]} {answer.status_code}"] += 1
                assert answer.status_code in (200, 201, 202, 402, 404, 409, 422, 429, 503), answer.text
        return answer

    async def is_at_rest(self) -> bool:
        """Nothing of it is stuck, no refund is on its way and no command is being carried out."""
        await self.staff.call("POST", f"/orders/{self.order_id}/retry", {})
        order = await self.staff.get(f"/orders/{self.order_id}")
        workflow = await self.staff.get(f"/orders/{self.order_id}/workflow")
        pending: list[Any] = []
        if payment := order.get("payment_id"):
            refunds = (await self.staff.get(f"/payments/{payment}/refunds"))["items"]
            pending = [refund for refund in refunds if refund["status"] == "pending"]
        return order.get("status") in RESTING and workflow["step"] is None and not pending


@asynccontextmanager
async def watched(staff: Person) -> AsyncIterator[None]:
    """What must hold at any instant, looked at all the time, the provider's journal included."""
    found: list[dict[str, Any]] = []

    async def look() -> None:
        while True:
            with suppress(httpx.HTTPError):
                rows = (await staff.get("/ops/invariants"))["rows"]
                found.extend(row for row in rows if row["name"] in AT_ANY_INSTANT | {"P2"} and row["violations"])
            await asyncio.sleep(0.5)

    looking = asyncio.create_task(look())
    yield
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    assert found == []


@pytest.fixture
async def admin(api: httpx.AsyncClient) -> Person:
    """Looks at the books with an allowance of its own."""
    return await Person.sign_in(api, "admin@example.com")


async def placed(api: httpx.AsyncClient, chance: Random) -> tuple[Person, str]:
    shopper = await newcomer(api)
    await shopper.put_into_cart(SKU, 2)
    answer = await shopper.check_out(chance.choice(["pm_card_visa", "pm_card_visa", None]))
    assert answer.status_code in (201, 202), answer.text
    return shopper, answer.json()["id"]


@pytest.mark.parametrize("seed", [4])
async def test_a_storm_leaves_money_and_stock_exact(
    seed: int, stack: Stack, api: httpx.AsyncClient, bank: Bank, staff: Person, admin: Person
) -> None:
    chance = Random(seed)
    orders = [await placed(api, chance) for _ in range(ORDERS)]
    desks = [Desk(staff, shopper, order_id, Random(chance.random())) for shopper, order_id in orders]

    async def wreak() -> None:
        for fault in chance.sample(FAULTS, 8):
            answer = await bank.http.post("/_sandbox/faults", json=fault)
            assert answer.status_code == 201, answer.text
            await asyncio.sleep(0.7)
        stack.kill9("worker")

    async with watched(admin):
        await asyncio.gather(wreak(), *(desk.acts() for desk in desks))
        await bank.http.delete("/_sandbox/faults")
        for desk in desks:
            await eventually(desk.is_at_rest, f"{desk.order_id} comes to rest")
    heard = sum((desk.heard for desk in desks), Counter[str]())
    assert heard.keys() >= {"process 200", "ship 200", "deliver 200", "cancel 200"}, heard
    _, broken = await lasting_violations(admin)
    assert broken == [], (seed, heard)
