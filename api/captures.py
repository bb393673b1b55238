"""Taking money that was set aside: by the checkout that is stuck in it, or by the fulfilment before anything ships."""

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.fulfilments import Fulfilments
from api.messaging import send_once
from api.refusals import over_or_away
from core.database import Database
from domain.errors import NotAllowedInState
from domain.messages.fulfilment import Command, Instruction
from domain.orders import MONEY_TAKEN, PENDING, CaptureAt, PaymentStatus, checkout_workflow_id
from models.orders import Order
from models.payments import Payment
from services import audit, payments
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders.reading import Viewer
from workflows.checkout import CheckoutWorkflow

PATIENCE = timedelta(seconds=2)
"""A checkout that was woken takes the money within this, or the provider is still away."""

LOOK_EVERY = timedelta(milliseconds=100)


class Captures:
    def __init__(self, database: Database, temporal: Client, fulfilments: Fulfilments) -> None:
        self._database = database
        self._temporal = temporal
        self._fulfilments = fulfilments

    async def capture(self, payment_id: UUID, keyed: KeyedRequest, actor: Actor) -> bool:
        """Have whoever owns the order take its money; True when this very request was made before.

        Raises NotFound, NotAllowedInState for what is not set aside, PaymentRefused, KeyReused, Unavailable.
        """
        found: list[Order] = []

        async def prepare(session: AsyncSession, was_seen: bool) -> bool:
            payment = await payments.visible(session, payment_id, Viewer(keyed.user_id, is_staff=True))
            if was_seen and payment.status in MONEY_TAKEN:
                return False
            order = await session.get_one(Order, payment.order_id)
            if payment.status != PaymentStatus.AUTHORIZED or order.status in PENDING:
                detail = f"A payment that is {payment.status}, of an order that is {order.status}, cannot be captured."
                raise NotAllowedInState(detail, order_status=order.status)
            if not was_seen:
                await audit.record(session, actor, "payment.capture", "payment", payment_id)
            found.append(order)
            return True

        async def send(update_id: str | None) -> object:
            order = found[0]
            if order.capture_at != CaptureAt.SHIPPING and await self._wake_checkout(order.id):
                return None
            return await self._fulfilments.instruct(
                order.id, Instruction(Command.CAPTURE, str(keyed.user_id)), update_id
            )

        return await send_once(self._database, keyed, prepare, send)

    async def result(self, payment_id: UUID) -> Payment:
        """The payment once it is captured, or as it stands when PATIENCE is over."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE.total_seconds()
        while True:
            async with self._database.reading() as session:
                payment = await session.get_one(Payment, payment_id)
            if payment.status in MONEY_TAKEN or clock() > deadline:
                return payment
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def _wake_checkout(self, order_id: UUID) -> bool:
        """False where it is over. One that is at the capture, and not stuck in it, goes on by itself."""
        handle = self._temporal.get_workflow_handle_for(CheckoutWorkflow.run, checkout_workflow_id(order_id))
        try:
            await handle.signal(CheckoutWorkflow.retry_stuck)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise over_or_away(error) from error
        return True
