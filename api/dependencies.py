"""Dependencies as types: a route's signature reads as a sentence."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from api.checkouts import Checkouts
from api.clicks import Clicks
from api.tokens import Caller, Tokens
from core.database import Database
from core.settings import Settings
from domain.errors import NotSignedIn, Stale
from domain.permissions import Permission
from gateways.payments import PaymentGateway
from services.audit import Actor
from services.carts import CartStore
from services.orders.reading import Viewer


@dataclass
class Resources:
    """What one API process holds, built by `api/app.py` alone."""

    settings: Settings
    database: Database
    redis: Redis
    carts: CartStore
    temporal: Client
    gateway: PaymentGateway
    tokens: Tokens
    clicks: Clicks
    checkouts: Checkouts


def get_resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(get_resources)]


async def get_session(resources: ResourcesDep) -> AsyncIterator[AsyncSession]:
    async with resources.database.transaction() as session:
        yield session


# `function` scope: the commit happens before the answer is sent, not after it.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]

_bearer = HTTPBearer(auto_error=False, description="The `access_token` of POST /auth/login.")


def get_caller(
    resources: ResourcesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    if credentials is None:
        raise NotSignedIn
    return resources.tokens.read(credentials.credentials)


CallerDep = Annotated[Caller, Depends(get_caller)]


def get_actor(request: Request, caller: CallerDep) -> Actor:
    """For the audit log."""
    return Actor(caller.id, request.client.host if request.client else None, request.scope["state"]["request_id"])


ActorDep = Annotated[Actor, Depends(get_actor)]


def get_viewer(caller: CallerDep) -> Viewer:
    return Viewer(caller.id, is_staff=caller.may(Permission.ORDERS_READ))


ViewerDep = Annotated[Viewer, Depends(get_viewer)]


_VERSION = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')


def expected_version(
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
