"""The steps of a return. Each is safe to repeat; none has an undo: what staff have decided is not taken back."""

from datetime import timedelta
from uuid import UUID

from temporalio import activity

from core.database import Database
from core.settings import Settings
from domain.messages.returns import ClaimedRefund, OpenedReturn, ReturnState, ReturnStep
from domain.orders import ReturnStatus
from services.returns import deciding, receiving


class ReturnActivities:
    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._receipt: timedelta = settings.return_receipt_deadline
        self._stuck_after: timedelta = settings.stuck_after

    @activity.defn
    async def open_return(self, step: ReturnStep) -> OpenedReturn:
        """Note that the workflow is at it, and how long it may wait. Raises `not-found` when there is no such row."""
        async with self._database.transaction() as session:
            found = await deciding.take_up(session, UUID(step.return_id), self._receipt)
        return OpenedReturn(
            order_number=found.order_number,
            status=found.status,
            seconds_left=found.left.total_seconds(),
            reminder_seconds=max((found.left - found.whole / 2).total_seconds(), 0),
            stuck_after_seconds=self._stuck_after.total_seconds(),
        )

    @activity.defn
    async def approve_return(self, step: ReturnStep) -> ReturnState:
        """The goods may come. Raises `not-allowed-in-state`."""
        async with self._database.transaction() as session:
            await deciding.approve(session, UUID(step.return_id), by=step.by, note=step.note, receipt=self._receipt)
        return ReturnState(ReturnStatus.APPROVED, self._receipt.total_seconds())

    @activity.defn
    async def reject_return(self, step: ReturnStep) -> ReturnState:
        """The goods stay where they are. Raises `not-allowed-in-state`."""
        async with self._database.transaction() as session:
            await deciding.reject(session, UUID(step.return_id), by=step.by, note=step.note)
        return ReturnState(ReturnStatus.REJECTED)

    @activity.defn
    async def receive_return(self, step: ReturnStep) -> ReturnState:
        """Goods onto the shelf or written off, and their money claimed, in one transaction."""
        async with self._database.transaction() as session:
            await receiving.receive(
                session, UUID(step.return_id), by=step.by, note=step.note, restock=step.restock
            )  # fmt: skip
        return ReturnState(ReturnStatus.RECEIVED)

    @activity.defn
    async def expire_return(self, step: ReturnStep) -> ReturnState:
        """Nobody decided, or nothing came: its units may be returned anew."""
        async with self._database.transaction() as session:
            await deciding.expire(session, UUID(step.return_id))
        return ReturnState(ReturnStatus.EXPIRED)

    @activity.defn
    async def remind_of_return(self, step: ReturnStep) -> None:
        """Tell staff once more that it waits for them."""
        async with self._database.transaction() as session:
            await deciding.remind(session, UUID(step.return_id))

    @activity.defn
    async def claim_return_refund(self, step: ReturnStep) -> ClaimedRefund:
        """The refund of the goods that were received, claimed anew where the provider refused the last one."""
        async with self._database.transaction() as session:
            refund_id = await receiving.claim_refund(session, UUID(step.return_id), by=step.by)
        return ClaimedRefund(str(refund_id) if refund_id else None)

    @activity.defn
    async def close_return(self, step: ReturnStep) -> ReturnState:
        """`refunded` where the money is on its way, else it stays `received`."""
        async with self._database.transaction() as session:
            return ReturnState(await receiving.close(session, UUID(step.return_id), by=step.by))
