"""RFC 9457 problem documents: the one place where facts become HTTP statuses. Nothing internal ever leaks."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from temporalio.service import RPCError, RPCStatusCode

from api.rendering import json_response
from api.templates import template_of
from domain import errors
from domain.errors import Fact, Unavailable
from gateways.payments import ProviderUnavailable

log = structlog.get_logger()

STATUS: dict[type[Fact], int] = {
    errors.OutOfStock: 409,
    errors.BelowReserved: 409,
    errors.StockChanged: 409,
    errors.TooManyUnits: 422,
    errors.LocationTaken: 409,
    errors.StockSessionClosed: 409,
    errors.StockSessionFull: 409,
    errors.PriceChanged: 409,
    errors.CartAlreadyOrdered: 409,
    errors.KeyInUse: 409,
    errors.NotAllowedInState: 409,
    errors.OrderCancelled: 409,
    errors.OverRefund: 409,
    errors.CancelInstead: 409,
    errors.OverShipment: 409,
    errors.OverReturn: 409,
    errors.CashMismatch: 422,
    errors.PaymentDeclined: 402,
    errors.PaymentTokenUnknown: 402,
    errors.PaymentRefused: 402,
    errors.HoldExpired: 409,
    errors.CodRejected: 409,
    errors.AccountErased: 409,
    errors.LastAdmin: 409,
    errors.OrdersOpen: 409,
    errors.TooManyAddresses: 409,
    errors.SkuTaken: 409,
    errors.SlugTaken: 409,
    errors.InUse: 409,
    errors.LastVariant: 409,
    errors.VariantsDisagree: 422,
    errors.TooManyAttributes: 422,
    errors.CategoryUnknown: 422,
    errors.CategoryCycle: 422,
    errors.CategoryTooDeep: 422,
    errors.CartEmpty: 422,
    errors.CurrencyMismatch: 422,
    errors.QuantityOutOfRange: 422,
    errors.TooManyLines: 422,
    errors.KeyReused: 422,
    errors.InvalidCursor: 422,
    errors.FileRefused: 422,
    errors.ImportRunning: 409,
    errors.KeyMissing: 400,
    errors.WebhookRefused: 400,
    errors.Stale: 412,
    errors.NotFound: 404,
    errors.CartTokenUnknown: 404,
    errors.NotSignedIn: 401,
    errors.WrongCredentials: 401,
    errors.RefreshTokenReused: 401,
    errors.WrongPassword: 403,
    errors.MailTokenInvalid: 422,
    errors.Forbidden: 403,
    errors.RateLimited: 429,
}

SHOWN_ERRORS = 50
"""A body of a thousand mistakes is not answered with a thousand lines."""

TEMPORAL_AWAY = (
    RPCStatusCode.UNAVAILABLE, RPCStatusCode.ABORTED, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN, RPCStatusCode.INTERNAL, RPCStatusCode.RESOURCE_EXHAUSTED,
)  # fmt: skip
"""A connection that breaks in the middle of a call shows as several of these; the last is Temporal's own limit."""

_BY_CODE = {fact.code: fact for fact in STATUS}


def fact_named(code: str | None, detail: str, facts: dict[str, Any]) -> Fact | Unavailable:
    """The fact that crossed a process as a code. Anything else, such as a terminated workflow, tells nothing yet."""
    if (fact := _BY_CODE.get(code or "")) is None:
        return Unavailable("The checkout was interrupted. Look at the order, or send the same request again.")
    return fact(detail, **facts)


def problem(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    known: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """The document, with what the error knows beside its own fields."""
    body = {
        **known,
        "type": f"urn:tillwright:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": code,
        "request_id": request.scope.get("state", {}).get("request_id"),
    }
    return json_response(body, status, headers=headers, media_type="application/problem+json")


def of_fact(request: Request, fact: Fact) -> Response:
    status = STATUS.get(type(fact), 409)
    headers = {"WWW-Authenticate": 'Bearer realm="tillwright"'} if status == HTTPStatus.UNAUTHORIZED else {}
    if isinstance(fact, errors.KeyInUse):
        headers["Retry-After"] = "1"
    if isinstance(fact, errors.RateLimited):
        headers["Retry-After"] = str(fact.facts.get("retry_after", 1))
    return problem(request, status, fact.code, fact.title, fact.detail, headers=headers, known=fact.facts)


def of_unavailable(request: Request, detail: str = Unavailable.title, retry_after: int = 2) -> Response:
    return problem(
        request,
        503,
        Unavailable.code,
        Unavailable.title,
        detail,
        headers={"Retry-After": str(retry_after)},
        known={"retry_after": retry_after},
    )


def _of_validation(request: Request, error: RequestValidationError) -> Response:
    found = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"], "kind": item["type"]}
        for item in error.errors()[:SHOWN_ERRORS]
    ]
    return _not_valid(request, found)


def _not_valid(request: Request, found: list[dict[str, str]]) -> Response:
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in found[:3])
    return problem(request, 422, "validation-failed", "The request is not valid", detail, known={"errors": found})


def _of_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's word for bytes that are no text, or nested too deep
        return _not_valid(request, [{"field": "body", "message": "this is not JSON", "kind": "json_invalid"}])
    phrase = HTTPStatus(error.status_code).phrase
    code = "not-found" if error.status_code == HTTPStatus.NOT_FOUND else phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (template := template_of(request.scope)):
        # Starlette names the methods of one route, and a path may have several.
        implied = {"HEAD"} if "GET" in template.methods else set()
        headers["Allow"] = ", ".join(sorted(template.methods | implied))
    return problem(request, error.status_code, code, phrase, str(error.detail), headers=headers)


def _of_outage(request: Request, error: Exception) -> Response:
    log.warning("request.dependency_away", error=type(error).__name__)
    return of_unavailable(request, "A service that this needs does not answer. Nothing was lost: try again.")


def _of_database(request: Request, error: DBAPIError) -> Response:
    if isinstance(error, OperationalError) or error.connection_invalidated or _is_outage(error.orig):
        return _of_outage(request, error)
    if getattr(error.orig, "sqlstate", None) in ("22021", "22P05"):  # a NUL in the path, the query or a webhook
        detail = "The request holds a character that no text of ours can hold."
        return problem(request, 422, "validation-failed", "The request is not valid", detail)
    if _broken_constraint(error).endswith("_user_id"):
        return of_fact(request, errors.NotSignedIn("This account is gone: sign in again."))
    return of_bug(request, error)


def _broken_constraint(error: DBAPIError) -> str:
    """Its name, or nothing."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None) or ""


def _is_outage(error: BaseException | None) -> bool:
    while error is not None:
        # Class 08: connection exceptions, 40: a broken deadlock, 53: out of resources, 57: the server is going down.
        if isinstance(error, OSError) or str(getattr(error, "sqlstate", "") or "")[:2] in ("08", "40", "53", "57"):
            return True
        error = error.__cause__
    return False


def of_bug(request: Request, error: Exception) -> Response:
    log.error("request.failed", exc_info=error)
    detail = "Something went wrong on our side. Quote the request_id when you report it."
    return problem(request, 500, "internal-error", "Internal error", detail)


def _of_temporal(request: Request, error: RPCError) -> Response:
    return _of_outage(request, error) if error.status in TEMPORAL_AWAY else of_bug(request, error)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document. `api/middleware.py` answers bugs."""

    def add(error: type[Exception], handler: Callable[[Request, Any], Response]) -> None:
        async def handle(request: Request, raised: Exception) -> Response:
            return handler(request, raised)

        typed: Callable[[Request, Exception], Awaitable[Response]] = handle
        app.add_exception_handler(error, typed)

    add(Fact, of_fact)
    add(Unavailable, lambda request, error: of_unavailable(request, error.detail, error.retry_after))
    add(RequestValidationError, _of_validation)
    add(HTTPException, _of_http)
    add(DBAPIError, _of_database)
    add(PoolTimeout, _of_outage)
    add(RedisError, _of_outage)
    add(OSError, _of_outage)
    add(ProviderUnavailable, _of_outage)
    add(RPCError, _of_temporal)
