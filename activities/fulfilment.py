"""The steps of an order after its checkout: process, ship, deliver, and what a cancellation then undoes."""

from uuid import UUID

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from core.database import Database
from core.settings import Settings
from domain.errors import Unavailable
from domain.messages.checkout import OrderStep
from domain.messages.fulfilment import (
    ClaimedRefund,
    ExpectedReturn,
    GiveBack,
    Moved,
    MoveOrder,
    Opened,
    ShipOrder,
)
from domain.orders import OrderStatus, checkout_workflow_id
from services import returns
from services.fulfilment import cancelling, delivering, opening, shipping
from services.fulfilment.shipping import NewShipment
from services.orders.moving import move


class FulfilmentActivities:
    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    @activity.defn
    async def open_fulfilment(self, step: OrderStep) -> Opened:
        """The order, once its checkout has closed: until then it is that one's, and this is retried.

        Raises `not-found` and `not-allowed-in-state`.
        """
        await _require_closed(checkout_workflow_id(step.order_id))
        async with self._database.transaction() as session:
            found = await opening.find(session, UUID(step.order_id))
        return Opened(
            order_number=found.order.number,
            status=found.order.status,
            payment_method=found.order.payment_method,
            stuck_after_seconds=self._settings.stuck_after.total_seconds(),
            is_to_capture=found.is_to_capture,
            is_being_cancelled=found.is_being_cancelled,
        )

    @activity.defn
    async def process_order(self, step: MoveOrder) -> Moved:
        """The order is being packed. Raises `not-allowed-in-state`."""
        to = OrderStatus.PROCESSING
        async with self._database.transaction() as session:
            start = {OrderStatus.CONFIRMED}
            await move(session, UUID(step.order_id), start, to, kind="processing", by=step.by, note=step.note)
        return Moved(step.order_id, to)

    @activity.defn
    async def check_shipment(self, step: ShipOrder) -> None:
        """Whether it could leave now, before money is taken for it. Raises as ship_order does."""
        async with self._database.transaction() as session:
            await shipping.require_shippable(session, UUID(step.order_id), step.lines)

    @activity.defn
    async def ship_order(self, step: ShipOrder) -> Moved:
        """Write the shipment: `shipped` with the last unit. Raises `over-shipment` and `not-allowed-in-state`."""
        shipment = NewShipment(
            id=UUID(step.shipment_id),
            order_id=UUID(step.order_id),
            carrier=step.carrier,
            tracking_number=step.tracking_number,
            by=step.by,
            note=step.note,
            lines=step.lines,
        )
        async with self._database.transaction() as session:
            return Moved(step.order_id, await shipping.ship(session, shipment))

    @activity.defn
    async def deliver_order(self, step: MoveOrder) -> Moved:
        """Handed over, with its cash in the books. Raises `cash-mismatch` and `not-allowed-in-state`."""
        async with self._database.transaction() as session:
            status = await delivering.deliver(session, UUID(step.order_id), step.cash, step.by, step.note)
        return Moved(step.order_id, status)

    @activity.defn
    async def claim_rest(self, step: GiveBack) -> ClaimedRefund:
        """The refund of what is left of the order's money. Retried while another refund is under way."""
        async with self._database.transaction() as session:
            refund_id = await cancelling.claim_rest(session, UUID(step.order_id), step.by)
        return ClaimedRefund(str(refund_id) if refund_id else None)

    @activity.defn
    async def give_back_unshipped(self, step: GiveBack) -> None:
        """The sale is undone for the units that are in the house; what was shipped stays sold."""
        async with self._database.transaction() as session:
            await cancelling.give_back_unshipped(session, UUID(step.order_id))

    @activity.defn
    async def expect_return(self, step: GiveBack) -> ExpectedReturn:
        """Open the return of what was shipped and will not be delivered."""
        async with self._database.transaction() as session:
            return_id = await returns.open_undelivered(session, UUID(step.order_id), step.by)
        return ExpectedReturn(str(return_id) if return_id else None)


async def _require_closed(workflow_id: str) -> None:
    """Temporal alone knows: an order looks the same just before its checkout closes. Raises Unavailable."""
    try:
        checkout = await activity.client().get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:  # closed so long ago that it is forgotten
            return
        raise
    if checkout.status == WorkflowExecutionStatus.RUNNING:
        raise Unavailable("The order's checkout has not closed: it waits for that.")
