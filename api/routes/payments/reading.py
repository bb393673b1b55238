"""Payments and what went back of them, as their owner and staff read them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.dependencies import ReadingDep
from api.pagination import PageDep, cut
from api.policies import PayerOrReaderDep, PaymentReaderDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.payments import PaymentPage, PaymentView, RefundPage, RefundView
from domain.orders import PaymentStatus
from services import payments, refunds

router = APIRouter()


@router.get(
    "/payments",
    operation_id="list_payments",
    summary="All payments, the newest first",
    responses=problems(s401=NOT_SIGNED_IN, s403="Only staff see the payments of others."),
)
async def list_payments(
    reader: PaymentReaderDep,
    session: ReadingDep,
    page: PageDep,
    status: Annotated[PaymentStatus | None, Query(description="Only payments in this state.")] = None,
) -> PaymentPage:
    rows = await payments.page(session, status, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda payment: (payment.created_at, payment.id))
    return PaymentPage(items=[PaymentView.of(payment) for payment in shown], next_cursor=following)


@router.get(
    "/payments/{payment_id}",
    operation_id="get_payment",
    summary="One payment",
    response_model=PaymentView,
    responses=problems(s401=NOT_SIGNED_IN, s404="There is no such payment of yours."),
)
async def get_payment(payment_id: UUID, viewer: PayerOrReaderDep, session: ReadingDep) -> Response:
    return json_response(PaymentView.of(await payments.visible(session, payment_id, viewer)), is_tagged=True)


@router.get(
    "/payments/{payment_id}/refunds",
    operation_id="list_payment_refunds",
    summary="What went back of a payment, the newest first",
    responses=problems(s401=NOT_SIGNED_IN, s404="There is no such payment of yours."),
)
async def list_refunds(payment_id: UUID, viewer: PayerOrReaderDep, session: ReadingDep, page: PageDep) -> RefundPage:
    await payments.visible(session, payment_id, viewer)
    rows = await refunds.page(session, payment_id, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda refund: (refund.created_at, refund.id))
    return RefundPage(items=[RefundView.of(refund) for refund in shown], next_cursor=following)


@router.get(
    "/refunds/{refund_id}",
    operation_id="get_refund",
    summary="One refund",
    response_model=RefundView,
    responses=problems(s401=NOT_SIGNED_IN, s404="There is no such refund of yours."),
)
async def get_refund(refund_id: UUID, viewer: PayerOrReaderDep, session: ReadingDep) -> Response:
    return json_response(RefundView.of(await refunds.visible(session, refund_id, viewer)), is_tagged=True)
