"""place_order and cancel_order, confirm_order, and what happens to an order while it waits or is stuck."""

from datetime import datetime
from uuid import UUID

from temporalio import activity

from core.database import Database
from core.settings import Settings
from domain.messages.checkout import CancelOrder, ConfirmOrder, OrderStep, Placement, RemindStaff
from domain.messages.steering import MoveHold, TellStuck
from domain.notifications import NoticeKind
from domain.orders import CancelReason, OrderStatus, PaymentMethod
from services import notices
from services.orders import extending, placing
from services.orders.moving import move, note_once
from services.orders.placing import Cancellation, Holds


class OrderActivities:
    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._holds = Holds(card=settings.card_hold, cod=settings.cod_hold)

    @activity.defn
    async def place_order(self, step: OrderStep) -> Placement:
        """Write the order that the request row asks for. Raises `not-found` when there is no such row."""
        async with self._database.transaction() as session:
            placed = await placing.place(session, UUID(step.order_id), self._holds, self._settings.capture_at)
        order = placed.order
        is_cod = order.payment_method == PaymentMethod.COD
        return Placement(
            order_number=order.number,
            status=order.status,
            payment_method=order.payment_method,
            hold_seconds=placed.hold_left.total_seconds(),
            stuck_after_seconds=self._settings.stuck_after.total_seconds(),
            reminder_seconds=[due.total_seconds() for due in self._settings.cod_reminders] if is_cod else [],
            is_free=order.total == 0,
            capture_at=order.capture_at,
        )

    @activity.defn
    async def cancel_order(self, step: CancelOrder) -> None:
        """The undo of place_order, and the last one: money and stock are undone already."""
        cancellation = Cancellation(
            reason=CancelReason(step.reason),
            by=step.by,
            note=step.note,
            refusal={"code": step.reason, "detail": step.detail, "facts": step.facts},
        )
        async with self._database.transaction() as session:
            await placing.cancel(session, UUID(step.order_id), cancellation, self._holds)

    @activity.defn
    async def confirm_order(self, step: ConfirmOrder) -> None:
        """Hold → sale and order → confirmed in one transaction. release_stock undoes the sale."""
        async with self._database.transaction() as session:
            await placing.confirm(session, UUID(step.order_id), step.by, step.note)

    @activity.defn
    async def fail_payment(self, step: OrderStep) -> None:
        """The bank said no after 3-D Secure: the order waits for another card while its hold lasts."""
        await self._move(step, OrderStatus.PENDING_PAYMENT, OrderStatus.PAYMENT_FAILED, "payment_failed")

    @activity.defn
    async def reopen_payment(self, step: OrderStep) -> None:
        """The undo of fail_payment: another card is being tried."""
        await self._move(step, OrderStatus.PAYMENT_FAILED, OrderStatus.PENDING_PAYMENT, "payment_reopened")

    @activity.defn
    async def remind_staff(self, step: RemindStaff) -> None:
        """Note that a cash-on-delivery order still waits for staff, once per reminder."""
        async with self._database.transaction() as session:
            await note_once(session, UUID(step.order_id), kind=f"reminder_{step.number}", by="checkout")

    @activity.defn
    async def extend_hold(self, step: MoveHold) -> None:
        """Move the end of the order's hold, which must still be pending."""
        async with self._database.transaction() as session:
            ends_at = datetime.fromisoformat(step.ends_at)
            await extending.extend_hold(session, UUID(step.order_id), ends_at, step.by, step.note)

    @activity.defn
    async def tell_stuck(self, step: TellStuck) -> None:
        """Tell staff that a step is stuck, once of each time. The workflow may be a return's or a refund's."""
        workflow_id = activity.info().workflow_id
        event = f"stuck:{workflow_id}:{step.step}:{step.since}"
        async with self._database.transaction() as session:
            await notices.tell(
                session, UUID(step.order_id), event, NoticeKind.ORDER_STUCK, step=step.step, workflow_id=workflow_id
            )

    async def _move(self, step: OrderStep, start: OrderStatus, to: OrderStatus, kind: str) -> None:
        async with self._database.transaction() as session:
            await move(session, UUID(step.order_id), {start}, to, kind=kind, by="checkout")
