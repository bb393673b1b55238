"""The row that is written before the message: one per key, and one cart is ordered once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import CartAlreadyOrdered, InUse, KeyReused, OutOfStock
from services.audit import Actor
from services.catalogue import changing
from services.orders import requesting
from services.orders.requesting import NewRequest, fingerprint_of
from tests.builders import Shop

MINUTE = timedelta(minutes=1)


async def record(shop: Shop, new: NewRequest) -> bool:
    async with shop.database.transaction() as session:
        return await requesting.record(session, new)


async def apply(shop: Shop, change: Any, *arguments: Any) -> Any:
    async with shop.database.transaction() as session:
        return await change(session, *arguments)


@pytest.fixture
async def new(shop: Shop) -> NewRequest:
    await shop.product("LAMP")
    return await shop.new_request({"LAMP": 1})


def another_key(new: NewRequest, **changes: Any) -> NewRequest:
    """The same cart, ordered with another key."""
    return replace(new, **{"order_id": uuid4(), "idempotency_key": uuid4().hex, **changes})


async def test_a_request_is_recorded_once_however_often_it_is_sent(shop: Shop, new: NewRequest) -> None:
    assert await record(shop, new)
    assert not await record(shop, new)
    outcomes = await asyncio.gather(*(record(shop, new) for _ in range(10)))
    assert not any(outcomes)
    assert await shop.rows("SELECT order_id FROM checkout_requests") == [(new.order_id,)]


async def test_of_twenty_identical_requests_at_once_one_is_new(shop: Shop, new: NewRequest) -> None:
    outcomes = await asyncio.gather(*(record(shop, new) for _ in range(20)))
    assert outcomes.count(True) == 1
    assert await shop.rows("SELECT count(*) FROM checkout_requests") == [(1,)]


async def test_a_sku_that_was_deleted_meanwhile_is_out_of_stock(shop: Shop, new: NewRequest) -> None:
    gone = replace(new, lines=[*new.lines, {**new.lines[0], "sku": "GONE", "quantity": 3}])
    with pytest.raises(OutOfStock) as refusal:
        await record(shop, gone)
    assert refusal.value.facts == {"lines": [{"sku": "GONE", "requested": 3, "available": 0}]}
    assert await shop.rows("SELECT count(*) FROM checkout_requests") == [(0,)]


async def test_a_sku_that_another_product_has_by_now_is_out_of_stock(shop: Shop, new: NewRequest) -> None:
    """Its order would name a product that is gone, and could never be placed."""
    await apply(shop, changing.remove, str(new.lines[0]["product_id"]), Actor(None))
    await shop.product("LAMP")
    with pytest.raises(OutOfStock):
        await record(shop, new)


async def test_a_product_is_not_deleted_while_its_order_is_being_asked_for(shop: Shop, new: NewRequest) -> None:
    product_id = str(new.lines[0]["product_id"])
    async with shop.database.transaction() as session:
        await requesting.record(session, new)
        deleting = asyncio.create_task(apply(shop, changing.remove, product_id, Actor(None)))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(10):
            while (await shop.rows(waiting))[0][0] == 0:  # noqa: ASYNC110 — Postgres tells nobody who waits
                await asyncio.sleep(0.01)
    with pytest.raises(InUse):
        await deleting


async def test_a_key_finds_its_request_and_marks_it_as_asked_for(shop: Shop, new: NewRequest) -> None:
    assert await apply(shop, requesting.find, new.order_id, new.fingerprint) is None
    await record(shop, new)
    await age(shop, new.order_id)
    found = await apply(shop, requesting.find, new.order_id, new.fingerprint)
    assert found.lines == new.lines
    assert await apply(shop, requesting.unsent, MINUTE) == []


async def test_the_same_key_with_another_body_is_refused(shop: Shop, new: NewRequest) -> None:
    await record(shop, new)
    await age(shop, new.order_id)
    with pytest.raises(KeyReused):
        await apply(shop, requesting.find, new.order_id, "another body")
    assert await apply(shop, requesting.unsent, MINUTE) == [new.order_id], "a refusal touches nothing"


def test_two_bodies_that_mean_the_same_have_one_fingerprint() -> None:
    body = {"payment_method": "card", "shipping_address": {"city": "Köln", "line2": None}}
    turned = {"shipping_address": {"line2": None, "city": "Köln"}, "payment_method": "card"}
    assert fingerprint_of(body) == fingerprint_of(turned)
    assert fingerprint_of(body) != fingerprint_of(body | {"payment_method": "cod"})
    assert len(fingerprint_of({})) == 64


async def test_two_keys_for_one_cart_make_one_order(shop: Shop, new: NewRequest) -> None:
    await record(shop, new)
    with pytest.raises(CartAlreadyOrdered) as refused:
        await record(shop, another_key(new))
    assert refused.value.facts == {"order_id": str(new.order_id)}
    with pytest.raises(CartAlreadyOrdered):
        await record(shop, another_key(new, cart_version=new.cart_version + 1))


async def test_of_ten_keys_for_one_cart_at_once_one_has_it(shop: Shop, new: NewRequest) -> None:
    requests = [another_key(new) for _ in range(10)]
    outcomes = await asyncio.gather(*(record(shop, request) for request in requests), return_exceptions=True)
    winner = requests[outcomes.index(True)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, CartAlreadyOrdered)]
    assert len(refusals) == 9
    assert all(refusal.facts == {"order_id": str(winner.order_id)} for refusal in refusals)


async def test_two_shoppers_never_meet(shop: Shop, new: NewRequest) -> None:
    """Neither by the same key nor by the same body."""
    await record(shop, new)
    other = replace(new, order_id=uuid4(), user_id=await shop.user(), cart_id=uuid4())
    assert await record(shop, other)


async def test_a_refused_order_frees_its_cart(shop: Shop, new: NewRequest) -> None:
    await record(shop, new)
    await apply(shop, requesting.refuse, new.order_id, {"code": "payment-declined"})
    again = another_key(new)
    assert await record(shop, again)
    with pytest.raises(CartAlreadyOrdered) as refused:
        await record(shop, another_key(new))
    assert refused.value.facts == {"order_id": str(again.order_id)}


async def test_a_cart_whose_lines_were_taken_may_be_ordered_again_once_it_has_changed(
    shop: Shop, new: NewRequest
) -> None:
    await record(shop, new)
    await apply(shop, requesting.mark_taken, new.order_id, new.cart_version + 1)
    with pytest.raises(CartAlreadyOrdered):
        await record(shop, another_key(new))
    assert await record(shop, another_key(new, cart_version=new.cart_version + 2))


async def test_a_cart_that_was_read_before_an_order_emptied_it_is_not_ordered(shop: Shop, new: NewRequest) -> None:
    """The shopper went on adding while the first order was made, and it was taken out at version 7."""
    await record(shop, new)
    await apply(shop, requesting.mark_taken, new.order_id, 7)
    with pytest.raises(CartAlreadyOrdered) as refused:
        await record(shop, another_key(new, cart_version=4))
    assert refused.value.facts == {"order_id": str(new.order_id)}
    assert await shop.rows("SELECT count(*) FROM checkout_requests") == [(1,)]
    assert await apply(shop, requesting.ordered_from, new.cart_id, 7) == new.order_id
    assert await apply(shop, requesting.ordered_from, new.cart_id, 8) is None


async def test_an_answer_that_was_given_stays(shop: Shop, new: NewRequest) -> None:
    await record(shop, new)
    await apply(shop, requesting.accept, new.order_id)
    await apply(shop, requesting.refuse, new.order_id, {"code": "order-cancelled"})
    request = await shop.claim(new.order_id)
    assert (request.outcome, request.refusal, request.claim) == ("accepted", None, "freed")
    await apply(shop, requesting.mark_taken, new.order_id, 2)
    assert (await shop.claim(new.order_id)).claim == "freed", "a freed cart is not taken any more"


async def age(shop: Shop, order_id: UUID) -> None:
    await shop.rows(
        "UPDATE checkout_requests SET touched_at = now() - interval '2 minutes' WHERE order_id = :id", id=order_id
    )


async def test_a_request_that_became_nothing_is_found_and_forgotten(shop: Shop, new: NewRequest) -> None:
    await record(shop, new)
    assert await apply(shop, requesting.unsent, MINUTE) == []
    assert not await apply(shop, requesting.forget, new.order_id, MINUTE), "it may still be on its way"
    await age(shop, new.order_id)
    assert await apply(shop, requesting.unsent, MINUTE) == [new.order_id]
    assert await apply(shop, requesting.forget, new.order_id, MINUTE)
    assert not await apply(shop, requesting.forget, new.order_id, MINUTE)
    assert await record(shop, another_key(new)), "its cart is free again"
    assert await record(shop, replace(new, cart_id=uuid4())), "and so is its key"


async def test_a_request_that_became_an_order_or_an_answer_is_kept(shop: Shop) -> None:
    await shop.product("LAMP")
    placed, answered = await shop.placed({"LAMP": 1}), await shop.request({"LAMP": 1})
    await apply(shop, requesting.refuse, answered, {"code": "out-of-stock"})
    for order_id in (placed, answered):
        await age(shop, order_id)
        assert not await apply(shop, requesting.forget, order_id, MINUTE)
    assert await apply(shop, requesting.unsent, MINUTE) == []
