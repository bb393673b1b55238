"""What staff read about the shop as a whole: stock, and whether everything adds up."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import update
from sqlmodel import col
from temporalio.client import Client
from temporalio.service import RPCError

from core.database import Database
from models.inventory import Stock
from models.payments import Payment
from tests.api.conftest import Caller
from tests.api.shopping import COD, DECLINED, THREE_D_SECURE, add, check_out, ordered, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.search import Index

INVARIANTS = {
    "S1", "S2", "S3", "S4", "S5", "S6", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "I1", "E1", "P1", "P2", "T1",
    "R1",
}  # fmt: skip


async def test_staff_see_the_stock_of_a_sku(staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=9)
    await shop.held({"LAMP": 2})
    answer = await staff.get("/inventory/LAMP")
    assert answer.status_code == 200
    expected = {"sku": "LAMP", "on_hand": 9, "reserved": 2, "available": 7, "low_stock_threshold": 5}
    assert answer.json() | expected == answer.json()
    refused(await staff.get("/inventory/NOPE"), 404, "not-found")


async def findings(staff: Caller) -> dict[str, dict[str, Any]]:
    answer = await staff.get("/ops/invariants")
    assert answer.status_code == 200, answer.text
    assert answer.json()["at"].endswith("Z")
    return {row["name"]: row for row in answer.json()["rows"]}


@pytest.fixture
async def alone(temporal: Client) -> None:
    """No checkout of another test is running any more."""

    async def nothing_runs() -> bool:
        running = [run async for run in temporal.list_workflows("ExecutionStatus = 'Running'")]
        for run in running:
            await _end(temporal, run.id)
        return not running

    await until(nothing_runs)


async def _end(temporal: Client, workflow_id: str) -> None:
    with suppress(RPCError):  # it was quicker
        await temporal.get_workflow_handle(workflow_id).terminate()


@pytest.mark.usefixtures("alone", "worker")
async def test_after_a_day_of_trade_everything_adds_up(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments, redis: Redis
) -> None:
    await shop.product("LAMP", stock=50)
    await Index(shop.database, redis).build()

    async def buy(**changes: Any) -> dict[str, Any]:
        await add(customer, "LAMP", 2)
        return await ordered(customer, **changes)

    await buy()
    await add(customer, "LAMP", 3)
    refused(await check_out(customer, payment_token=DECLINED), 402, "payment-declined")
    await buy()
    confirmed, rejected, waiting = [await buy(body=COD) for _ in range(3)]
    await staff.post(f"/orders/{confirmed['id']}/confirm")
    await staff.post(f"/orders/{rejected['id']}/reject")
    at_the_bank = await buy(payment_token=THREE_D_SECURE)

    async def adds_up() -> bool:
        """The captures come after the replies, and what Temporal lists comes a moment after what it did."""
        return not any(row["violations"] for row in (await findings(staff)).values())

    await until(adds_up)
    rows = await findings(staff)
    assert set(rows) == INVARIANTS
    assert all(set(row) == {"name", "meaning", "checked", "violations", "offenders"} for row in rows.values())
    assert rows["T1"]["checked"] == 2, "one waits for staff, one for the bank"
    assert rows["R1"]["checked"] == 1
    assert rows["P1"]["checked"] == len(gateway.intents) == 4
    assert {order["status"] for order in (waiting, at_the_bank)} == {"pending_confirmation", "pending_payment"}


@pytest.mark.usefixtures("alone")
@pytest.mark.spoils_books
async def test_what_does_not_add_up_is_named_with_its_offenders(staff: Caller, shop: Shop, database: Database) -> None:
    await shop.product("LAMP", stock=9)
    paid = await shop.paid({"LAMP": 1})
    pending = await shop.held({"LAMP": 1})
    async with database.transaction() as session:
        await session.execute(update(Stock).where(col(Stock.sku) == "LAMP").values(on_hand=99))
        await session.execute(update(Payment).where(col(Payment.order_id) == paid).values(captured=5))
    broken = {name: row["offenders"] for name, row in (await findings(staff)).items() if row["violations"]}
    assert broken["S1"] == ["LAMP"]
    assert broken["M4"] == [str(paid)], "captured is not the total"
    assert broken["P1"] == [f"pi_{UUID(str(paid)).hex}"], "the provider knows nothing of it"
    assert broken["R1"] == ["index"], "there is none"
    assert broken["T1"] == [str(pending)], "nobody works on it"
