"""Orders under way, as staff see them."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Page
from api.steering.finding import Run
from api.steering.looking import Look
from domain.orders import OrderStatus, PaymentMethod
from services.orders.reading import Standing


class TroubleView(BaseModel):
    """`kind` is a code of the shop's, or the name of what went wrong."""

    model_config = ConfigDict(from_attributes=True)

    kind: str = Field(examples=["ProviderUnavailable"])
    message: str = Field(examples=["capture: 503"])


class StepView(BaseModel):
    """`next_retry_at` is null while it runs, and where it was refused and waits to be told to run again."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["capture_payment"])
    summary: str | None = Field(examples=["Capture the payment"])
    attempt: int
    started_at: datetime | None
    last_error: TroubleView | None
    next_retry_at: datetime | None


class TimerView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    summary: str | None = Field(examples=["the hold on the stock ends"])
    due_at: datetime


class MessageView(BaseModel):
    """Something that was asked of it, and is not answered yet."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["instruct"])
    since: datetime


class RunView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    workflow_id: str
    workflow_type: str = Field(examples=["CheckoutWorkflow"])
    started_at: datetime
    waiting_for: str | None = Field(examples=["staff"])
    stuck_step: str | None = Field(examples=["capture_payment"])


class BesideView(RunView):
    """What is under way beside it, and what that is doing: where a refund is stuck, its error stands here."""

    step: StepView | None
    timers: list[TimerView]
    web_ui_url: str

    @classmethod
    def of(cls, look: Look, web_ui_url: str) -> "BesideView | None":
        if look.started_at is None:
            return None
        return cls(
            workflow_id=look.workflow_id,
            workflow_type=look.workflow_type,
            started_at=look.started_at,
            waiting_for=look.waiting_for,
            stuck_step=look.stuck_step,
            step=StepView.model_validate(look.doing.step) if look.doing.step else None,
            timers=[TimerView.model_validate(timer) for timer in look.doing.timers],
            web_ui_url=web_ui_url,
        )


class WorkflowView(BaseModel):
    """What owns the order and what that is doing. `related` is what else is under way for it, such as a return.

    `step` is null while nothing is being done, as when somebody is waited for. `problems` are of the program: then its
    tasks fail until it is mended.
    """

    order_id: UUID
    order_number: str | None = Field(examples=["TW-100001"])
    status: str = Field(examples=["confirmed"])
    workflow_id: str
    workflow_type: str = Field(examples=["CheckoutWorkflow"])
    workflow_status: str = Field(
        description="`running`, `completed`, or how else it ended; `forgotten` once Temporal keeps it no longer.",
        examples=["running"],
    )
    started_at: datetime | None
    step: StepView | None
    waiting_for: str | None = Field(examples=["retry_stuck"])
    stuck_step: str | None = Field(examples=["capture_payment"])
    timers: list[TimerView]
    messages: list[MessageView]
    problems: list[str] = Field(examples=[[]])
    related: list[BesideView]
    web_ui_url: str

    @classmethod
    def of(
        cls, order_id: UUID, number: str | None, status: str, look: Look, url_of: Callable[[Look], str]
    ) -> "WorkflowView":
        doing = look.doing
        return cls(
            order_id=order_id,
            order_number=number,
            status=status,
            workflow_id=look.workflow_id,
            workflow_type=look.workflow_type,
            workflow_status=look.status,
            started_at=look.started_at,
            step=StepView.model_validate(doing.step) if doing.step else None,
            waiting_for=look.waiting_for,
            stuck_step=look.stuck_step,
            timers=[TimerView.model_validate(timer) for timer in doing.timers],
            messages=[MessageView.model_validate(message) for message in doing.messages],
            problems=look.problems,
            related=[view for run in look.related if (view := BesideView.of(run, url_of(run)))],
            web_ui_url=url_of(look),
        )


class UnderWay(RunView):
    """An order, by the workflow that is under way for it."""

    order_id: UUID
    order_number: str | None = Field(examples=["TW-100001"])
    status: OrderStatus | None
    payment_method: PaymentMethod | None

    @classmethod
    def of(cls, run: Run, standing: Standing | None) -> "UnderWay":
        return cls(
            **vars(run),
            order_number=standing.number if standing else None,
            status=standing.status if standing else None,
            payment_method=PaymentMethod(standing.payment_method) if standing else None,
        )


class UnderWayPage(Page):
    items: list[UnderWay]
