"""The headers of every answer, whatever it became: its id, its limits, and what a browser may do with it."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Scope

from services.limits import Allowance


@dataclass(frozen=True)
class Described:
    """A header as the document tells of it: `statuses` it comes with, or all; `is_of_a_key` only where an
    Idempotency-Key is honoured; `is_free` also where nothing is limited."""

    description: str
    kind: str = "string"
    statuses: tuple[str, ...] = ()
    is_of_a_key: bool = False
    is_free: bool = False

    def belongs(self, status: str) -> bool:
        return not self.statuses or status in self.statuses

    @property
    def described(self) -> dict[str, Any]:
        return {"description": self.description, "schema": {"type": self.kind}}


HEADERS = {
    "X-Request-ID": Described("Quote it when you report something. Yours, if you sent one.", is_free=True),
    "RateLimit-Limit": Described("How many such requests a minute allows.", "integer"),
    "RateLimit-Remaining": Described("How many are left.", "integer"),
    "RateLimit-Reset": Described("In how many seconds all of them are back.", "integer"),
    "Retry-After": Described("When to try again, in seconds.", "integer", ("202", "429", "503"), is_free=True),
    "WWW-Authenticate": Described("How to sign in.", statuses=("401",), is_free=True),
    "Idempotent-Replayed": Described(
        "`true` when this very request was made before.", statuses=("200", "201", "202", "204"), is_of_a_key=True
    ),
}

EXPOSED = (*HEADERS, "ETag", "Location", "Content-Location", "Content-Disposition")
"""What a page of another origin may read."""

ACCEPTED = ("Authorization", "X-Cart-Token", "Idempotency-Key", "If-Match", "X-Request-ID", "Last-Event-ID")
"""What it may send, besides the headers that any page may."""

DOCS = "/api/docs"
_PLAIN = "default-src 'none'; frame-ancestors 'none'"
_SWAGGER_UI = (
    "default-src 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net; style-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "img-src 'self' data: https://fastapi.tiangolo.com"
)


def dress(scope: Scope, status: int, headers: MutableHeaders) -> None:
    state = scope["state"]
    headers["X-Request-ID"] = state["request_id"]
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Frame-Options"] = "DENY"
    headers["Content-Security-Policy"] = _SWAGGER_UI if scope["path"] == DOCS else _PLAIN
    if _is_personal(scope, status):
        headers.setdefault("Cache-Control", "no-store")
    if state.get("replayed"):
        headers["Idempotent-Replayed"] = "true"
    allowance: Allowance | None = state.get("allowance")
    if allowance is not None:
        headers["RateLimit-Limit"] = str(allowance.limit.amount)
        headers["RateLimit-Remaining"] = str(allowance.remaining)
        headers["RateLimit-Reset"] = str(allowance.reset_after)


def _is_personal(scope: Scope, status: int) -> bool:
    """All but a good answer to a read of somebody who showed nothing of theirs."""
    if scope["method"] not in ("GET", "HEAD") or status >= 400:
        return True
    sent = Headers(scope=scope)
    return "authorization" in sent or "x-cart-token" in sent
