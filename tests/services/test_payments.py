"""Payments in our books: one per order, a tombstone where it was voided first, a capture booked once."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from domain.errors import KeyReused, NotAllowedInState, NotFound, OrderCancelled
from domain.money import Money
from domain.orders import PaymentStatus
from models.payments import Payment
from services import payments
from services.orders.reading import Viewer
from tests.builders import Shop


async def apply(shop: Shop, change: Any, *arguments: Any, **more: Any) -> Any:
    async with shop.database.transaction() as session:
        return await change(session, *arguments, **more)


@pytest.fixture
async def order_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.held({"LAMP": 2})


async def attempt(shop: Shop, order_id: UUID, key: str, fingerprint: str = "one", token: str = "pm_card_visa") -> Any:
    return await apply(shop, payments.record_attempt, order_id, key=key, fingerprint=fingerprint, token=token)


async def test_an_order_has_one_payment_of_its_total(shop: Shop, order_id: UUID) -> None:
    opened = await asyncio.gather(*(apply(shop, payments.open_payment, order_id, "stripe") for _ in range(8)))
    assert len({payment.id for payment in opened}) == 1
    assert (opened[0].amount, opened[0].currency, opened[0].status) == (3998, "USD", "pending")
    assert await shop.rows("SELECT count(*) FROM payments") == [(1,)]


async def test_an_order_that_is_not_there_has_no_payment(shop: Shop, order_id: UUID) -> None:
    for open_or_close in (payments.open_payment, payments.close_payment):
        with pytest.raises(NotFound):
            await apply(shop, open_or_close, uuid4(), "stripe")
    with pytest.raises(NotFound):
        await apply(shop, payments.live, order_id)


async def test_a_payment_that_is_voided_is_not_opened_again(shop: Shop, order_id: UUID) -> None:
    await apply(shop, payments.open_payment, order_id, "stripe")
    for _ in range(2):
        assert (await apply(shop, payments.close_payment, order_id, "stripe")).status == PaymentStatus.VOIDED
    with pytest.raises(OrderCancelled):
        await apply(shop, payments.open_payment, order_id, "stripe")
    with pytest.raises(OrderCancelled):
        await apply(shop, payments.live, order_id)


async def test_a_payment_that_never_was_leaves_a_tombstone_for_the_late_one(shop: Shop, order_id: UUID) -> None:
    await apply(shop, payments.close_payment, order_id, "stripe")
    with pytest.raises(OrderCancelled):
        await apply(shop, payments.open_payment, order_id, "stripe")
    payment = await shop.payment(order_id)
    assert (payment.status, payment.provider_ref, payment.captured) == ("voided", None, 0)


async def test_money_that_was_taken_is_not_voided(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 2})
    assert (await apply(shop, payments.close_payment, order_id, "stripe")).status == PaymentStatus.CAPTURED
    await shop.require_invariants()


async def test_a_capture_is_booked_once(shop: Shop) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 2})
    for _ in range(2):
        async with shop.database.transaction() as session:
            payment = await payments.locked(session, order_id)
            await payments.record_capture(session, payment, Money(3998, "USD"))
    booked = "SELECT account, currency, amount FROM ledger_entries ORDER BY account"
    assert await shop.rows(booked) == [("provider_clearing", "USD", 3998), ("sales", "USD", -3998)]
    payment = await shop.payment(order_id)
    assert (payment.status, payment.captured, payment.refunded) == ("captured", 3998, 0)
    await shop.require_invariants()


@pytest.mark.parametrize(
    "wrong", ["captured = 3999", "captured = -1", "captured = 10, refunded = 11", "refunded = 1", "refunded = -1"]
)
async def test_the_database_itself_refuses_amounts_that_cannot_be(shop: Shop, order_id: UUID, wrong: str) -> None:
    await apply(shop, payments.open_payment, order_id, "stripe")
    with pytest.raises(IntegrityError, match="amounts_in_order"):
        await shop.rows(f"UPDATE payments SET {wrong}")  # noqa: S608


async def test_an_intent_belongs_to_one_payment(shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.paid({"LAMP": 1})
    other = await shop.held({"LAMP": 1})
    await apply(shop, payments.open_payment, other, "stripe")
    with pytest.raises(IntegrityError, match="provider_ref"):
        await shop.rows("UPDATE payments SET provider_ref = (SELECT max(provider_ref) FROM payments)")


async def test_a_payment_is_shown_to_its_owner_and_to_staff(shop: Shop) -> None:
    await shop.product("LAMP")
    user_id = await shop.user()
    payment = await shop.payment(await shop.paid({"LAMP": 1}, user_id=user_id))
    for viewer in (Viewer(user_id, is_staff=False), Viewer(uuid4(), is_staff=True)):
        shown: Payment = await apply(shop, payments.visible, payment.id, viewer)
        assert shown.id == payment.id
    for wrong, payment_id in ((uuid4(), payment.id), (user_id, uuid4())):
        with pytest.raises(NotFound):
            await apply(shop, payments.visible, payment_id, Viewer(wrong, is_staff=False))


async def test_the_first_token_came_with_the_checkout_and_is_noted_once(shop: Shop, order_id: UUID) -> None:
    for _ in range(2):
        assert await apply(shop, payments.token_for, order_id, 1) == "pm_card_visa"
    assert await shop.rows("SELECT number, payment_token FROM payment_attempts") == [(1, "pm_card_visa")]
    with pytest.raises(NotFound):
        await apply(shop, payments.token_for, order_id, 2)


async def test_another_card_is_noted_once_per_key(shop: Shop, order_id: UUID) -> None:
    await apply(shop, payments.token_for, order_id, 1)
    await shop.rows("UPDATE orders SET status = 'payment_failed'")
    assert await attempt(shop, order_id, "second", token="pm_other") == (2, False)
    assert await attempt(shop, order_id, "second", token="pm_other") == (2, True)
    assert await attempt(shop, order_id, "third") == (3, False)
    with pytest.raises(KeyReused):
        await attempt(shop, order_id, "second", fingerprint="another body")
    assert await apply(shop, payments.token_for, order_id, 2) == "pm_other"
    await shop.rows("UPDATE orders SET status = 'confirmed'")
    assert await attempt(shop, order_id, "second") == (2, True), "a replay is one in any state"


async def test_ten_identical_attempts_at_once_are_one(shop: Shop, order_id: UUID) -> None:
    await apply(shop, payments.token_for, order_id, 1)
    await shop.rows("UPDATE orders SET status = 'payment_failed'")
    outcomes = await asyncio.gather(*(attempt(shop, order_id, "second") for _ in range(10)))
    assert sorted(outcomes) == [(2, False)] + [(2, True)] * 9


@pytest.mark.parametrize("status", ["pending_payment", "confirmed", "cancelled"])
async def test_an_order_that_waits_for_no_card_takes_none(shop: Shop, order_id: UUID, status: str) -> None:
    await shop.rows("UPDATE orders SET status = :status", status=status)
    with pytest.raises(NotAllowedInState) as refused:
        await attempt(shop, order_id, "second")
    assert refused.value.facts == {"order_status": status}
