"""GET /orders/{id}/events: the timeline, as it is written."""

from uuid import UUID, uuid4

import pytest

from domain.orders import OrderStatus
from domain.permissions import Permission
from services.orders import moving, placing
from tests.api.conftest import Caller, SignIn
from tests.api.live.listening import Block, hearing
from tests.api.shopping import COD, add, fields_of, ordered, refused
from tests.api.test_api_keys import by, make
from tests.builders import HOLDS, Shop

S = OrderStatus


async def order_of(customer: Caller, shop: Shop) -> str:
    await shop.product("LAMP")
    return str(await shop.held({"LAMP": 1}, user_id=customer.user_id))


async def move(shop: Shop, order_id: str, start: OrderStatus, to: OrderStatus, kind: str) -> None:
    async with shop.database.transaction() as session:
        await moving.move(session, UUID(order_id), {start}, to, kind=kind, by="checkout")


async def cancel(shop: Shop, order_id: str) -> None:
    await move(shop, order_id, S.PENDING_PAYMENT, S.CANCELLED, "cancelled")


async def test_the_events_are_those_of_the_timeline_from_the_first_to_the_end(
    served: str, customer: Caller, shop: Shop
) -> None:
    order_id = await order_of(customer, shop)
    async with hearing(served, f"/orders/{order_id}/events", customer) as ear:
        placed = await ear.event()
        await move(shop, order_id, S.PENDING_PAYMENT, S.PAYMENT_FAILED, "payment_failed")
        failed = await ear.event()
        await move(shop, order_id, S.PAYMENT_FAILED, S.CANCELLED, "cancelled")
        cancelled, end = await ear.rest()
    events = [block for block in (placed, failed, cancelled) if block]
    assert [(block.event, block.id) for block in events] == [("order", "1"), ("order", "2"), ("order", "3")]
    timeline = (await customer.get(f"/orders/{order_id}/timeline")).json()["items"]
    assert [{**block.data, "payment_status": None} for block in events] == [
        {**event, "payment_status": None} for event in timeline
    ]
    assert events[-1].data["payment_status"] == "voided"
    assert (end.event, end.id) == ("end", None)


@pytest.mark.usefixtures("worker")
async def test_an_order_is_followed_from_the_click_to_its_end(
    served: str, customer: Caller, staff: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    order = await ordered(customer, COD)
    async with hearing(served, f"/orders/{order['id']}/events", customer) as ear:
        assert isinstance(placed := await ear.event(), Block)
        assert (placed.data["to_status"], placed.data["payment_status"]) == ("pending_confirmation", "not_required_yet")
        await staff.post(f"/orders/{order['id']}/reject", json={})
        *_, last, end = await ear.rest()
    assert last.data["to_status"] == "cancelled"
    assert end.event == "end"
    await shop.require_invariants()


async def test_a_client_that_was_away_hears_only_what_came_since(served: str, customer: Caller, shop: Shop) -> None:
    order_id = await order_of(customer, shop)
    async with hearing(served, f"/orders/{order_id}/events", customer) as ear:
        await ear.event()
    await cancel(shop, order_id)
    async with hearing(served, f"/orders/{order_id}/events", customer, ear.last_id) as again:
        _, cancelled, end = await again.rest()
    assert (cancelled.id, end.event) == ("2", "end")


async def test_who_has_seen_the_end_is_told_to_stay_away(customer: Caller, shop: Shop) -> None:
    """An EventSource comes back after the end, and 204 is what stops it."""
    order_id = await order_of(customer, shop)
    await cancel(shop, order_id)
    answer = await customer.get(f"/orders/{order_id}/events", headers={"Last-Event-ID": "2"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await customer.get(f"/orders/{order_id}/events", params={"last_event_id": 2})).status_code == 204
    seen_one = await customer.get(f"/orders/{order_id}/events", params={"last_event_id": 1})
    assert (seen_one.status_code, "event: end" in seen_one.text) == (200, True)


async def test_a_number_that_the_order_has_not_come_to_is_not_waited_for(
    served: str, customer: Caller, shop: Shop
) -> None:
    order_id = await order_of(customer, shop)
    async with hearing(served, f"/orders/{order_id}/events", customer, "99") as ear:
        event = await ear.event()
    assert event
    assert event.id == "1"


async def test_an_order_that_is_only_asked_for_is_waited_for(served: str, customer: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.request({"LAMP": 1}, user_id=customer.user_id)
    async with hearing(served, f"/orders/{order_id}/events", customer) as ear:
        assert ear.answer.status_code == 200
        first = await ear.block()
        assert first
        assert first.data is None
        async with shop.database.transaction() as session:
            await placing.place(session, order_id, HOLDS)
        event = await ear.event()
    assert event
    assert event.data["kind"] == "placed"


async def test_others_find_no_such_order_and_staff_find_every_one(
    served: str, customer: Caller, stranger: Caller, staff: Caller, anonymous: Caller, shop: Shop
) -> None:
    order_id = await order_of(customer, shop)
    path = f"/orders/{order_id}/events"
    refused(await stranger.get(path), 404, "not-found")
    refused(await customer.get(f"/orders/{uuid4()}/events"), 404, "not-found")
    refused(await anonymous.get(path), 401, "not-signed-in")
    async with hearing(served, path, staff) as ear:
        assert await ear.event()


async def test_a_machine_follows_orders_that_its_key_lets_it_read(
    served: str, anonymous: Caller, customer: Caller, sign_in: SignIn, shop: Shop
) -> None:
    path = f"/orders/{await order_of(customer, shop)}/events"
    admin = await sign_in("admin")
    refused(await anonymous.get(path, headers=by(await make(admin))), 403, "forbidden")
    anonymous.headers.update(by(await make(admin, Permission.ORDERS_READ.value)))
    async with hearing(served, path, anonymous) as ear:
        assert await ear.event()


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", str(2**31)])
async def test_a_last_id_that_is_no_number_of_an_event_is_refused(customer: Caller, shop: Shop, last_id: str) -> None:
    path = f"/orders/{await order_of(customer, shop)}/events"
    answer = await customer.get(path, headers={"Last-Event-ID": last_id})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"header.last-event-id"}
