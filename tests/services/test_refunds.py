"""Claims on a payment: never more than was captured, whoever asks, however many ask at once, and once per key."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import (
    CancelInstead,
    CurrencyMismatch,
    KeyReused,
    NotAllowedInState,
    NotFound,
    OverRefund,
)
from domain.money import Money
from domain.orders import OrderStatus, PaymentMethod, RefundStatus
from models.payments import Payment, Refund, RefundCause
from services import idempotency, payments, refunds
from services.idempotency import KeyedRequest
from services.orders.reading import Viewer
from services.refunds import Claim
from tests.builders import Shop

CANCELLATION = Claim(RefundCause.CANCELLATION, "staff")


@pytest.fixture
async def staff(shop: Shop) -> UUID:
    return await shop.user("staff")


@pytest.fixture
async def payment(shop: Shop) -> Payment:
    """Of two lamps, captured."""
    await shop.product("LAMP")
    return await shop.payment(await shop.paid({"LAMP": 2}))


async def apply(shop: Shop, change: Any, *arguments: Any) -> Any:
    async with shop.database.transaction() as session:
        return await change(session, *arguments)


def keyed(staff: UUID, key: str | None = None, fingerprint: str = "one") -> KeyedRequest:
    return KeyedRequest(staff, key or uuid4().hex, fingerprint)


async def request(
    shop: Shop, payment: Payment, key: KeyedRequest, amount: int | None = 500, currency: str = "USD"
) -> tuple[Refund, bool]:
    wanted = None if amount is None else Money(amount, currency)
    asked: tuple[Refund, bool] = await apply(shop, refunds.request, payment.id, key, wanted, "scratched")
    return asked


async def test_a_request_claims_and_the_same_key_finds_its_claim(shop: Shop, staff: UUID, payment: Payment) -> None:
    key = keyed(staff)
    refund, was_seen = await request(shop, payment, key)
    assert (refund.status, refund.amount, refund.cause, refund.requested_by) == ("pending", 500, "staff", str(staff))
    assert not was_seen
    again, was_seen = await request(shop, payment, key)
    assert (again.id, was_seen) == (refund.id, True)
    assert await shop.rows("SELECT count(*) FROM refunds") == [(1,)]


async def test_a_key_of_anything_else_is_refused(shop: Shop, staff: UUID, payment: Payment) -> None:
    await shop.product("SHADE")
    other = await shop.payment(await shop.paid({"SHADE": 1}))
    key = keyed(staff)
    await request(shop, payment, key)
    for wrong, of in ((keyed(staff, key.key, "another body"), payment), (keyed(staff, key.key, "two"), other)):
        with pytest.raises(KeyReused):
            await request(shop, of, wrong)
    decided = keyed(staff)
    await apply(shop, idempotency.record, staff, decided.key, "a decision")
    with pytest.raises(KeyReused):
        await request(shop, payment, decided)


async def test_one_key_for_two_payments_at_once_is_one_refund(shop: Shop, staff: UUID) -> None:
    await shop.product("LAMP", stock=20)
    paid = [await shop.payment(await shop.paid({"LAMP": 1})) for _ in range(8)]
    asked = (request(shop, payment, keyed(staff, "the-very-same-key", str(payment.id))) for payment in paid)
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, KeyReused) for outcome in outcomes) == 7
    assert await shop.rows("SELECT count(*) FROM refunds") == [(1,)]


async def test_of_many_at_once_no_more_is_granted_than_was_captured(shop: Shop, staff: UUID, payment: Payment) -> None:
    outcomes = await asyncio.gather(
        *(request(shop, payment, keyed(staff), 900) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(outcome, OverRefund) for outcome in outcomes) == 6
    assert await shop.rows("SELECT sum(amount) FROM refunds") == [(3600,)]
    await shop.require_invariants()


async def test_the_same_click_ten_times_at_once_is_one_refund(shop: Shop, staff: UUID, payment: Payment) -> None:
    key = keyed(staff)
    outcomes = await asyncio.gather(*(request(shop, payment, key) for _ in range(10)))
    assert sorted(was_seen for _, was_seen in outcomes) == [False] + [True] * 9
    assert len({refund.id for refund, _ in outcomes}) == 1


async def test_a_refund_that_failed_frees_what_it_claimed(shop: Shop, staff: UUID, payment: Payment) -> None:
    refund, _ = await request(shop, payment, keyed(staff), 3997)
    with pytest.raises(OverRefund) as refused:
        await request(shop, payment, keyed(staff), 2)
    assert refused.value.facts == {"left": {"amount": 1, "currency": "USD"}}
    for _ in range(2):
        failed = await apply(shop, refunds.record_failure, refund.id, "charge_disputed")
        assert (failed.status, failed.failure) == ("failed", "charge_disputed")
    assert (await request(shop, payment, keyed(staff), 3997))[0].status == RefundStatus.PENDING
    assert (await apply(shop, refunds.record_success, refund.id, "re_1")).status == "failed", "what failed stays so"
    await shop.require_invariants()


async def test_a_refund_that_succeeded_fails_no_more(shop: Shop, staff: UUID, payment: Payment) -> None:
    refund, _ = await request(shop, payment, keyed(staff))
    await apply(shop, refunds.record_success, refund.id, "re_1")
    assert (await apply(shop, refunds.record_failure, refund.id, "late")).status == "succeeded"
    assert (await shop.payment(payment.order_id)).refunded == 500
    await shop.require_invariants()


async def test_ten_that_record_one_success_book_it_once(shop: Shop, staff: UUID, payment: Payment) -> None:
    refund, _ = await request(shop, payment, keyed(staff))
    done = await asyncio.gather(*(apply(shop, refunds.record_success, refund.id, "re_1") for _ in range(10)))
    assert {one.status for one in done} == {"succeeded"}
    assert (await shop.payment(payment.order_id)).refunded == 500
    await shop.require_invariants()


@pytest.mark.parametrize("status", ["confirmed", "processing", "shipped"])
async def test_all_of_an_undelivered_orders_money_goes_back_by_cancelling(
    shop: Shop, staff: UUID, payment: Payment, status: str
) -> None:
    await shop.rows("UPDATE orders SET status = :status", status=status)
    for amount in (None, 3998):
        with pytest.raises(CancelInstead):
            await request(shop, payment, keyed(staff), amount)
    await request(shop, payment, keyed(staff), 3000)
    for rest in (None, 998):
        with pytest.raises(CancelInstead):
            await request(shop, payment, keyed(staff), rest)
    with pytest.raises(OverRefund):
        await request(shop, payment, keyed(staff), 999)


async def test_a_delivered_order_may_be_refunded_in_full(shop: Shop, staff: UUID) -> None:
    await shop.product("LAMP")
    for method in PaymentMethod:
        order_id = await shop.delivered({"LAMP": 1}, method=method)
        payment = await shop.payment(order_id)
        refund, _ = await request(shop, payment, keyed(staff), None)
        assert refund.amount == 1999
        await apply(shop, refunds.record_success, refund.id, None)
        assert await shop.status(order_id) is OrderStatus.REFUNDED
        with pytest.raises(OverRefund):
            await request(shop, payment, keyed(staff), None)


@pytest.mark.parametrize("status", ["pending", "authorized", "requires_action", "failed", "voided"])
async def test_what_was_not_captured_has_nothing_to_give_back(
    shop: Shop, staff: UUID, payment: Payment, status: str
) -> None:
    await shop.rows("UPDATE payments SET status = :status, captured = 0", status=status)
    with pytest.raises(NotAllowedInState) as refused:
        await request(shop, payment, keyed(staff))
    assert refused.value.facts == {"order_status": "confirmed"}


async def test_another_currency_is_refused(shop: Shop, staff: UUID, payment: Payment) -> None:
    with pytest.raises(CurrencyMismatch):
        await request(shop, payment, keyed(staff), 500, "EUR")
    with pytest.raises(NotFound):
        await apply(shop, refunds.request, uuid4(), keyed(staff), None, "why")


async def test_a_cancellation_claims_what_is_left_once(shop: Shop, staff: UUID, payment: Payment) -> None:
    await request(shop, payment, keyed(staff), 500)
    claims = [await apply(shop, refunds.claim_rest, payment.order_id, CANCELLATION) for _ in range(2)]
    assert {(claim.id, claim.amount) for claim in claims} == {(claims[0].id, 3498)}
    await apply(shop, refunds.record_success, claims[0].id, "re_1")
    assert await apply(shop, refunds.claim_rest, payment.order_id, CANCELLATION) is None


async def test_refunds_are_shown_to_the_owner_and_to_staff(shop: Shop, staff: UUID) -> None:
    await shop.product("LAMP")
    owner = await shop.user()
    payment = await shop.payment(await shop.paid({"LAMP": 1}, user_id=owner))
    refund, _ = await request(shop, payment, keyed(staff))
    for viewer in (Viewer(owner, is_staff=False), Viewer(staff, is_staff=True)):
        assert (await apply(shop, refunds.visible, refund.id, viewer)).id == refund.id
    for wrong, refund_id in ((uuid4(), refund.id), (owner, uuid4())):
        with pytest.raises(NotFound, match="refund"):
            await apply(shop, refunds.visible, refund_id, Viewer(wrong, is_staff=False))


async def test_cash_is_recorded_once_and_a_free_order_has_none(shop: Shop) -> None:
    await shop.product("LAMP")
    await shop.product("GIFT", price=0)
    cod = await shop.confirmed({"LAMP": 2}, method=PaymentMethod.COD)
    free = await shop.confirmed({"GIFT": 1}, method=PaymentMethod.COD)
    await asyncio.gather(*(apply(shop, payments.record_cash, order_id) for order_id in (cod, cod, cod, free)))
    payment = await shop.payment(cod)
    assert (payment.provider, payment.status, payment.captured) == ("cod", "captured", 3998)
    assert await shop.rows("SELECT count(*) FROM payments") == [(1,)]
    assert await shop.rows("SELECT account, amount FROM ledger_entries ORDER BY 1") == [
        ("cash", 3998),
        ("sales", -3998),
    ]
    await shop.require_invariants()
