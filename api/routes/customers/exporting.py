"""Everything that is held about the caller, as one JSON file, written while it is read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import CallerDep, Resources, ResourcesDep
from api.pagination import After
from api.schemas.common import problems
from api.schemas.customers import (
    AddressView,
    CartHeld,
    Export,
    MailHeld,
    OrderHeld,
    PreferencesBody,
    ProfileView,
    SessionHeld,
)
from api.schemas.notifications import NotificationView
from api.schemas.orders import EventView, OrderView
from api.schemas.payments import PaymentView, RefundView
from api.schemas.returns import ReturnView
from core.database import Database
from models.orders import OrderEvent
from models.payments import Refund
from services import accounts, inbox
from services.customers import addressing, exporting, profile
from services.orders import reading
from services.orders.reading import Viewer, WholeOrder
from services.returns import reading as returns
from services.returns.reading import ReturnFilter
from services.words import Speech

router = APIRouter(prefix="/me/export")

PAGE = 100
"""Items in memory at once. Each page is a query of its own: a slow reader holds no connection."""

Read = Callable[[AsyncSession, After | None], Awaitable[Sequence[tuple[BaseModel, After]]]]
"""The next page of a list after the last item seen, each with its place."""


@router.get(
    "",
    operation_id="export_account",
    summary="Everything that is held about the caller, as a file",
    response_model=Export,
    responses=problems(s403="A machine has no account of its own."),
)
async def export_account(caller: CallerDep, resources: ResourcesDep) -> Response:
    now = datetime.now(UTC)
    head = await _head(resources, caller.id, now)
    headers = {
        "Content-Disposition": f'attachment; filename="tillwright-{now:%Y-%m-%d}.json"',
        "Cache-Control": "no-store",
    }
    lists = {"notifications": _notifications(caller.id), "orders": _orders(caller.id), "returns": _returns(caller.id)}
    body = _written(head, resources.database, lists)
    return StreamingResponse(body, headers=headers, media_type="application/json")


async def _head(resources: Resources, user_id: UUID, now: datetime) -> bytes:
    """All but the lists that have no bound."""
    cart, _ = await resources.carts.open(user_id)
    async with resources.database.reading() as session:
        sessions, mails = await exporting.sessions(session, user_id), await exporting.mails(session, user_id)
        addresses = await addressing.page(session, user_id, addressing.MAX_ADDRESSES)
        whole = Export(
            exported_at=now,
            profile=ProfileView.of(await accounts.find(session, user_id)),
            preferences=PreferencesBody.of(await profile.preferences(session, user_id)),
            addresses=[AddressView.of(address) for address in addresses],
            sessions=[SessionHeld.model_validate(held, from_attributes=True) for held in sessions],
            mails=[MailHeld.model_validate(mail, from_attributes=True) for mail in mails],
            cart=CartHeld(items=dict(cart.quantities), expires_at=cart.expires_at),
            notifications=[],
            orders=[],
            returns=[],
        )
    return whole.model_dump_json(exclude={"notifications", "orders", "returns"}).encode()


async def _written(head: bytes, database: Database, lists: dict[str, Read]) -> AsyncIterator[bytes]:
    yield head.removesuffix(b"}")
    for name, read in lists.items():
        yield f',"{name}":['.encode()
        after: After | None = None
        while True:
            async with database.reading() as session:
                page = await read(session, after)
            if not page:
                break
            separator = b"" if after is None else b","
            yield separator + b",".join(item.model_dump_json().encode() for item, _ in page)
            after = page[-1][1]
        yield b"]"
    yield b"}"


def _orders(user_id: UUID) -> Read:
    async def read(session: AsyncSession, after: After | None) -> Sequence[tuple[BaseModel, After]]:
        rows = await reading.page(session, Viewer(user_id, is_staff=False), None, PAGE, after)
        ids = [whole.order.id for whole in rows]
        given_back, happened = await exporting.refunds(session, ids), await exporting.events(session, ids)
        held = [_order(whole, given_back[whole.order.id], happened[whole.order.id]) for whole in rows]
        return [(order, (whole.order.placed_at, whole.order.id)) for order, whole in zip(held, rows, strict=True)]

    return read


def _order(whole: WholeOrder, given_back: list[Refund], happened: list[OrderEvent]) -> OrderHeld:
    payment = PaymentView.of(whole.payment) if whole.payment else None
    refunds = [RefundView.of(refund) for refund in given_back]
    timeline = [EventView.of(event) for event in happened]
    return OrderHeld(**dict(OrderView.of(whole)), payment=payment, refunds=refunds, timeline=timeline)


def _returns(user_id: UUID) -> Read:
    async def read(session: AsyncSession, after: After | None) -> Sequence[tuple[BaseModel, After]]:
        rows = await returns.page(session, Viewer(user_id, is_staff=False), ReturnFilter(), PAGE, after)
        return [(ReturnView.of(whole), (whole.row.created_at, whole.row.id)) for whole in rows]

    return read


def _notifications(user_id: UUID) -> Read:
    async def read(session: AsyncSession, after: After | None) -> Sequence[tuple[BaseModel, After]]:
        rows = await inbox.page(session, user_id, PAGE, after)
        speech = Speech.of((await profile.preferences(session, user_id)).language)
        return [(NotificationView.of(row, speech), (row.notification.created_at, row.notification.id)) for row in rows]

    return read
