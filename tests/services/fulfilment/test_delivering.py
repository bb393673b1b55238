"""Handing over: cash is booked once and with the delivery, and no other sum than what is due."""

from uuid import UUID, uuid4

import pytest

from domain.errors import CashMismatch, NotAllowedInState, NotFound
from domain.money import Money
from domain.orders import OrderStatus, PaymentMethod
from services.fulfilment import delivering, shipping
from services.fulfilment.shipping import NewShipment
from services.orders.moving import move
from services.reconciling import booking
from tests.builders import Shop

TOTAL = 2 * 1999


async def shipped(shop: Shop, method: PaymentMethod = PaymentMethod.COD) -> UUID:
    await shop.product("LAMP")
    order_id = await (shop.paid if method is PaymentMethod.CARD else shop.confirmed)({"LAMP": 2}, method=method)
    async with shop.database.transaction() as session:
        await move(session, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")
        await shipping.ship(session, NewShipment(uuid4(), order_id, "DHL", "JJD0099", by="desk"))
    return order_id


async def deliver(shop: Shop, order_id: UUID, cash: int | None = None) -> None:
    async with shop.database.transaction() as session:
        await delivering.deliver(session, order_id, cash, "desk", None)


@pytest.mark.parametrize("cash", [None, TOTAL])
async def test_a_delivery_that_is_told_twice_books_its_cash_once(shop: Shop, cash: int | None) -> None:
    order_id = await shipped(shop)
    for _ in range(2):
        await deliver(shop, order_id, cash)
    assert await shop.status(order_id) is OrderStatus.DELIVERED
    payment = await shop.payment(order_id)
    assert (payment.provider, payment.captured) == ("cod", TOTAL)
    booked = await shop.rows("SELECT account, amount FROM ledger_entries ORDER BY account")
    assert booked == [("cash", TOTAL), ("sales", -TOTAL)]
    await shop.require_invariants()


async def test_an_order_that_was_paid_by_card_is_delivered_without_cash(shop: Shop) -> None:
    order_id = await shipped(shop, PaymentMethod.CARD)
    with pytest.raises(CashMismatch):
        await deliver(shop, order_id, 0)
    await deliver(shop, order_id)
    assert (await shop.payment(order_id)).captured == TOTAL
    await shop.require_invariants()


async def test_an_order_whose_money_was_all_given_back_at_the_provider_is_refunded_once_it_is_delivered(
    shop: Shop,
) -> None:
    order_id = await shipped(shop, PaymentMethod.CARD)
    async with shop.database.transaction() as session:
        assert await booking.book_refund(session, order_id, "re_dashboard", Money(TOTAL, "USD"), None)
    for _ in range(2):
        await deliver(shop, order_id)
    assert (await shop.events(order_id))[-3:] == ["refund_issued", "delivered", "refunded"]
    await shop.require_invariants()


async def test_cash_of_an_order_that_is_not_shipped_is_not_booked(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 2}, method=PaymentMethod.COD)
    with pytest.raises(NotAllowedInState):
        await deliver(shop, order_id)
    with pytest.raises(NotFound):
        await deliver(shop, uuid4())
    assert await shop.rows("SELECT 1 FROM payments") == []
    await shop.require_invariants()


@pytest.mark.parametrize(
    ("method", "collected", "is_right"),
    [
        (PaymentMethod.COD, None, True),
        (PaymentMethod.COD, True, True),
        (PaymentMethod.COD, Money(TOTAL, "USD"), True),
        (PaymentMethod.COD, False, False),
        (PaymentMethod.COD, Money(TOTAL - 1, "USD"), False),
        (PaymentMethod.COD, Money(TOTAL, "EUR"), False),
        (PaymentMethod.CARD, None, True),
        (PaymentMethod.CARD, True, False),
        (PaymentMethod.CARD, False, False),
        (PaymentMethod.CARD, Money(0, "USD"), False),
    ],
)
async def test_what_the_courier_collected_is_what_is_due(
    shop: Shop, method: PaymentMethod, collected: Money | bool | None, is_right: bool
) -> None:
    order = await shop.order(await shipped(shop, method))
    if is_right:
        delivering.require_cash(order, collected)
        return
    with pytest.raises(CashMismatch) as refused:
        delivering.require_cash(order, collected)
    due = TOTAL if method is PaymentMethod.COD else 0
    assert refused.value.facts["due"] == {"amount": due, "currency": "USD"}
