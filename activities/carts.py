"""take_cart_lines: an accepted order takes its lines out of the cart that it came from."""

from uuid import UUID

from temporalio import activity

from core.database import Database
from domain.messages.checkout import OrderStep
from domain.notifications import NoticeKind
from domain.orders import PaymentMethod
from models.orders import CheckoutRequest
from services import notices
from services.carts import CartStore
from services.orders import requesting


class CartActivities:
    def __init__(self, database: Database, carts: CartStore) -> None:
        self._database = database
        self._carts = carts

    @activity.defn
    async def take_cart_lines(self, step: OrderStep) -> None:
        """Once per order, whatever is repeated. Has no undo: the order is accepted."""
        order_id = UUID(step.order_id)
        async with self._database.transaction() as session:
            request = await session.get_one(CheckoutRequest, order_id)
        quantities = {line["sku"]: line["quantity"] for line in request.lines}
        version = await self._carts.take(request.user_id, request.cart_id, order_id, quantities)
        async with self._database.transaction() as session:
            await requesting.mark_taken(session, order_id, version)
            is_first = await requesting.accept(session, order_id)
            if is_first and request.payment_method == PaymentMethod.COD:  # a card's is told when it is confirmed
                await notices.tell(session, order_id, "accepted", NoticeKind.ORDER_RECEIVED)
                await notices.tell(session, order_id, "accepted", NoticeKind.COD_WAITING)
