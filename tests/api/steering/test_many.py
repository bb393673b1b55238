"""POST /ops/orders/actions: many orders at once, as after an outage."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from api.steering import many
from domain.messages.checkout import CheckoutInput
from tests.api.conftest import Caller, Wires
from tests.api.shopping import COD, add, keyed, ordered, refused, until
from tests.api.steering.conftest import audited, becomes, stuck_order
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from workflows.attributes import ORDER_ID, STUCK_STEP

pytestmark = pytest.mark.usefixtures("lamps")

Order = dict[str, Any]


async def act(staff: Caller, action: str, *orders: Order, key: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"action": action, "reason": "after the outage", **more}
    if orders:
        body["order_ids"] = [order["id"] for order in orders]
    return await staff.post("/ops/orders/actions", json=body, headers=key)


def outcomes(answer: httpx.Response) -> dict[str, tuple[str, str | None]]:
    assert answer.status_code == 200, answer.text
    return {result["order_id"]: (result["outcome"], result["code"]) for result in answer.json()["results"]}


async def waiting(customer: Caller, **changes: Any) -> Order:
    await add(customer, "LAMP")
    return await ordered(customer, COD, **changes)


async def listed(staff: Caller, *orders: Order, **query: Any) -> None:
    """Until Temporal lists them so."""

    async def are_listed() -> bool:
        found = (await staff.get("/ops/orders", params={"limit": 100, **query})).json()["items"]
        return {order["id"] for order in orders} <= {item["order_id"] for item in found}

    await until(are_listed)


@pytest.mark.usefixtures("worker")
async def test_after_an_outage_everything_that_is_stuck_goes_on(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    orders = [await stuck_order(customer, staff, gateway) for _ in range(3)]
    untouched = await waiting(customer)
    await listed(staff, *orders, stuck="capture_payment")
    answer = await act(staff, "retry", filter={"stuck": "capture_payment", "status": "confirmed"})
    told = outcomes(answer)
    assert {told[order["id"]] for order in orders} == {("sent", None)}
    assert untouched["id"] not in told
    assert (answer.json()["matched"], answer.json()["more"]) == (len(told), False)
    for order in orders:
        await becomes(staff, order, payment_status="captured")
        assert await audited(shop, order) == [("order.retry", "after the outage")]
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_each_order_is_answered_for_itself(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    stuck, cod = await stuck_order(customer, staff, gateway), await waiting(customer)
    nowhere = {"id": str(uuid4())}
    await listed(staff, stuck, stuck="true")
    answer = await act(staff, "retry", stuck, cod, nowhere, stuck)
    assert outcomes(answer) == {
        stuck["id"]: ("sent", None),
        cod["id"]: ("not-allowed", "not-allowed-in-state"),
        nowhere["id"]: ("not-allowed", "not-found"),
    }
    assert (answer.json()["matched"], answer.json()["sent"]) == (3, 1)
    assert await audited(shop, cod) == await audited(shop, nowhere) == []


@pytest.mark.usefixtures("worker")
async def test_orders_are_confirmed_rejected_and_held_for_longer(customer: Caller, staff: Caller, shop: Shop) -> None:
    confirmed, rejected, extended = [await waiting(customer) for _ in range(3)]
    await act(staff, "confirm", confirmed)
    await act(staff, "reject", rejected)
    answer = await act(staff, "extend-hold", extended, minutes=60)
    assert outcomes(answer) == {extended["id"]: ("sent", None)}
    await becomes(staff, confirmed, status="confirmed")
    await becomes(staff, rejected, status="cancelled", cancel_reason="cod-rejected")
    assert await shop.events(UUID(extended["id"])) == ["placed", "hold_extended"]
    timeline = (await staff.get(f"/orders/{confirmed['id']}/timeline")).json()["items"]
    assert (timeline[-1]["actor"], timeline[-1]["note"]) == (str(staff.user_id), "after the outage")
    too_late = await act(staff, "confirm", confirmed, rejected)
    assert set(outcomes(too_late).values()) == {("not-allowed", "not-allowed-in-state")}
    await shop.require_invariants()


@pytest.mark.usefixtures("worker")
async def test_orders_are_cancelled_wherever_they_are(
    customer: Caller, staff: Caller, shop: Shop, gateway: FakePayments
) -> None:
    """Pending, stuck, paid with its checkout closed, and being packed."""
    pending, stuck = await waiting(customer), await stuck_order(customer, staff, gateway)
    paid, packed = [await paid_order(customer, staff) for _ in range(2)]
    answer = await staff.post(f"/orders/{packed['id']}/process", json={})
    assert answer.status_code == 200, answer.text
    answer = await act(staff, "cancel", pending, stuck, paid, packed)
    assert set(outcomes(answer).values()) == {("sent", None)}
    for order in (pending, stuck, paid, packed):
        await becomes(staff, order, status="cancelled")
        assert ("order.cancel", "after the outage") in await audited(shop, order)
    assert await shop.stock("LAMP") == (50, 0)
    await shop.require_invariants()


async def paid_order(customer: Caller, staff: Caller) -> Order:
    await add(customer, "LAMP")
    order = await ordered(customer)
    await becomes(staff, order, payment_status="captured")
    return order


@pytest.mark.usefixtures("worker")
async def test_the_same_request_again_is_answered_the_same_and_sends_nothing(
    customer: Caller, staff: Caller, shop: Shop
) -> None:
    order, key = await waiting(customer), keyed()
    first = await act(staff, "extend-hold", order, minutes=60, key=key)
    again = await act(staff, "extend-hold", order, minutes=60, key=key)
    assert again.json() == first.json()
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert await shop.events(UUID(order["id"])) == ["placed", "hold_extended"]
    assert await audited(shop, order) == [("order.extend-hold", "after the outage")]
    refused(await act(staff, "extend-hold", order, minutes=61, key=key), 422, "idempotency-key-reused")


@pytest.mark.usefixtures("worker")
async def test_the_same_request_at_once_is_sent_once(customer: Caller, staff: Caller, shop: Shop) -> None:
    order, key = await waiting(customer), keyed()
    answers = await asyncio.gather(*[act(staff, "extend-hold", order, minutes=60, key=key) for _ in range(4)])
    assert {answer.status_code for answer in answers} <= {200, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert refused(answer, 409, "idempotency-key-in-use")
    assert await shop.events(UUID(order["id"])) == ["placed", "hold_extended"]


@pytest.mark.usefixtures("worker")
async def test_a_request_whose_process_died_is_sent_again(customer: Caller, staff: Caller, shop: Shop) -> None:
    order, key = await waiting(customer), keyed()
    assert (await act(staff, "extend-hold", order, minutes=60, key=key)).status_code == 200
    async with shop.database.transaction() as session:  # as if it had died before it kept its answer
        await session.execute(text("UPDATE idempotency_keys SET resource = NULL"))
    refused(await act(staff, "extend-hold", order, minutes=60, key=key), 409, "idempotency-key-in-use")
    async with shop.database.transaction() as session:
        await session.execute(text("UPDATE idempotency_keys SET at = at - interval '2 minutes'"))
    assert outcomes(await act(staff, "extend-hold", order, minutes=60, key=key)) == {order["id"]: ("sent", None)}
    assert await shop.events(UUID(order["id"])) == ["placed", "hold_extended"], "the update has the same id"


@pytest.mark.usefixtures("worker")
async def test_more_orders_than_are_taken_at_once_are_told_of(
    customer: Caller, staff: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST_ORDERS", 2)
    orders = [await waiting(customer) for _ in range(3)]
    await listed(staff, *orders, waiting_for="staff")
    answer = await act(staff, "extend-hold", filter={"waiting_for": "staff"}, minutes=1)
    assert (answer.json()["matched"], answer.json()["more"]) == (2, True)


async def test_what_does_not_get_there_is_away_and_may_be_sent_again(staff: Caller, shop: Shop, wires: Wires) -> None:
    order_id, key = await shop.held({"LAMP": 1}), keyed()
    wires.temporal.cut()
    answer = await act(staff, "cancel", {"id": str(order_id)}, key=key)
    assert outcomes(answer) == {str(order_id): ("away", "unavailable")}
    refused(await act(staff, "cancel", filter={"stuck": True}, key=(other := keyed())), 503, "unavailable")
    await wires.temporal.mend()
    assert outcomes(await act(staff, "cancel", {"id": str(order_id)})) == {
        str(order_id): ("not-allowed", "not-allowed-in-state")
    }, "no checkout was ever started for it"
    assert (await act(staff, "cancel", filter={"stuck": "no_such_step"}, key=other)).json()["matched"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"action": "retry"},
        {"action": "retry", "order_ids": []},
        {"action": "retry", "order_ids": [str(UUID(int=n)) for n in range(201)]},
        {"action": "retry", "order_ids": ["x"]},
        {"action": "retry", "filter": {}},
        {"action": "retry", "filter": {"stuck": None}},
        {"action": "retry", "filter": {"colour": "red"}},
        {"action": "retry", "filter": {"stuck": True}, "order_ids": [str(UUID(int=1))]},
        {"action": "retry", "filter": {"stuck": True}, "minutes": 5},
        {"action": "retry", "filter": {"older_than": "soon"}},
        {"action": "extend-hold", "filter": {"stuck": True}},
        {"action": "extend-hold", "filter": {"stuck": True}, "minutes": 0},
        {"action": "terminate", "filter": {"stuck": True}},
        {"action": "retry", "filter": {"stuck": True}, "reason": ""},
        {"action": "retry", "filter": {"stuck": True}, "reason": "a\0b"},
        {"action": "retry", "filter": {"stuck": True}, "reason": None},
        {"action": "retry", "filter": {"waiting_for": "a\0b"}, "reason": 1},
    ],
)
async def test_a_body_that_does_not_say_what_to_do_is_refused(body: dict[str, Any], staff: Caller) -> None:
    refused(await staff.post("/ops/orders/actions", json={"reason": "x", **body}), 422, "validation-failed")


async def test_customers_act_on_nothing(customer: Caller) -> None:
    body = {"action": "retry", "filter": {"stuck": True}, "reason": "x"}
    refused(await customer.post("/ops/orders/actions", json=body), 403, "forbidden")


async def test_an_order_that_is_stuck_before_it_is_placed_is_told_to_try_again(
    staff: Caller, shop: Shop, temporal: Client
) -> None:
    """As after an outage of Postgres: there is a request, and no order yet."""
    order_id = await shop.request({"LAMP": 1})
    checkout = await temporal.start_workflow(
        "CheckoutWorkflow",
        CheckoutInput(str(order_id)),
        id=f"checkout-{order_id}",
        task_queue="nobody-listens",
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(ORDER_ID, str(order_id)), SearchAttributePair(STUCK_STEP, "place_order")]
        ),
    )
    await listed(staff, {"id": str(order_id)}, stuck="place_order")
    found = (await staff.get("/ops/orders", params={"stuck": "place_order"})).json()["items"]
    assert [(item["order_number"], item["status"]) for item in found] == [(None, None)]
    answer = await act(staff, "retry", filter={"stuck": "place_order"})
    assert outcomes(answer) == {str(order_id): ("sent", None)}
    await checkout.terminate()
