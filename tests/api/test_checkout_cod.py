"""Cash on delivery: the order waits for staff, who confirm or reject it over HTTP, the Web UI or the command line."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from tests.api.conftest import Caller, SignIn
from tests.api.shopping import COD, THREE_D_SECURE, add, cart_of, check_out, keyed, ordered, orders_of, refused, until
from tests.builders import Shop
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def order(customer: Caller, shop: Shop) -> dict[str, Any]:
    """Two of five lamps, to be paid at the door."""
    await shop.product("LAMP", stock=5)
    await add(customer, "LAMP", 2)
    return await ordered(customer, COD)


async def status_of(caller: Caller, order: dict[str, Any]) -> str:
    status: str = (await caller.get(f"/orders/{order['id']}")).json()["status"]
    return status


async def test_a_cod_order_waits_for_staff_with_its_stock_held_and_its_cart_emptied(
    customer: Caller, shop: Shop, order: dict[str, Any], gateway: FakePayments
) -> None:
    assert (order["status"], order["payment_method"]) == ("pending_confirmation", "cod")
    assert (order["payment_status"], order["payment_id"]) == ("not_required_yet", None)
    assert await shop.stock("LAMP") == (5, 2)
    assert await cart_of(customer) == {}
    assert gateway.calls == []


async def test_staff_confirm_it_and_the_timeline_says_who_and_why(
    customer: Caller, staff: Caller, shop: Shop, order: dict[str, Any]
) -> None:
    confirmed = await staff.post(f"/orders/{order['id']}/confirm", json={"note": "called back"})
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    assert await shop.stock("LAMP") == (3, 0)
    timeline = (await customer.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert [(event["seq"], event["kind"], event["from_status"], event["to_status"]) for event in timeline] == [
        (1, "placed", None, "pending_confirmation"),
        (2, "confirmed", "pending_confirmation", "confirmed"),
    ]
    assert (timeline[1]["actor"], timeline[1]["note"]) == (str(staff.user_id), "called back")
    await shop.require_invariants()


async def test_staff_reject_it_and_its_stock_is_back_when_they_hear_of_it(
    staff: Caller, shop: Shop, order: dict[str, Any]
) -> None:
    rejected = await staff.post(f"/orders/{order['id']}/reject", json={})
    assert rejected.status_code == 200
    assert (rejected.json()["status"], rejected.json()["cancel_reason"]) == ("cancelled", "cod-rejected")
    assert await shop.stock("LAMP") == (5, 0)
    await shop.require_invariants()


@pytest.mark.parametrize("second", ["confirm", "reject"])
@pytest.mark.parametrize("first", ["confirm", "reject"])
async def test_a_decision_is_made_once(staff: Caller, order: dict[str, Any], first: str, second: str) -> None:
    decided = await staff.post(f"/orders/{order['id']}/{first}")
    assert decided.status_code == 200
    refused(await staff.post(f"/orders/{order['id']}/{second}"), 409, "not-allowed-in-state")
    assert await status_of(staff, order) == decided.json()["status"]


async def test_of_two_decisions_at_once_one_counts(staff: Caller, shop: Shop, order: dict[str, Any]) -> None:
    moves = ("confirm", "reject", "confirm", "reject")
    answers = await asyncio.gather(*(staff.post(f"/orders/{order['id']}/{move}") for move in moves))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    [won] = [answer.json()["status"] for answer in answers if answer.status_code == 200]
    assert await status_of(staff, order) == won
    assert await shop.stock("LAMP") == ((3, 0) if won == "confirmed" else (5, 0))


async def test_the_same_key_decides_once_and_the_replay_says_so(staff: Caller, order: dict[str, Any]) -> None:
    headers = keyed()
    first = await staff.post(f"/orders/{order['id']}/confirm", headers=headers)
    again = await staff.post(f"/orders/{order['id']}/confirm", headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert again.json() == first.json()
    refused(await staff.post(f"/orders/{order['id']}/reject", headers=headers), 422, "idempotency-key-reused")
    other = await staff.post(f"/orders/{order['id']}/confirm", json={"note": "again"}, headers=headers)
    refused(other, 422, "idempotency-key-reused")


async def test_a_decision_that_was_refused_does_not_use_its_key_up(
    customer: Caller, staff: Caller, shop: Shop, order: dict[str, Any]
) -> None:
    await staff.post(f"/orders/{order['id']}/confirm")
    headers = keyed()
    refused(await staff.post(f"/orders/{order['id']}/confirm", headers=headers), 409, "not-allowed-in-state")
    await add(customer, "LAMP")
    other = await ordered(customer, COD)
    assert (await staff.post(f"/orders/{other['id']}/confirm", headers=headers)).status_code == 200


async def test_customers_decide_nothing_not_even_about_their_own(customer: Caller, order: dict[str, Any]) -> None:
    for move in ("confirm", "reject"):
        refused(await customer.post(f"/orders/{order['id']}/{move}"), 403, "forbidden")
    assert await status_of(customer, order) == "pending_confirmation"


async def test_an_order_that_is_none_and_one_paid_by_card_take_no_decision(
    customer: Caller, staff: Caller, shop: Shop
) -> None:
    await shop.product("LAMP")
    await add(customer, "LAMP")
    card = await ordered(customer, payment_token=THREE_D_SECURE)
    for move in ("confirm", "reject"):
        refused(await staff.post(f"/orders/{uuid4()}/{move}"), 404, "not-found")
        refused(await staff.post(f"/orders/{card['id']}/{move}"), 409, "not-allowed-in-state")
    assert await status_of(customer, card) == "pending_payment"


@pytest.mark.parametrize("body", [{"note": "x" * 501}, {"note": 7}, {"by": "me"}, [], "yes"])
async def test_a_decision_that_is_none_is_refused(staff: Caller, order: dict[str, Any], body: Any) -> None:
    refused(await staff.post(f"/orders/{order['id']}/confirm", json=body), 422, "validation-failed")
    assert await status_of(staff, order) == "pending_confirmation"


async def test_a_signal_by_name_confirms_it_as_temporal(
    customer: Caller, shop: Shop, temporal: Client, order: dict[str, Any]
) -> None:
    await temporal.get_workflow_handle(order["workflow_id"]).signal("confirm_cod")
    await until(lambda: _is(customer, order, "confirmed"))
    assert await shop.stock("LAMP") == (3, 0)
    timeline = (await customer.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert timeline[-1]["actor"] == "temporal"


async def test_malformed_and_late_signals_change_nothing_that_the_api_shows(
    customer: Caller, staff: Caller, shop: Shop, temporal: Client, order: dict[str, Any]
) -> None:
    checkout = temporal.get_workflow_handle(order["workflow_id"])
    for argument in ("garbage", [1, 2], {"who": "me"}):
        await checkout.signal("confirm_cod", argument)
        await checkout.signal("reject_cod", argument)
    assert await status_of(customer, order) == "pending_confirmation"
    await checkout.signal("reject_cod", {"by": "ops-desk"})
    await checkout.signal("confirm_cod")
    await until(lambda: _is(customer, order, "cancelled"))
    refused(await staff.post(f"/orders/{order['id']}/confirm"), 409, "not-allowed-in-state")
    assert await shop.stock("LAMP") == (5, 0)


async def _is(caller: Caller, order: dict[str, Any], status: str) -> bool:
    return await status_of(caller, order) == status


async def test_sixty_cod_checkouts_of_ten_units_make_ten_orders(sign_in: SignIn, staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP", stock=10)
    shoppers = [await sign_in() for _ in range(60)]
    await asyncio.gather(*(add(shopper, "LAMP") for shopper in shoppers))
    answers = await asyncio.gather(*(check_out(shopper, COD) for shopper in shoppers))
    won = [answer for answer in answers if answer.status_code == 201]
    assert len(won) == 10
    for answer in answers:
        if answer not in won:
            lines = refused(answer, 409, "out-of-stock")["lines"]
            assert lines == [{"sku": "LAMP", "requested": 1, "available": 0}]
    assert len(await orders_of(staff, status="pending_confirmation", limit=100)) == 10
    assert await shop.stock("LAMP") == (10, 10)
    await shop.require_invariants()
