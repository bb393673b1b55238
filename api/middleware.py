"""What surrounds every request: its id, its size limit, its figures, one log line."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.headers import dress
from api.problems import of_bug, problem

BODY_LIMIT = 1024 * 1024
"""Bytes."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")

log = structlog.get_logger()


class RequestIds:
    """Takes `X-Request-ID` or makes one, binds it to the logs and returns it with the headers that every answer has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        method, started, status, begun = scope["method"], time.perf_counter(), 0, None

        async def send_with_headers(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status = message["status"]
                if scope["state"].get("is_stream"):
                    begun = time.perf_counter()
                dress(scope, status, MutableHeaders(scope=message))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id), metrics.IN_FLIGHT.track_inprogress():
            try:
                await self.app(scope, receive, send_with_headers)
            finally:
                taken = (begun or time.perf_counter()) - started
                metrics.count(scope, method, status, taken)
                log.info("request", method=method, path=scope["path"], status=status, ms=round(taken * 1000, 1))


class Bugs:
    """Answers them here and not further out, so that the answer and its log line have what other answers have."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            if has_begun or scope["type"] != "http":
                raise
            metrics.BUGS.inc()
            await of_bug(Request(scope), error)(scope, receive, send)


class HeadAsGet:
    """A HEAD is answered as a GET whose body is left out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        scope["method"] = "GET"
        scope["state"]["is_head"] = True

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["method"] = "HEAD"  # or the server waits for the body that was announced, and hangs up
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.app(scope, receive, send_without_body)


class BodyLimit:
    """413 past BODY_LIMIT, whether the length was announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > BODY_LIMIT):
            await self._refuse(scope, receive, send)
            return
        body, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > BODY_LIMIT:
                await self._refuse(scope, receive, send)
                return
            body.append(chunk)
            more = message.get("more_body", False)
        given = iter([{"type": "http.request", "body": b"".join(body), "more_body": False}])

        async def receive_whole() -> Message:
            for message in given:
                return message
            return await receive()

        await self.app(scope, receive_whole, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"A body has at most {BODY_LIMIT} bytes."
        response = problem(Request(scope), 413, "body-too-large", "The body is too large", detail)
        await response(scope, receive, send)
