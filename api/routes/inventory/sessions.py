"""Receiving deliveries and counting shelves: lines are gathered, then booked all at once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import ActorDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.policies import StockKeeperDep, StockReaderDep
from api.rendering import json_response
from api.routes.inventory.showing import SkuPath
from api.schemas.common import problems
from api.schemas.inventory.sessions import (
    SessionBody,
    SessionLineBody,
    SessionLineView,
    SessionPage,
    SessionSummary,
    SessionView,
)
from domain.errors import BelowReserved, StockSessionClosed, StockSessionFull, TooManyUnits
from models.inventory import StockSessionStatus
from services.idempotency import once
from services.inventory.sessions import applying, gathering, reading

router = APIRouter(prefix="/sessions")

_NO_SESSION = "There is no such session."


@router.get("", operation_id="list_stock_sessions", summary="Sessions, the newest first")
async def list_sessions(
    reader: StockReaderDep,
    resources: ResourcesDep,
    page: PageDep,
    status: Annotated[StockSessionStatus | None, Query(description="Only sessions in this state.")] = None,
) -> SessionPage:
    async with resources.database.reading() as session:
        rows = await reading.page(session, status, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row[0].opened_at, row[0].id))
    return SessionPage(items=[SessionSummary.of(*row) for row in shown], next_cursor=following)


@router.post(
    "",
    status_code=201,
    operation_id="open_stock_session",
    summary="Begin to receive a delivery, or to count",
    response_model=SessionView,
    responses=problems(s404="There is no such location."),
)
async def open_session(
    body: SessionBody, keeper: StockKeeperDep, keyed: KeyedDep, actor: ActorDep, session: SessionDep, request: Request
) -> Response:
    made = await once(
        session, keyed, lambda: gathering.open_session(session, actor, body.kind, body.location, body.reference)
    )
    if made.was_replayed:
        mark_replayed(request)
    headers = {"Location": f"{request.url.path}/{made.resource}"}
    return await _show(session, UUID(made.resource), 201, headers)


@router.get(
    "/{session_id}",
    operation_id="get_stock_session",
    summary="A session with its lines and what they book",
    response_model=SessionView,
    responses=problems(s404=_NO_SESSION),
)
async def get_session(session_id: UUID, reader: StockReaderDep, resources: ResourcesDep) -> Response:
    async with resources.database.snapshot() as session:
        return await _show(session, session_id)


@router.put(
    "/{session_id}/lines/{sku}",
    operation_id="put_stock_session_line",
    summary="Say how many units of a SKU came in, or were counted",
    responses=problems(StockSessionClosed, StockSessionFull, s404="There is no such session, or no such SKU."),
)
async def put_line(
    session_id: UUID, sku: SkuPath, body: SessionLineBody, keeper: StockKeeperDep, actor: ActorDep, session: SessionDep
) -> SessionLineView:
    return SessionLineView.of(await gathering.put_line(session, actor, session_id, sku, body.quantity))


@router.delete(
    "/{session_id}/lines/{sku}",
    status_code=204,
    operation_id="remove_stock_session_line",
    summary="Take a line out",
    responses=problems(StockSessionClosed, s404="There is no such session, or it has no such line."),
)
async def remove_line(
    session_id: UUID, sku: SkuPath, keeper: StockKeeperDep, actor: ActorDep, session: SessionDep
) -> None:
    await gathering.remove_line(session, actor, session_id, sku)


@router.post(
    "/{session_id}/apply",
    operation_id="apply_stock_session",
    summary="Book every line of the session, or none",
    response_model=SessionView,
    responses=problems(BelowReserved, StockSessionClosed, TooManyUnits, s404=_NO_SESSION),
)
async def apply_session(
    session_id: UUID, keeper: StockKeeperDep, keyed: KeyedDep, actor: ActorDep, session: SessionDep, request: Request
) -> Response:
    """Applying it again books nothing more."""
    if (await once(session, keyed, lambda: applying.apply(session, actor, session_id))).was_replayed:
        mark_replayed(request)
    return await _show(session, session_id)


@router.post(
    "/{session_id}/discard",
    operation_id="discard_stock_session",
    summary="Close the session without booking anything",
    response_model=SessionView,
    responses=problems(StockSessionClosed, s404=_NO_SESSION),
)
async def discard_session(
    session_id: UUID, keeper: StockKeeperDep, keyed: KeyedDep, actor: ActorDep, session: SessionDep, request: Request
) -> Response:
    if (await once(session, keyed, lambda: applying.discard(session, actor, session_id))).was_replayed:
        mark_replayed(request)
    return await _show(session, session_id)


async def _show(
    session: AsyncSession, session_id: UUID, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    whole = await reading.one(session, session_id)
    return json_response(SessionView.whole(whole), status, headers=headers, is_tagged=True)
