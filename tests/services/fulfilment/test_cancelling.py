"""What a cancellation undoes, each step twice and none before its time."""

import asyncio
from uuid import UUID, uuid4

import pytest

from domain.errors import NotAllowedInState, NotFound, OverShipment, Unavailable
from domain.orders import OrderStatus, PaymentMethod, PaymentStatus
from models.payments import RefundCause
from services import payments, refunds
from services.fulfilment import cancelling, opening, shipping
from services.fulfilment.shipping import NewShipment
from services.orders import placing
from services.orders.moving import move
from services.refunds import Claim
from services.returns import open_undelivered
from tests.builders import CANCELLATION, HOLDS, Shop
from tests.workflows.test_checkout_undone import wait_until

TOTAL = 3 * 1999


async def paid(shop: Shop) -> UUID:
    await shop.product("LAMP")
    return await shop.paid({"LAMP": 3})


async def claim_rest(shop: Shop, order_id: UUID) -> UUID | None:
    async with shop.database.transaction() as session:
        return await cancelling.claim_rest(session, order_id, "desk")


async def test_the_rest_of_the_money_is_claimed_once(shop: Shop) -> None:
    order_id = await paid(shop)
    refund_id = await claim_rest(shop, order_id)
    assert await claim_rest(shop, order_id) == refund_id
    assert await shop.rows("SELECT amount, cause, status FROM refunds") == [(TOTAL, "cancellation", "pending")]
    async with shop.database.transaction() as session:
        assert refund_id is not None
        await refunds.record_success(session, refund_id, "re_1")
    assert await claim_rest(shop, order_id) is None


async def test_an_order_that_nothing_was_paid_for_has_nothing_to_claim(shop: Shop) -> None:
    await shop.product("LAMP")
    assert await claim_rest(shop, await shop.confirmed({"LAMP": 1}, method=PaymentMethod.COD)) is None


async def test_another_refund_under_way_is_waited_for(shop: Shop) -> None:
    order_id = await paid(shop)
    async with shop.database.transaction() as session:
        payment = await payments.locked(session, order_id)
        other = await refunds.claim(session, payment, Claim(RefundCause.STAFF, "desk", amount=TOTAL))
    with pytest.raises(Unavailable, match=str(other.id)):
        await claim_rest(shop, order_id)
    async with shop.database.transaction() as session:
        await refunds.record_failure(session, other.id, "declined")
    assert await claim_rest(shop, order_id) is not None


async def test_an_order_is_not_written_as_cancelled_before_its_money_is_back(shop: Shop) -> None:
    order_id = await paid(shop)
    with pytest.raises(Unavailable):
        await cancel(shop, order_id)
    assert await shop.status(order_id) is OrderStatus.CONFIRMED
    refund_id = await claim_rest(shop, order_id)
    with pytest.raises(Unavailable):
        await cancel(shop, order_id)
    async with shop.database.transaction() as session:
        assert refund_id is not None
        await refunds.record_success(session, refund_id, "re_1")
        await cancelling.give_back_unshipped(session, order_id)
    for _ in range(2):
        await cancel(shop, order_id)
    assert await shop.status(order_id) is OrderStatus.CANCELLED
    assert await shop.stock("LAMP") == (10, 0)
    await shop.require_invariants()


async def cancel(shop: Shop, order_id: UUID) -> None:
    async with shop.database.transaction() as session:
        await placing.cancel(session, order_id, CANCELLATION, HOLDS)


@pytest.mark.spoils_books
@pytest.mark.parametrize("undone", ["claimed", "voided", "released", "expected back"])
async def test_an_order_is_found_with_whether_a_cancellation_of_it_was_begun(shop: Shop, undone: str) -> None:
    order_id = await paid(shop)
    async with shop.database.transaction() as session:
        assert (await opening.find(session, order_id)).is_being_cancelled is False
        await move(session, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")
        claimed = await cancelling.claim_rest(session, order_id, "desk")
        assert claimed is not None
        if undone != "claimed":
            await refunds.record_failure(session, claimed, "charge_disputed")
        assert (await opening.find(session, order_id)).is_being_cancelled is (undone == "claimed"), (
            "a refusal undid nothing"
        )
        if undone == "voided":
            (await payments.locked(session, order_id)).status = PaymentStatus.VOIDED
        elif undone == "released":
            await cancelling.give_back_unshipped(session, order_id)
        elif undone == "expected back":
            await shipping.ship(session, NewShipment(uuid4(), order_id, "DHL", "JJD0099", by="desk"))
            assert (await opening.find(session, order_id)).is_being_cancelled is False
            await open_undelivered(session, order_id, "desk")
        await session.flush()
        session.expire_all()
        assert (await opening.find(session, order_id)).is_being_cancelled is True
        await session.rollback()
    delivered = await shop.delivered({"LAMP": 1})
    async with shop.database.transaction() as session:
        assert (await opening.find(session, delivered)).is_being_cancelled is False


async def test_a_shipment_that_is_being_written_is_counted_before_the_rest_is_given_back(shop: Shop) -> None:
    order_id = await paid(shop)
    async with shop.database.transaction() as session:
        await move(session, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")

    async def give_back() -> None:
        async with shop.database.transaction() as session:
            await cancelling.give_back_unshipped(session, order_id)

    async def waits_for_it() -> bool:
        return bool(await shop.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))

    async with shop.database.transaction() as session:
        await shipping.ship(session, NewShipment(uuid4(), order_id, "DHL", "1", by="desk", lines={"LAMP": 1}))
        giving = asyncio.create_task(give_back())
        await wait_until(waits_for_it)
    await giving
    assert await shop.stock("LAMP") == (9, 0)


async def test_what_was_given_back_cannot_leave_any_more(shop: Shop) -> None:
    """A shipment that comes late, from a step that was repeated, finds nothing."""
    order_id = await paid(shop)
    async with shop.database.transaction() as session:
        await move(session, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")
        await cancelling.give_back_unshipped(session, order_id)
    with pytest.raises(OverShipment):
        async with shop.database.transaction() as session:
            await shipping.units_to_ship(session, order_id, {})


@pytest.mark.spoils_books
async def test_an_order_is_found_with_whether_its_money_is_still_to_be_taken(shop: Shop) -> None:
    order_id = await paid(shop)
    async with shop.database.transaction() as session:
        assert (await opening.find(session, order_id)).is_to_capture is False
    pending = await shop.held({"LAMP": 1})
    await shop.rows("UPDATE payments SET status = 'authorized', captured = 0")
    async with shop.database.transaction() as session:
        assert (await opening.find(session, order_id)).is_to_capture is True
        with pytest.raises(NotFound):
            await opening.find(session, UUID(int=7))
        with pytest.raises(NotAllowedInState):
            await opening.find(session, pending)
