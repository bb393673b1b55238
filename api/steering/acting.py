"""Steering one order: running what is stuck now, and holding its stock for longer."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.messaging import send_once
from api.problems import TEMPORAL_AWAY
from api.steering import sending
from api.steering.finding import Run
from api.steering.looking import Look, look
from core.database import Database
from domain.errors import NotAllowedInState, Unavailable
from domain.messages.steering import ExtendHold
from domain.orders import PENDING, OrderStatus
from services import audit
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders import reading
from services.orders.reading import Viewer


async def retry(
    database: Database, temporal: Client, order_id: UUID, reason: str | None, keyed: KeyedRequest | None, actor: Actor,
    viewer: Viewer,
) -> bool:  # fmt: skip
    """Tell every workflow of this order that is stuck; True when this very request was made before.

    Raises NotFound, NotAllowedInState when nothing is stuck, KeyReused, Unavailable.
    """
    seen = await look(temporal, order_id)
    everything: list[Look | Run] = [seen, *seen.related]
    stuck = {run.workflow_id: run.stuck_step for run in everything if run.stuck_step}

    async def prepare(session: AsyncSession, was_seen: bool) -> bool:
        status = await _status(session, order_id, viewer)
        if not stuck and not was_seen:
            raise NotAllowedInState("Nothing of this order is stuck.", order_status=status)
        if not was_seen:
            await audit.record(session, actor, "order.retry", "order", order_id, reason=reason, stuck=stuck)
        return bool(stuck)

    async def send(update_id: str | None) -> None:
        for workflow_id in stuck:
            await _retry(temporal, workflow_id)

    return await send_once(database, keyed, prepare, send)


async def _retry(temporal: Client, workflow_id: str) -> None:
    try:
        await sending.retry(temporal, workflow_id)
    except RPCError as error:
        if error.status in TEMPORAL_AWAY:
            raise Unavailable("Temporal does not answer. Send the same request again.") from error
        if error.status != RPCStatusCode.NOT_FOUND:  # it went on by itself, and is over
            raise


async def extend_hold(
    database: Database, temporal: Client, order_id: UUID, extension: ExtendHold, keyed: KeyedRequest | None,
    actor: Actor, viewer: Viewer,
) -> bool:  # fmt: skip
    """Hold the order's stock for longer; True when this very request was made before.

    Raises NotFound, NotAllowedInState when it is not held or would be for too long, KeyReused, Unavailable.
    """

    async def prepare(session: AsyncSession, was_seen: bool) -> bool:
        status = await _status(session, order_id, viewer)
        if status is not None and status not in PENDING:
            if was_seen:
                return False
            raise NotAllowedInState(f"An order that is {status} holds nothing.", order_status=status)
        if not was_seen:
            await audit.record(
                session, actor, "order.extend-hold", "order", order_id,
                reason=extension.note, minutes=extension.minutes,
            )  # fmt: skip
        return True

    async def send(update_id: str | None) -> None:
        await sending.extend_hold(temporal, order_id, extension, update_id)

    return await send_once(database, keyed, prepare, send)


async def _status(session: AsyncSession, order_id: UUID, viewer: Viewer) -> OrderStatus | None:
    """None while the order is only asked for. Raises NotFound."""
    whole = await reading.one(session, order_id, viewer)
    return OrderStatus(whole.order.status) if whole else None
