"""What is booked of what the provider did without us: once, however many find it at the same time."""

import asyncio
from uuid import UUID, uuid4

from core.database import Database
from domain.money import Money
from domain.orders import PaymentStatus
from models.payments import RefundCause
from services import payments, refunds
from services.reconciling import booking
from services.refunds import Claim
from tests.builders import Shop

PRICE = Money(1999, "USD")


async def set_aside(shop: Shop, order_id: UUID, status: PaymentStatus = PaymentStatus.AUTHORIZED) -> None:
    async with shop.database.transaction() as session:
        payment = await payments.open_payment(session, order_id, "stripe")
        payment.provider_ref, payment.status = f"pi_{order_id.hex}", status


async def capture(database: Database, order_id: UUID, amount: Money = PRICE, *, is_given_back: bool = False) -> bool:
    async with database.transaction() as session:
        return await booking.book_capture(session, order_id, amount, is_given_back=is_given_back)


async def refund(
    database: Database, order_id: UUID, amount: Money, ref: str = "re_1", refund_id: UUID | None = None
) -> bool:
    async with database.transaction() as session:
        return await booking.book_refund(session, order_id, ref, amount, refund_id)


async def test_two_that_find_the_same_capture_book_it_once(shop: Shop, database: Database) -> None:
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 1})
    await set_aside(shop, order_id)
    assert await asyncio.gather(*(capture(database, order_id) for _ in range(5))) == [True] * 5
    assert await shop.rows("SELECT count(*) FROM ledger_transactions") == [(1,)]
    await shop.require_invariants()


async def test_another_amount_and_a_cancelled_orders_money_are_not_booked(shop: Shop, database: Database) -> None:
    await shop.product("LAMP")
    confirmed, cancelled = await shop.confirmed({"LAMP": 1}), await shop.cancelled({"LAMP": 1})
    await set_aside(shop, confirmed)
    await set_aside(shop, cancelled, PaymentStatus.VOIDED)
    assert not await capture(database, confirmed, Money(1999, "EUR"))
    assert not await capture(database, confirmed, Money(1000, "USD"))
    assert not await capture(database, cancelled)
    assert await shop.rows("SELECT count(*) FROM ledger_transactions") == [(0,)]
    await shop.require_invariants()


async def test_two_that_find_the_same_refund_book_it_once(shop: Shop, database: Database) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 1})
    amount = Money(500, "USD")
    assert await asyncio.gather(*(refund(database, order_id, amount) for _ in range(5))) == [True] * 5
    assert (await shop.payment(order_id)).refunded == 500
    assert await shop.rows("SELECT count(*) FROM notifications WHERE kind = 'refund_issued'") == [(1,)]
    await shop.require_invariants()


async def test_a_refund_that_cannot_be_ours_is_not_booked(shop: Shop, database: Database) -> None:
    await shop.product("LAMP")
    paid, unpaid = await shop.paid({"LAMP": 1}), await shop.confirmed({"LAMP": 1})
    await set_aside(shop, unpaid)
    assert not await refund(database, paid, Money(500, "EUR")), "another currency"
    assert not await refund(database, paid, Money(2000, "USD")), "more than there is"
    assert not await refund(database, unpaid, Money(500, "USD")), "nothing was taken"
    assert await refund(database, paid, Money(500, "USD"), refund_id=uuid4()), "an id that names no claim of ours"
    assert await shop.rows("SELECT status, amount, cause FROM refunds") == [("succeeded", 500, "provider")]
    await shop.require_invariants()


async def test_a_claim_of_ours_is_settled_by_its_refund_and_not_by_another_amount(
    shop: Shop, database: Database
) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 1})
    async with database.transaction() as session:
        payment = await payments.locked(session, order_id)
        claimed = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "somebody", 500))
    assert not await refund(database, order_id, Money(400, "USD"), refund_id=claimed.id)
    assert await refund(database, order_id, Money(500, "USD"), refund_id=claimed.id)
    assert await refund(database, order_id, Money(500, "USD"), refund_id=claimed.id), "repeated"
    assert await shop.rows("SELECT id, status, provider_ref FROM refunds") == [(claimed.id, "succeeded", "re_1")]
    await shop.require_invariants()


async def test_a_delivered_orders_last_money_given_back_over_there_ends_it(shop: Shop, database: Database) -> None:
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 1})
    await shop.rows("UPDATE orders SET status = 'delivered'")
    assert await refund(database, order_id, PRICE)
    assert await shop.status(order_id) == "refunded"
    assert (await shop.payment(order_id)).status == PaymentStatus.REFUNDED
