"""All invariants of the contract: the database's own, and those that ask the provider and Temporal too."""

from collections import Counter
from datetime import UTC, datetime

from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio.client import Client

from core.database import Database
from domain.orders import (
    PENDING,
    CaptureAt,
    OrderStatus,
    PaymentMethod,
    PaymentStatus,
    checkout_workflow_id,
    fulfilment_workflow_id,
)
from gateways.payments import Intent, IntentStatus, PaymentGateway
from models.orders import Order
from models.payments import Payment
from services import invariants
from services.invariants import SHOWN_OFFENDERS, Finding
from services.search import comparing

ON_ITS_WAY = (OrderStatus.PROCESSING, OrderStatus.SHIPPED)

_HOLDS_MONEY = {IntentStatus.AUTHORIZED, IntentStatus.CAPTURED}


async def check_all(
    database: Database, gateway: PaymentGateway, temporal: Client, redis: Redis
) -> tuple[datetime, list[Finding]]:
    """One snapshot of the database; the provider's journal and the running workflows are read around it."""
    journal = [intent async for page in gateway.journal() for intent in page]
    running = await _running(temporal)
    async with database.snapshot() as session:
        findings = await invariants.check(session)
        payments = await _payments(session)
        owners = await _owners(session)
        search = await comparing.compare(session, redis)
    findings += [_p1(journal, payments), _p2(journal), _t1(running, owners), search]
    return datetime.now(UTC), findings


async def _running(temporal: Client) -> set[str]:
    """The workflows that own an order."""
    query = "WorkflowType IN ('CheckoutWorkflow', 'FulfilmentWorkflow') AND ExecutionStatus = 'Running'"
    return {run.id async for run in temporal.list_workflows(query, page_size=1000)}


async def _payments(session: AsyncSession) -> dict[str, Payment]:
    statement = select(Payment).where(col(Payment.provider_ref).is_not(None))
    return {str(payment.provider_ref): payment for payment in (await session.execute(statement)).scalars()}


async def _owners(session: AsyncSession) -> set[str]:
    """The workflows that orders need: a checkout while it is pending or takes the money, a fulfilment on its way."""
    statement = (
        select(col(Order.id), col(Order.status))
        .outerjoin(Payment, col(Payment.order_id) == Order.id)
        .where(
            col(Order.status).in_({*PENDING, *ON_ITS_WAY})
            | (
                (col(Order.status) == OrderStatus.CONFIRMED)
                & (col(Order.payment_method) == PaymentMethod.CARD)
                & (col(Payment.status) == PaymentStatus.AUTHORIZED)
                & (col(Order.capture_at) == CaptureAt.CONFIRMATION)
            )
        )
    )
    return {
        fulfilment_workflow_id(order_id) if status in ON_ITS_WAY else checkout_workflow_id(order_id)
        for order_id, status in await session.execute(statement)
    }


def _p1(journal: list[Intent], payments: dict[str, Payment]) -> Finding:
    theirs = {intent.ref: intent for intent in journal}
    offenders = [ref for ref in theirs.keys() | payments.keys() if _differ(theirs.get(ref), payments.get(ref))]
    meaning = "the provider's journal and our payments have no differences (at rest)"
    return _finding("P1", meaning, len(theirs.keys() | payments.keys()), offenders)


def _differ(theirs: Intent | None, ours: Payment | None) -> bool:
    if theirs is None:
        return True
    if ours is None:
        return theirs.status in _HOLDS_MONEY
    return (
        theirs.order_id != ours.order_id
        or (theirs.amount.amount, theirs.amount.currency) != (ours.amount, ours.currency)
        or theirs.captured.amount != ours.captured
        or theirs.refunded.amount != ours.refunded
        or (theirs.status is IntentStatus.AUTHORIZED) != (ours.status == PaymentStatus.AUTHORIZED)
    )


def _p2(journal: list[Intent]) -> Finding:
    captured = Counter(str(intent.order_id) for intent in journal if intent.captured.amount > 0)
    offenders = [order_id for order_id, times in captured.items() if times > 1]
    return _finding(
        "P2", "one captured charge per order in the provider's own journal at most", len(captured), offenders
    )


def _t1(running: set[str], owners: set[str]) -> Finding:
    offenders = sorted({workflow_id.partition("-")[2] for workflow_id in running ^ owners})
    meaning = (
        "a pending order has its running checkout, one being processed or shipped its running fulfilment, "
        "and no other is running (at rest)"
    )
    return _finding("T1", meaning, len(running | owners), offenders)


def _finding(name: str, meaning: str, checked: int, offenders: list[str]) -> Finding:
    return Finding(name, meaning, checked, len(offenders), sorted(offenders)[:SHOWN_OFFENDERS])
