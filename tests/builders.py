"""What tests need to be there: users, products, stock, requests."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlmodel import col

from core.database import Database
from domain.money import Money
from domain.orders import MOVES, CancelReason, OrderStatus, PaymentMethod
from models.accounts import User
from models.catalogue import Product, Variant
from models.inventory import Reservation
from models.orders import CheckoutRequest, Order, OrderEvent
from models.payments import Payment
from services import invariants, inventory, payments
from services.carts import CartStore
from services.catalogue import publishing
from services.fulfilment import shipping
from services.fulfilment.shipping import NewShipment
from services.orders import placing, requesting
from services.orders.moving import move
from services.orders.placing import Cancellation, Holds
from services.orders.requesting import NewRequest

ADDRESS = {
    "full_name": "Ada Shopper", "line1": "1 Analytical Way", "line2": None, "city": "Portland",
    "region": "OR", "postal_code": "97201", "country": "US", "phone": None,
}  # fmt: skip

HOLDS = Holds(card=timedelta(minutes=15), cod=timedelta(hours=72))
CANCELLATION = Cancellation(CancelReason.CANCELLED, "checkout", None, {"code": "order-cancelled"})


@dataclass
class Shop:
    """A small shop on the test database."""

    database: Database
    carts: CartStore

    async def user(self, role: str = "customer", email: str | None = None, password_hash: str = "-") -> UUID:
        user = User(
            email=email or f"{uuid4().hex}@example.com", password_hash=password_hash, full_name="Ada Shopper", role=role
        )
        async with self.database.transaction() as session:
            session.add(user)
            await session.flush()
        return user.id

    async def product(
        self,
        sku: str,
        *,
        stock: int = 10,
        price: int = 1999,
        currency: str = "USD",
        status: str = "active",
        **more: Any,
    ) -> UUID:
        async with self.database.transaction() as session:
            product = Product(
                slug=f"{sku.lower()}-{uuid4().hex[:8]}",
                name=f"The {sku}",
                status=status,
                attributes={},
                images=[],
                **more,
            )
            session.add(product)
            await session.flush()
            session.add(Variant(product_id=product.id, sku=sku, price=price, currency=currency, options={}))
            await publishing.publish(session, [product.id])
            await inventory.open_stock(session, {sku: stock}, threshold=5, reason="opening")
        return product.id

    async def request(
        self,
        lines: dict[str, int],
        *,
        user_id: UUID | None = None,
        method: PaymentMethod = PaymentMethod.CARD,
        token: str = "pm_card_visa",
    ) -> UUID:
        """A recorded checkout request for these SKUs, whose products exist; its order id."""
        new = await self.new_request(lines, user_id=user_id, method=method, token=token)
        async with self.database.transaction() as session:
            assert await requesting.record(session, new)
        return new.order_id

    async def new_request(
        self,
        lines: dict[str, int],
        *,
        user_id: UUID | None = None,
        method: PaymentMethod = PaymentMethod.CARD,
        token: str = "pm_card_visa",
    ) -> NewRequest:
        """The same, not recorded yet."""
        return NewRequest(
            order_id=uuid4(),
            user_id=user_id or await self.user(),
            idempotency_key=uuid4().hex,
            fingerprint="f" * 64,
            payment_method=method,
            payment_token=token if method is PaymentMethod.CARD else None,
            shipping_address=ADDRESS,
            notes=None,
            cart_id=uuid4(),
            cart_version=1,
            currency="USD",
            lines=[await self._snapshot(sku, quantity) for sku, quantity in lines.items()],
        )

    async def _snapshot(self, sku: str, quantity: int) -> dict[str, Any]:
        async with self.database.transaction() as session:
            statement = select(Variant).where(col(Variant.sku) == sku)
            variant = (await session.execute(statement)).scalar_one()
        return {
            "sku": sku, "product_id": str(variant.product_id), "name": f"The {sku}",
            "quantity": quantity, "unit_price": variant.price,
        }  # fmt: skip

    async def order(self, order_id: UUID) -> Order:
        async with self.database.transaction() as session:
            return await session.get_one(Order, order_id)

    async def status(self, order_id: UUID) -> OrderStatus:
        return OrderStatus((await self.order(order_id)).status)

    async def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, reserved)"""
        async with self.database.transaction() as session:
            picture = await inventory.picture(session, sku)
        return picture.on_hand, picture.reserved

    async def payment(self, order_id: UUID) -> Payment:
        async with self.database.transaction() as session:
            statement = select(Payment).where(col(Payment.order_id) == order_id)
            payment: Payment = (await session.execute(statement)).scalar_one()
        return payment

    async def events(self, order_id: UUID) -> list[str]:
        async with self.database.transaction() as session:
            statement = select(col(OrderEvent.kind)).where(col(OrderEvent.order_id) == order_id)
            return list((await session.execute(statement.order_by(col(OrderEvent.seq)))).scalars())

    async def claim(self, order_id: UUID) -> CheckoutRequest:
        async with self.database.transaction() as session:
            return await session.get_one(CheckoutRequest, order_id)

    async def reservations(self, order_id: UUID) -> set[str]:
        async with self.database.transaction() as session:
            statement = select(col(Reservation.status)).where(col(Reservation.order_id) == order_id)
            return set((await session.execute(statement)).scalars())

    async def require_invariants(self) -> None:
        """Fails with the offenders when the books do not add up."""
        async with self.database.snapshot() as session:
            broken = [finding for finding in await invariants.check(session) if finding.violations]
        assert broken == []

    # ── orders that have come some way, made by the services themselves ──────────────────────────────────────────

    async def placed(self, lines: dict[str, int], **request: Any) -> UUID:
        """An order that holds nothing yet; its id. `request` as for `request`."""
        order_id = await self.request(lines, **request)
        async with self.database.transaction() as session:
            await placing.place(session, order_id, HOLDS)
        return order_id

    async def held(self, lines: dict[str, int], **request: Any) -> UUID:
        order_id = await self.placed(lines, **request)
        async with self.database.transaction() as session:
            await inventory.hold(session, order_id)
        return order_id

    async def confirmed(self, lines: dict[str, int], **request: Any) -> UUID:
        order_id = await self.held(lines, **request)
        async with self.database.transaction() as session:
            await placing.confirm(session, order_id, "checkout", None)
        return order_id

    async def paid(self, lines: dict[str, int], **request: Any) -> UUID:
        """Confirmed, and its card captured."""
        order_id = await self.confirmed(lines, **request)
        async with self.database.transaction() as session:
            payment = await payments.open_payment(session, order_id, "stripe")
            payment.provider_ref = f"pi_{order_id.hex}"
            await payments.record_capture(session, payment, Money(payment.amount, payment.currency))
        return order_id

    async def delivered(self, lines: dict[str, int], **request: Any) -> UUID:
        """Paid by card or, with `method=PaymentMethod.COD`, at the door."""
        is_cod = request.get("method") is PaymentMethod.COD
        order_id = await (self.confirmed if is_cod else self.paid)(lines, **request)
        async with self.database.transaction() as session:
            if is_cod:
                await payments.record_cash(session, order_id)
            await move(session, order_id, set(MOVES), OrderStatus.PROCESSING, kind="processing", by="checkout")
            await shipping.ship(session, NewShipment(uuid4(), order_id, "DHL", "JJD0099", "checkout"))
            await move(session, order_id, set(MOVES), OrderStatus.DELIVERED, kind="delivered", by="checkout")
        return order_id

    async def cancelled(self, lines: dict[str, int], **request: Any) -> UUID:
        """Held, then cancelled on request with its stock given back."""
        order_id = await self.held(lines, **request)
        async with self.database.transaction() as session:
            await inventory.release(session, order_id)
            await placing.cancel(session, order_id, CANCELLATION, HOLDS)
        return order_id

    async def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """What a plain SQL statement finds, or returns when it changes something."""
        async with self.database.transaction() as session:
            result: Any = await session.execute(text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []
