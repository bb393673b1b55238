"""What came back from Temporal, in the domain's words: a refusal, a checkout that is over, a server that is away."""

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.problems import fact_named
from domain.errors import Fact, NotAllowedInState, Unavailable
from models.orders import CheckoutRequest


def refusal_of(error: WorkflowUpdateFailedError) -> Fact | Unavailable:
    """The domain's fact behind a failed update."""
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        raise error
    facts = cause.details[0] if cause.details else {}
    return fact_named(cause.type, cause.message, facts)


def remembered(request: CheckoutRequest) -> Fact | Unavailable:
    """The refusal that this request was answered with before."""
    refusal = request.refusal or {}
    return fact_named(refusal.get("code"), refusal.get("detail") or "", refusal.get("facts") or {})


def over_or_away(error: RPCError) -> Exception:
    """Why a message did not reach a checkout that was there when its order was read."""
    if error.status == RPCStatusCode.NOT_FOUND:
        return NotAllowedInState("The order's checkout is over.")
    return Unavailable("Temporal does not answer. Send the same request again.")
