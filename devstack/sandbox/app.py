"""The sandbox as an ASGI application."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from devstack.sandbox import routes_bank, routes_knobs, routes_stripe
from devstack.sandbox.errors import INVALID, Refusal
from devstack.sandbox.objects import new_id
from devstack.sandbox.resources import Sandbox

log = logging.getLogger(__name__)


def create_app(sandbox: Sandbox) -> FastAPI:
    """Closes the sandbox at its end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier = asyncio.create_task(sandbox.courier.run()) if sandbox.courier else None
        if courier:
            courier.add_done_callback(_end_with)
        try:
            yield
            if courier:
                courier.cancel()
                with suppress(asyncio.CancelledError):
                    await courier
        finally:
            sandbox.journal.close()

    app = FastAPI(title="Sandbox payment provider", lifespan=lifespan, openapi_url=None)
    app.state.sandbox = sandbox
    app.include_router(routes_stripe.router)
    app.include_router(routes_bank.router)
    app.include_router(routes_knobs.router)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _no_such_path)
    app.add_exception_handler(Exception, _broken)
    return app


def _end_with(courier: asyncio.Task[None]) -> None:
    """A sandbox whose webhooks do not go out is broken: end, so that the supervisor starts another."""
    if not courier.cancelled() and (error := courier.exception()):
        log.error("the courier failed", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101
    return _answer(error)


async def _no_such_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return _answer(Refusal(error.status_code, INVALID, message))


async def _broken(_: Request, error: Exception) -> Response:
    return _answer(Refusal(500, "api_error", "The sandbox failed; its log says why."))


def _answer(refusal: Refusal) -> Response:
    return JSONResponse(refusal.body, refusal.status, {"Request-Id": new_id("req")})
