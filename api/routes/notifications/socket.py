"""One's notifications by WebSocket.

The token comes in a message: never in the URL, which is logged, and never by itself, as a cookie would. A page of
another origin that opens a socket has nobody's rights by that, so that its origin is not asked for.
"""

import asyncio
from contextlib import aclosing, suppress
from uuid import uuid4

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect

from api.dependencies import Resources
from api.gate import MINUTE, PATIENCE, Kind, address_of, limits_of
from api.live import TOO_SLOW, Beat, Listener, Over
from api.policies import SIGNS_IN
from api.schemas.live import Misunderstood, Ping, Pong, Pushed, Ready, Said, SignIn
from api.schemas.notifications import NotificationView
from api.tokens import Caller
from core.redis import REDIS_AWAY
from domain.errors import Fact, Forbidden, NotSignedIn, RateLimited
from services import api_keys
from services.following import Notices, Place
from services.limits import Limit
from services.sessions import ended_key
from services.words import Speech

SIGNS_IN_WITHIN = 10
"""Seconds."""
LONGEST = 8192
"""Characters of a message."""
MESSAGES_A_MINUTE = 60
MISTAKES = 3
"""So many messages that are not understood are answered; then it is no client of ours."""

NOT_UNDERSTOOD, NOT_SIGNED_IN, NOT_FOR_MACHINES, TOO_LATE, TOO_MUCH, AGAIN_LATER = 4400, 4401, 4403, 4408, 4429, 1013
"""Codes of a close: as HTTP's, and one of RFC 6455's registry."""

router = APIRouter()


class Closing(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@router.websocket("/ws", dependencies=[SIGNS_IN])
async def open_socket(websocket: WebSocket) -> None:
    try:
        await websocket.accept()
        await Conversation(websocket, websocket.app.state.resources).hold()
    except* WebSocketDisconnect:
        pass  # the client has gone
    except* (Closing, Fact, Over, SQLAlchemyError, OSError) as why:
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):  # by now it may have gone too
            async with asyncio.timeout(1):
                await websocket.close(_code(why.exceptions[0]), str(why.exceptions[0])[:100])


def _code(error: Exception) -> int:
    match error:
        case Closing():
            return error.code
        case Over() | NotSignedIn():
            return NOT_SIGNED_IN
        case Forbidden():
            return NOT_FOR_MACHINES
        case RateLimited():
            return TOO_MUCH
    return AGAIN_LATER


class Conversation:
    """Two at once: what is new is told, and what the client says is answered."""

    def __init__(self, websocket: WebSocket, resources: Resources) -> None:
        self._websocket = websocket
        self._resources = resources
        self._limit = Limit("socket", uuid4().hex, MESSAGES_A_MINUTE, MINUTE)
        self._mistakes = 0

    async def hold(self) -> None:
        """Raises what ends it: of the two at once, in a group."""
        begun = await self._first_message()
        listener = Listener.of(await self._identify(begun.token))
        notices = Notices(listener.caller.id)
        with self._resources.live.room(listener.caller.id, "socket"):
            async with self._resources.database.reading() as session:
                await notices.start(session, Place.parse(begun.last_event_id) if begun.last_event_id else None)
            await self._say(Ready(id=str(notices.place)))
            async with asyncio.TaskGroup() as both:
                both.create_task(self._tell(notices, listener))
                both.create_task(self._answer(listener))

    async def _first_message(self) -> SignIn:
        try:
            async with asyncio.timeout(SIGNS_IN_WITHIN):
                while True:
                    said = await self._hear()
                    if isinstance(said, SignIn):
                        return said
                    if said:
                        await self._mistaken("The first message signs in.")
        except TimeoutError as error:
            raise Closing(TOO_LATE, "Nobody signed in.") from error

    async def _tell(self, notices: Notices, listener: Listener) -> None:
        followed = self._resources.live.follow(notices.topic, notices.look, listener)
        async with aclosing(followed):
            async for arrived in followed:
                if not isinstance(arrived, Beat):  # the server sends pings of the protocol's own
                    view = NotificationView.of(arrived.told, Speech.of(arrived.language))
                    await self._say(Pushed(id=str(arrived.place), notification=view))

    async def _answer(self, listener: Listener) -> None:
        while True:
            said = await self._hear()
            if isinstance(said, SignIn):
                caller = await self._identify(said.token)
                if caller.id != listener.caller.id:
                    raise NotSignedIn("This token is another account's.")
                listener.caller = caller
                await self._say(Ready())
            elif isinstance(said, Ping):
                await self._say(Pong())

    async def _identify(self, token: str) -> Caller:
        """Raises NotSignedIn, Forbidden and RateLimited, as the gate and the dependencies of a request do."""
        if token.startswith(api_keys.MARK):
            raise Forbidden("An API key has nothing of its own: this is for people.")
        caller = self._resources.tokens.read(token)
        limits = limits_of(self._resources.settings, Kind.READ, caller, address_of(self._websocket))
        ended = [("EXISTS", ended_key(caller.session_id))] if caller.session_id else []
        try:
            async with asyncio.timeout(PATIENCE):
                allowance, replies = await self._resources.limiter.take_and(limits, *ended)
        except REDIS_AWAY:
            return caller
        if not allowance.is_allowed:
            raise RateLimited(f"Too many requests for now: try again in {allowance.retry_after} s.")
        if any(replies):
            raise NotSignedIn("This session has ended: sign in again.")
        return caller

    async def _hear(self) -> SignIn | Ping | None:
        """None for what was not understood, as the client was told. Raises Closing, and WebSocketDisconnect."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        if not (await self._resources.local_limiter.take([self._limit])).is_allowed:
            raise Closing(TOO_MUCH, f"At most {MESSAGES_A_MINUTE} messages a minute.")
        text = message.get("text") or ""
        try:
            if len(text) <= LONGEST:
                return Said.validate_json(text)
            await self._mistaken(f"A message has at most {LONGEST} characters.")
        except ValidationError as error:
            await self._mistaken(error.errors(include_input=False, include_url=False)[0]["msg"])
        return None

    async def _mistaken(self, detail: str) -> None:
        self._mistakes += 1
        await self._say(Misunderstood(detail=detail))
        if self._mistakes >= MISTAKES:
            raise Closing(NOT_UNDERSTOOD, "Too many messages that are not understood.")

    async def _say(self, message: BaseModel) -> None:
        try:
            async with asyncio.timeout(TOO_SLOW):
                await self._websocket.send_text(message.model_dump_json())
        except TimeoutError as error:
            raise Closing(AGAIN_LATER, "Too slow.") from error
