"""Goods that are back: what they are worth, whatever the way they come; where they lie; and each of it once."""

import asyncio
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import NotAllowedInState
from domain.money import Money
from domain.orders import OrderStatus, PaymentMethod
from models.payments import RefundCause
from services import payments, refunds
from services.refunds import Claim
from services.returns import deciding, receiving
from services.returns.counting import Returnable
from tests.builders import Shop
from tests.fakes.payments import FakePayments
from tests.returning import TERMS, delivered, found, refunds_of, requested


async def receive(shop: Shop, return_id: UUID, *, restock: bool = True) -> None:
    async with shop.database.transaction() as session:
        await deciding.approve(session, return_id, by="desk", note=None, receipt=TERMS.decision)
    async with shop.database.transaction() as session:
        await receiving.receive(session, return_id, by="desk", note=None, restock=restock)


async def pay_out(shop: Shop, return_id: UUID) -> str:
    """What its workflow does with the claim; where it leaves the return."""
    async with shop.database.transaction() as session:
        refund_id = await receiving.claim_refund(session, return_id, by="desk")
        if refund_id is not None:
            await refunds.record_success(session, refund_id, f"re_{refund_id.hex}")
    async with shop.database.transaction() as session:
        return await receiving.close(session, return_id, by="desk")


PARTS = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=12)
"""Units, and whether their first return is rejected, so that they come later."""


@given(worth=st.integers(0, 10**9), parts=PARTS)
def test_however_a_line_comes_back_its_parts_add_up_to_what_it_cost(worth: int, parts: list[tuple[int, bool]]) -> None:
    left, shares = Returnable(sum(units for units, _ in parts), worth), []
    for units in [units for units, is_late in parts if not is_late] + [units for units, is_late in parts if is_late]:
        shares.append(left.share(units))
        left = Returnable(left.units - units, left.worth - shares[-1])
    assert (sum(shares), left) == (worth, Returnable(0, 0))
    assert min(shares) >= 0


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.sets(st.integers(1, 5), max_size=4), goodwill=st.integers(0, 6 * 333))
async def test_all_returns_of_an_order_give_back_what_was_paid_and_not_more(
    cut: set[int], goodwill: int, shop: Shop, gateway: FakePayments
) -> None:
    if not await shop.rows("SELECT sku FROM variants"):
        await shop.product("LAMP", stock=1000, price=333)
    order_id = await delivered(shop, gateway, {"LAMP": 6})
    if goodwill:
        async with shop.database.transaction() as session:
            payment = await payments.locked(session, order_id)
            given = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "desk", goodwill))
            await refunds.record_success(session, given.id, f"re_{given.id.hex}")
    if goodwill == 6 * 333:
        assert await shop.status(order_id) is OrderStatus.REFUNDED
        return
    for start, end in pairwise([0, *sorted(cut), 6]):
        return_id = await requested(shop, order_id, {"LAMP": end - start})
        await receive(shop, return_id)
        await pay_out(shop, return_id)
        if (await shop.status(order_id)) is OrderStatus.REFUNDED:
            break
    payment = await shop.payment(order_id)
    assert (payment.refunded, payment.status) == (6 * 333, "refunded")
    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_shipping_and_tax_go_back_with_the_last_unit(shop: Shop, gateway: FakePayments) -> None:
    await shop.product("LAMP", price=1000)
    order_id = await shop.confirmed({"LAMP": 2})
    await shop.rows("UPDATE orders SET shipping = 490, tax = 10, total = subtotal + 500 RETURNING id")
    async with shop.database.transaction() as session:
        payment = await payments.open_payment(session, order_id, "stripe")
        payment.provider_ref = gateway.pay(order_id, Money(payment.amount, payment.currency))
        await payments.record_capture(session, payment, Money(payment.amount, payment.currency))
    await shop.rows("UPDATE orders SET status = 'delivered' RETURNING id")
    await shop.rows("UPDATE order_events SET to_status = 'delivered' WHERE kind = 'confirmed' RETURNING seq")
    for units, amount in ((1, 1000), (1, 1500)):
        return_id = await requested(shop, order_id, {"LAMP": units})
        await receive(shop, return_id)
        assert (await refunds_of(shop, order_id))[-1] == ("pending", amount)
        assert await pay_out(shop, return_id) == "refunded"


async def test_receiving_repeated_and_at_once_restocks_and_claims_once(shop: Shop, gateway: FakePayments) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await delivered(shop, gateway, {"LAMP": 3})
    return_id = await requested(shop, order_id, {"LAMP": 2})
    async with shop.database.transaction() as session:
        await deciding.approve(session, return_id, by="desk", note=None, receipt=TERMS.decision)

    async def again(restock: bool) -> None:
        async with shop.database.transaction() as session:
            await receiving.receive(session, return_id, by="desk", note=None, restock=restock)

    await asyncio.gather(*(again(True) for _ in range(5)))
    await again(False)
    assert await shop.stock("LAMP") == (4, 0)
    assert await refunds_of(shop, order_id) == [("pending", 2 * 1999)]
    assert await shop.rows("SELECT kind, delta FROM stock_movements WHERE return_id IS NOT NULL") == [("return", 2)]
    assert [await pay_out(shop, return_id), await pay_out(shop, return_id)] == ["refunded", "refunded"]
    assert (await shop.events(order_id))[-2:] == ["return_received", "return_refunded"]
    await shop.require_invariants()


async def test_a_free_order_gives_goods_back_and_no_money(shop: Shop) -> None:
    await shop.product("GIFT", price=0, stock=1)
    order_id = await shop.confirmed({"GIFT": 1})
    await shop.rows("UPDATE orders SET status = 'delivered' RETURNING id")
    await shop.rows("UPDATE order_events SET to_status = 'delivered' WHERE kind = 'confirmed' RETURNING seq")
    return_id = await requested(shop, order_id, {"GIFT": 1})
    await receive(shop, return_id)
    assert await pay_out(shop, return_id) == "received"
    assert (await found(shop, return_id)).closed_at is not None
    assert await shop.stock("GIFT") == (1, 0)


async def test_a_claim_that_failed_is_made_anew(shop: Shop, gateway: FakePayments) -> None:
    await shop.product("LAMP")
    order_id = await delivered(shop, gateway, {"LAMP": 1}, method=PaymentMethod.CARD)
    return_id = await requested(shop, order_id, {"LAMP": 1})
    await receive(shop, return_id)
    async with shop.database.transaction() as session:
        refund_id = await receiving.claim_refund(session, return_id, by="desk")
        assert refund_id is not None
        await refunds.record_failure(session, refund_id, "charge_not_refundable")
    assert await pay_out(shop, return_id) == "refunded"
    assert await refunds_of(shop, order_id) == [("failed", 1999), ("succeeded", 1999)]
    await shop.require_invariants()


async def test_goods_are_received_of_an_approved_return_alone(shop: Shop, gateway: FakePayments) -> None:
    await shop.product("LAMP", stock=5)
    order_id = await delivered(shop, gateway, {"LAMP": 1})
    return_id = await requested(shop, order_id, {"LAMP": 1})
    async with shop.database.transaction() as session:
        with pytest.raises(NotAllowedInState):
            await receiving.receive(session, return_id, by="desk", note=None, restock=True)
    assert await shop.stock("LAMP") == (4, 0)
    assert await refunds_of(shop, order_id) == []
