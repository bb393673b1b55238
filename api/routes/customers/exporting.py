"""Everything that is held about the caller, as one JSON file, written while it is read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

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
from api.schemas.orders import OrderView
from api.schemas.payments import PaymentView
from core.database import Database
from services import accounts
from services.customers import addressing, exporting, profile
from services.orders import reading
from services.orders.reading import Viewer, WholeOrder

router = APIRouter(prefix="/me/export")

PAGE = 100
"""Orders in memory at once. Each page is a query of its own: a slow reader holds no connection."""


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
    body = _written(head, resources.database, caller.id)
    return StreamingResponse(body, headers=headers, media_type="application/json")


async def _head(resources: Resources, user_id: UUID, now: datetime) -> bytes:
    """All but the orders, which have no bound."""
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
            orders=[],
        )
    return whole.model_dump_json(exclude={"orders"}).encode()


async def _written(head: bytes, database: Database, user_id: UUID) -> AsyncIterator[bytes]:
    yield head.removesuffix(b"}") + b',"orders":['
    after: After | None = None
    while True:
        async with database.reading() as session:
            orders = await reading.page(session, Viewer(user_id, is_staff=False), None, PAGE, after)
        if not orders:
            break
        separator = b"" if after is None else b","
        yield separator + b",".join(_order(whole) for whole in orders)
        after = (orders[-1].order.placed_at, orders[-1].order.id)
    yield b"]}"


def _order(whole: WholeOrder) -> bytes:
    payment = PaymentView.of(whole.payment) if whole.payment else None
    return OrderHeld(**dict(OrderView.of(whole)), payment=payment).model_dump_json().encode()
