"""Server-sent events, as the HTML standard has them: an EventSource comes back by itself with the last id it saw."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Depends
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from api.dependencies import PersonOrMachineDep, ResourcesDep
from api.live.following import TOO_SLOW, Beat, Over

COMES_BACK_AFTER = (1000, 4000)
"""Milliseconds: when a process ends, its clients do not come back all at once."""

log = structlog.get_logger()

Item = TypeVar("Item")


class Stream(EventSourceResponse):
    """Ends with the client or the process; heartbeats are its content's affair."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncGenerator[ServerSentEvent]) -> None:
        super().__init__(content, media_type=self.media_type, ping=0, sep="\n", send_timeout=TOO_SLOW)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["is_stream"] = True
        if scope["state"].get("is_head"):  # which waits for nothing
            await super().__call__({**scope, "method": "HEAD"}, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("stream.too_slow", path=scope["path"])
            return
        if self.active:  # neither ended nor left: the process stops, and says so instead of hanging up
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def written(
    followed: AsyncGenerator[Item | Beat],
    write: Callable[[Item], ServerSentEvent],
    *,
    begin_at: str | None = None,
    at_end: ServerSentEvent | None = None,
) -> AsyncGenerator[ServerSentEvent]:
    """What is followed, with a first line at once. `begin_at` is the id to come back with for a client that goes before
    it has seen another; `at_end` is said after what is last."""
    yield ServerSentEvent(id=begin_at, retry=random.randint(*COMES_BACK_AFTER))  # noqa: S311 — no secret
    async with aclosing(followed) as items:
        try:
            async for item in items:
                yield ServerSentEvent(comment="still here") if isinstance(item, Beat) else write(item)
        except Over as over:
            yield ServerSentEvent(comment=f"{over} Sign in again.")
            return
    if at_end:
        yield at_end


async def get_room(caller: PersonOrMachineDep, resources: ResourcesDep) -> AsyncIterator[None]:
    """Until the last byte is sent, or the client has gone before the first. Raises RateLimited."""
    with resources.live.room(caller.id, "sse"):
        yield


RoomDep = Annotated[None, Depends(get_room)]


def described(description: str, example: str) -> dict[int | str, dict[str, Any]]:
    """Of the document: what a stream is answered with."""
    content = {Stream.media_type: {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": description, "content": content}}
