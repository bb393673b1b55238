"""Dependencies as types: a route's signature reads as a sentence."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from api.checkouts import Checkouts
from api.clicks import Clicks
from api.fulfilments import Fulfilments
from api.live import Live
from api.refunds import Refunds
from api.returns import Returns
from api.searching import Searches
from api.tokens import Caller, Tokens
from core.database import Database
from core.settings import Settings
from domain.errors import Forbidden, NotSignedIn, Stale
from domain.permissions import Permission, Role
from gateways.payments import PaymentGateway
from services import api_keys
from services.audit import Actor
from services.carts import CartStore
from services.limits import Limiter, LocalLimiter
from services.login_guard import LoginGuard
from services.orders.reading import Viewer


@dataclass
class Resources:
    """What one API process holds, built by `api/app.py` alone."""

    settings: Settings
    database: Database
    redis: Redis
    carts: CartStore
    limiter: Limiter
    local_limiter: LocalLimiter
    login_guard: LoginGuard
    temporal: Client
    gateway: PaymentGateway
    tokens: Tokens
    clicks: Clicks
    checkouts: Checkouts
    fulfilments: Fulfilments
    refunds: Refunds
    returns: Returns
    searches: Searches
    live: Live


async def get_resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(get_resources)]


async def get_session(resources: ResourcesDep) -> AsyncIterator[AsyncSession]:
    async with resources.database.transaction() as session:
        yield session


# `function` scope: the commit happens before the answer is sent, not after it.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def get_reading(resources: ResourcesDep) -> AsyncIterator[AsyncSession]:
    async with resources.database.reading() as session:
        yield session


ReadingDep = Annotated[AsyncSession, Depends(get_reading, scope="function")]

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="The `access_token` of POST /auth/login, or an API key."
)


async def get_presented(
    resources: ResourcesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller | NotSignedIn | None:
    """Whom the token speaks for. What is wrong with it is kept, and raised where somebody asks for a caller."""
    if credentials is None:
        return None
    try:
        if credentials.credentials.startswith(api_keys.MARK):
            return await _machine(resources.database, credentials.credentials)
        return resources.tokens.read(credentials.credentials)
    except NotSignedIn as refusal:
        return refusal


async def _machine(database: Database, key: str) -> Caller:
    """Raises NotSignedIn for a key that is unknown, revoked or expired."""
    async with database.reading() as session:
        machine = await api_keys.find(session, key)
    if machine.is_use_to_be_noted:
        async with database.transaction() as session:
            await api_keys.note_use(session, machine.key_id)
    return Caller(machine.user_id, Role.SERVICE, scopes=machine.permissions)


PresentedDep = Annotated[Caller | NotSignedIn | None, Depends(get_presented)]


async def get_person_or_machine(request: Request, presented: PresentedDep) -> Caller:
    if request.scope["state"].get("session_ended"):  # as the gate found out, which every request passes first
        raise NotSignedIn("This session has ended: sign in again.")
    if presented is None:
        raise NotSignedIn
    if isinstance(presented, NotSignedIn):
        raise presented
    return presented


PersonOrMachineDep = Annotated[Caller, Depends(get_person_or_machine)]


async def get_caller(caller: PersonOrMachineDep) -> Caller:
    """A person, who has an account, a cart and orders of their own. Raises Forbidden for a machine."""
    if caller.role is Role.SERVICE:
        raise Forbidden("An API key has nothing of its own: this is for people.")
    return caller


CallerDep = Annotated[Caller, Depends(get_caller)]


async def get_optional_caller(request: Request, presented: PresentedDep) -> Caller | None:
    """None without a token. Raises NotSignedIn for one that is not good."""
    return None if presented is None else await get_person_or_machine(request, presented)


OptionalCallerDep = Annotated[Caller | None, Depends(get_optional_caller)]


def host_of(request: HTTPConnection) -> str | None:
    """Where a request came from; behind a proxy whatever that says, so that it is cut to what a column holds."""
    return request.client.host[:64] if request.client else None


async def get_actor(request: Request, caller: PersonOrMachineDep) -> Actor:
    """For the audit log."""
    return Actor(caller.id, host_of(request), request.scope["state"]["request_id"])


ActorDep = Annotated[Actor, Depends(get_actor)]


async def get_viewer(caller: PersonOrMachineDep) -> Viewer:
    """Raises Forbidden for a machine whose key does not let it read orders."""
    if caller.role is Role.SERVICE and not caller.may(Permission.ORDERS_READ):
        raise Forbidden("This needs the permission orders:read.", permission=Permission.ORDERS_READ.value)
    return Viewer(caller.id, is_staff=caller.may(Permission.ORDERS_READ))


ViewerDep = Annotated[Viewer, Depends(get_viewer)]


_VERSION = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')


async def expected_version(
    if_match: Annotated[str | None, Header(description="The `ETag` that was read: 412 when it is stale.")] = None,
) -> int | None:
    """The version in `If-Match`; None where there is none or it is `*`. Raises Stale for what is no ETag of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    version = _VERSION.fullmatch(if_match.strip())
    if version is None:
        raise Stale
    return int(version[1])


ExpectedVersionDep = Annotated[int | None, Depends(expected_version)]
