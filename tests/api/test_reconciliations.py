"""Staff compare the provider's journal with our books, and read what differed and what became of it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from core.settings import Settings
from domain.messages.reconciliation import SCHEDULE_ID, reconciliation_workflow_id
from domain.money import Money
from domain.orders import refund_workflow_id
from models.payments import RefundCause
from services import payments, refunds
from services.refunds import Claim
from tests.api.conftest import Caller, SignIn, Wires
from tests.api.shopping import THREE_D_SECURE, add, keyed, ordered, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from worker import keep_reconciling

PRICE = Money(1999, "USD")
PATH = "/ops/reconciliations"


async def reconciled(staff: Caller) -> dict[str, Any]:
    """The report of a comparison that was asked for now, once it is finished."""
    answer = await staff.post(PATH)
    assert answer.status_code == 202, answer.text
    report: dict[str, Any] = {}

    async def is_finished() -> bool:
        found = await staff.get(f"{PATH}/{answer.json()['id']}")
        assert found.status_code == 200, found.text
        report.update(found.json())
        return report["finished_at"] is not None

    await until(is_finished)
    return report


def told(report: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(difference["kind"], difference["mended"]) for difference in report["differences"]]


@pytest.mark.usefixtures("worker")
async def test_staff_compare_now_and_read_what_differed(
    staff: Caller, sign_in: SignIn, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.paid({"LAMP": 1})
    gateway.give_back(gateway.pay(order_id, PRICE), Money(500, "USD"))
    report = await reconciled(staff)
    assert (report["provider"], report["compared"], report["different"], report["mended"]) == ("stripe", 1, 1, 1)
    [difference] = report["differences"]
    assert (difference["kind"], difference["mended"]) == ("refunded-there-not-here", True)
    assert (difference["provider_ref"], difference["order_id"]) == (f"pi_{order_id.hex}", str(order_id))
    assert (difference["ours"]["refunded"], difference["theirs"]["refunded"]) == (0, 500)
    again = await reconciled(staff)
    assert (again["compared"], again["differences"]) == (1, [])
    listed = (await staff.get(PATH)).json()
    assert [item["id"] for item in listed["items"]] == [again["id"], report["id"]]
    log = (await (await sign_in("admin")).get("/audit", params={"action": "payments.reconcile"})).json()["items"]
    assert [(entry["actor_id"], entry["subject_id"]) for entry in log] == [
        (str(staff.user_id), again["id"]), (str(staff.user_id), report["id"]),
    ]  # fmt: skip
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_a_checkout_that_runs_is_told_and_does_it_itself(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP")
    order = await ordered(customer, payment_token=THREE_D_SECURE)
    gateway.finish_3ds(f"pi_{UUID(order['id']).hex}", paid=True)
    assert told(await reconciled(staff)) == [("state-differs", True)]

    async def is_captured() -> bool:
        return bool((await customer.get(f"/orders/{order['id']}")).json()["payment_status"] == "captured")

    await until(is_captured)
    assert told(await reconciled(staff)) == []
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_a_refund_of_ours_whose_workflow_is_gone_is_settled_by_its_own_claim(
    staff: Caller, shop: Shop, gateway: FakePayments, temporal: Client
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.paid({"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        claimed = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "somebody", 500))
    gateway.give_back(gateway.pay(order_id, PRICE), Money(500, "USD"), claimed.id)
    with pytest.raises(RPCError):
        await temporal.get_workflow_handle(refund_workflow_id(claimed.id)).describe()
    assert told(await reconciled(staff)) == [("refunded-there-not-here", True)]
    assert await shop.rows("SELECT id, status, cause FROM refunds") == [(claimed.id, "succeeded", "staff")]
    assert told(await reconciled(staff)) == []
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_more_given_back_over_there_than_is_left_is_reported(
    staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await shop.paid({"LAMP": 1})
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        await refunds.claim(session, payment, Claim(RefundCause.STAFF, "somebody", PRICE.amount))
    gateway.give_back(gateway.pay(order_id, PRICE), Money(500, "USD"))
    assert told(await reconciled(staff)) == [("refunded-there-not-here", False)]
    assert (await shop.payment(order_id)).refunded == 0


@pytest.mark.usefixtures("worker")
async def test_differences_come_in_pages(staff: Caller, shop: Shop, gateway: FakePayments) -> None:
    await shop.product("LAMP", stock=5)
    for _ in range(3):
        gateway.give_back(gateway.pay(await shop.paid({"LAMP": 1}), PRICE), Money(1, "USD"))
    report = await reconciled(staff)
    first = (await staff.get(f"{PATH}/{report['id']}", params={"limit": 2})).json()
    rest = (await staff.get(f"{PATH}/{report['id']}", params={"cursor": first["next_cursor"]})).json()
    assert first["differences"] + rest["differences"] == report["differences"]
    assert (len(first["differences"]), rest["next_cursor"]) == (2, None)
    refused(await staff.get(f"{PATH}/{report['id']}", params={"cursor": "nonsense"}), 422, "invalid-cursor")


async def test_the_same_click_starts_one_comparison(staff: Caller, temporal: Client, shop: Shop) -> None:
    headers = keyed()
    answers = await asyncio.gather(*(staff.post(PATH, headers=headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    [reconciliation_id] = {answer.json()["id"] for answer in answers}
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 4
    assert all(answer.headers["Location"].endswith(f"{PATH}/{reconciliation_id}") for answer in answers)
    assert await shop.rows("SELECT count(*) FROM reconciliations") == [(1,)]
    handle = temporal.get_workflow_handle(reconciliation_workflow_id(reconciliation_id))
    assert (await handle.describe()).workflow_type == "ReconciliationWorkflow"
    await handle.terminate()


async def test_a_click_while_temporal_is_away_starts_it_when_it_is_repeated(
    staff: Caller, wires: Wires, temporal: Client, shop: Shop
) -> None:
    headers = keyed()
    wires.temporal.cut()
    refused(await staff.post(PATH, headers=headers), 503, "unavailable")
    await wires.temporal.mend()
    again = await staff.post(PATH, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert await shop.rows("SELECT count(*) FROM audit_entries") == [(1,)]
    handle = temporal.get_workflow_handle(reconciliation_workflow_id(again.json()["id"]))
    assert (await handle.describe()).workflow_type == "ReconciliationWorkflow"
    await handle.terminate()


async def test_customers_see_none_of_it(customer: Caller, staff: Caller) -> None:
    for answer in (await customer.get(PATH), await customer.get(f"{PATH}/{uuid4()}"), await customer.post(PATH)):
        refused(answer, 403, "forbidden")
    refused(await staff.get(f"{PATH}/{uuid4()}"), 404, "not-found")


async def test_the_schedule_is_there_once_with_the_settings_of_today_and_stays_paused(
    temporal: Client, api_settings: Settings
) -> None:
    handle = temporal.get_schedule_handle(SCHEDULE_ID)
    try:
        await keep_reconciling(temporal, api_settings)
        await handle.pause(note="the provider changes its books")
        await keep_reconciling(
            temporal, api_settings.model_copy(update={"reconciliation_interval": timedelta(hours=2)})
        )
        schedule = (await handle.describe()).schedule
        assert [one.every for one in schedule.spec.intervals] == [timedelta(hours=2)]
        assert (schedule.state.paused, schedule.state.note) == (True, "the provider changes its books")
    finally:
        await handle.delete()
