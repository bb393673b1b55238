"""The providers' webhooks: signed, kept, then passed on."""

from fastapi import APIRouter, Request, Response
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import ResourcesDep
from api.gate import Kind, counts_as
from api.policies import SIGNED
from api.schemas.common import problems
from domain.errors import NotFound, Unavailable, WebhookRefused
from domain.messages.reconciliation import ReconciliationInput, reconciliation_workflow_id
from services import webhooks
from services.webhooks import Hearers, News

router = APIRouter()


@router.post(
    "/webhooks/payments/{provider}",
    operation_id="receive_payment_webhook",
    summary="For the payment provider: signed, kept, then passed on",
    status_code=204,
    dependencies=[SIGNED],
    responses=problems(
        s400="The signature does not hold, or it is no event.",
        s404="There is no such provider.",
        s413="It is too long.",
    ),
)
@counts_as(Kind.FREE)
async def receive_webhook(provider: str, request: Request, resources: ResourcesDep) -> Response:
    """Answers 2xx only once the news is kept and passed on: until then the provider delivers it again."""
    if provider != resources.gateway.name:
        raise NotFound("There is no such payment provider.")
    if request.headers.get("Content-Type", "application/json").partition(";")[0].strip() != "application/json":
        raise WebhookRefused("A webhook is JSON.")
    event = resources.gateway.verify_webhook(await request.body(), request.headers.get("Stripe-Signature", ""))
    news = News(provider, **vars(event))
    async with resources.database.transaction() as session:
        is_due = await webhooks.keep(session, news)
        hearers = await webhooks.hearers(session, news) if is_due else webhooks.NOBODY
        if is_due and not hearers:
            await webhooks.mark_delivered(session, provider, news.event_id)
    if hearers:
        await _pass_on(resources.temporal, resources.settings.task_queue, news, hearers)
        async with resources.database.transaction() as session:
            await webhooks.mark_delivered(session, provider, news.event_id)
    return Response(status_code=204)


async def _pass_on(temporal: Client, task_queue: str, news: News, hearers: Hearers) -> None:
    try:
        for workflow_id in hearers.workflow_ids:
            await _signal(temporal, workflow_id)
        if hearers.is_foreign:
            await temporal.start_workflow(
                "ReconciliationWorkflow",
                ReconciliationInput(intent_ref=news.intent_ref),
                id=reconciliation_workflow_id(str(news.intent_ref)),
                task_queue=task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=f"Compare {news.intent_ref} with the provider",
            )
    except RPCError as error:
        raise Unavailable("Temporal does not answer.") from error


async def _signal(temporal: Client, workflow_id: str) -> None:
    try:
        await temporal.get_workflow_handle(workflow_id).signal("payment_news")
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:  # it is over: nobody waits for the news
            raise
