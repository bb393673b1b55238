"""What surrounds every request: its id, its size limit, one log line."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import of_bug, problem

BODY_LIMIT = 1024 * 1024
"""Bytes."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")

log = structlog.get_logger()


class RequestIds:
    """Takes `X-Request-ID` or makes one, binds it to the logs and returns it; marks answers that were replayed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid4())
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                if state.get("replayed"):
                    headers["Idempotent-Replayed"] = "true"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            except Exception as error:
                # Answered here and not further out, so that a bug's answer and its log line have the request's id too.
                if status:
                    raise
                await of_bug(Request(scope), error)(scope, receive, send_with_headers)
            finally:
                taken = round((time.perf_counter() - started) * 1000, 1)
                log.info("request", method=scope["method"], path=scope["path"], status=status, ms=taken)


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
