"""Orders whose goods may come back, and their returns, made by the services themselves."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from domain.money import Money
from domain.orders import OrderStatus, PaymentMethod
from models.notifications import Notification
from models.payments import Refund
from models.returns import Return
from services import payments, refunds
from services.fulfilment import cancelling, shipping
from services.fulfilment.shipping import NewShipment
from services.orders import placing
from services.orders.moving import move
from services.orders.reading import Viewer
from services.returns import open_undelivered, requesting
from services.returns.requesting import ReturnTerms, ReturnWish
from tests.builders import CANCELLATION, HOLDS, Shop
from tests.fakes.payments import FakePayments

_S = OrderStatus
TERMS = ReturnTerms(window=timedelta(days=30), decision=timedelta(days=7))


async def delivered(
    shop: Shop, gateway: FakePayments, lines: dict[str, int], *, method: PaymentMethod = PaymentMethod.CARD,
    user_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """An order whose money was taken, by card or in cash; the products exist."""
    if method is PaymentMethod.COD:
        order_id = await shop.confirmed(lines, method=method, user_id=user_id)
    else:
        order_id = await shop.paid(lines, user_id=user_id)
        payment = await shop.payment(order_id)
        gateway.pay(order_id, Money(payment.amount, payment.currency))
    async with shop.database.transaction() as session:
        if method is PaymentMethod.COD:
            await payments.record_cash(session, order_id)
        await move(session, order_id, {_S.CONFIRMED}, _S.PROCESSING, kind="processing", by="desk")
        await shipping.ship(session, NewShipment(uuid4(), order_id, "DHL", "JD01", by="desk"))
        await move(session, order_id, {_S.SHIPPED}, _S.DELIVERED, kind="delivered", by="desk")
    return order_id


async def cancelled_on_its_way(shop: Shop, lines: dict[str, int], shipped: dict[str, int]) -> tuple[UUID, UUID | None]:
    """An order that was cancelled with these units shipped, its money given back; and the return of them."""
    order_id = await shop.paid(lines)
    async with shop.database.transaction() as session:
        await move(session, order_id, {_S.CONFIRMED}, _S.PROCESSING, kind="processing", by="desk")
        if shipped:
            await shipping.ship(session, NewShipment(uuid4(), order_id, "DHL", "JD01", by="desk", lines=shipped))
    async with shop.database.transaction() as session:
        refund_id = await cancelling.claim_rest(session, order_id, "desk")
        assert refund_id is not None
        await refunds.record_success(session, refund_id, f"re_{order_id.hex}")
        await cancelling.give_back_unshipped(session, order_id)
        return_id = await open_undelivered(session, order_id, "desk")
        await placing.cancel(session, order_id, CANCELLATION, HOLDS)
    return order_id, return_id


async def requested(shop: Shop, order_id: UUID, lines: dict[str, int], terms: ReturnTerms = TERMS) -> UUID:
    """A return that the customer asked for."""
    owner = Viewer((await shop.order(order_id)).user_id, is_staff=False)
    async with shop.database.transaction() as session:
        return await requesting.request(session, order_id, owner, ReturnWish(lines, "It flickers."), terms)


async def found(shop: Shop, return_id: UUID) -> Return:
    async with shop.database.transaction() as session:
        return await session.get_one(Return, return_id)


async def refunds_of(shop: Shop, order_id: UUID) -> list[tuple[str, int]]:
    """(status, amount) of each, the oldest first."""
    async with shop.database.transaction() as session:
        statement = select(col(Refund.status), col(Refund.amount)).where(col(Refund.order_id) == order_id)
        return [(status, amount) for status, amount in await session.execute(statement.order_by(col(Refund.id)))]


async def told(shop: Shop, user_id: UUID) -> list[str]:
    """The kinds of what somebody was told about returns, in order."""
    async with shop.database.transaction() as session:
        statement = select(col(Notification.kind)).where(
            col(Notification.user_id) == user_id, col(Notification.kind).startswith("return")
        )
        return list((await session.execute(statement.order_by(col(Notification.id)))).scalars())
