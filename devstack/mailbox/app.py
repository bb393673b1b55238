"""The mailbox over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse

from devstack.mailbox import pages
from devstack.mailbox.inbox import Inbox, Letter
from devstack.mailbox.smtp import listen

SHOWN = 100


def create_app(inbox: Inbox, host: str, smtp_port: int) -> FastAPI:
    """Listens for mail as long as it runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        server = await listen(inbox, host, smtp_port)
        yield
        server.close()

    app = FastAPI(title="Mailbox", lifespan=lifespan, openapi_url=None)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/messages")
    async def messages(
        to: str | None = None, limit: Annotated[int, Query(ge=1, le=SHOWN)] = SHOWN
    ) -> dict[str, list[Letter]]:
        return {"items": inbox.newest(limit, to)}

    @app.get("/messages/{letter_id}")
    async def message(letter_id: str) -> Letter:
        return _found(letter_id)

    @app.delete("/messages", status_code=204)
    async def clear() -> None:
        inbox.clear()

    @app.get("/", response_class=HTMLResponse)
    async def overview() -> Any:
        return pages.overview(inbox.newest(SHOWN))

    @app.get("/read/{letter_id}", response_class=HTMLResponse)
    async def read(letter_id: str) -> Any:
        return pages.letter(_found(letter_id))

    def _found(letter_id: str) -> Letter:
        if (letter := inbox.find(letter_id)) is None:
            raise HTTPException(404, "There is no such mail; the oldest are forgotten.")
        return letter

    return app
