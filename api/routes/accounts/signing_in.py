"""Signing in, and staying so."""

import structlog
from fastapi import APIRouter, Request

from api.dependencies import Resources, ResourcesDep
from api.gate import Kind, address_of, admit, counts_as
from api.policies import PUBLIC
from api.routes.accounts.ending import tell_ended
from api.schemas.accounts import Credentials, Refresh, Session
from api.schemas.common import problems
from api.shoppers import CartTokenHeader, bring_cart
from domain.errors import NotSignedIn, RefreshTokenReused, WrongCredentials
from models.accounts import User
from services import accounts, sessions
from services.login_guard import Try
from services.passwords import verify_password
from services.sessions import Opened, Reused, SignIn

router = APIRouter()
log = structlog.get_logger()


@router.post(
    "/login",
    operation_id="login",
    summary="Sign in",
    dependencies=[PUBLIC],
    responses=problems(WrongCredentials, s401="The address or the password is wrong."),
)
@counts_as(Kind.SIGN_IN)
async def login(
    body: Credentials, resources: ResourcesDep, request: Request, cart_token: CartTokenHeader = None
) -> Session:
    """An unknown address takes as long as a wrong password. Ten tries a minute for an account; an address that it
    signed in from before has ten of its own. With a guest's `X-Cart-Token` that cart moves into the account's; what
    does not fit stays, and `POST /carts/merge` tells what."""
    user = await _authenticate(body, resources, request)
    agent = request.headers.get("User-Agent")
    sign_in = SignIn(user.id, user.password_hash, address_of(request), agent[:300] if agent else None)
    async with resources.database.transaction() as session:
        opened = await sessions.open_session(session, sign_in, resources.settings.session_lifetime)
    await bring_cart(resources.carts, opened.user_id, cart_token)
    return _session(resources, opened)


async def _authenticate(body: Credentials, resources: Resources, request: Request) -> User:
    """Raises RateLimited, and WrongCredentials after the same work whatever is wrong."""
    address = address_of(request)
    async with resources.database.reading() as session:
        user = await accounts.find_by_email(session, body.email)
        is_known = await sessions.is_known_address(session, user.id if user else None, address)
    admit(request, Kind.SIGN_IN, await resources.login_guard.take(Try(body.email, address, is_known)))
    matches = await verify_password(body.password.get_secret_value(), user.password_hash if user else None)
    if user is None or not matches or not user.is_active:
        raise WrongCredentials
    return user


@router.post(
    "/refresh",
    operation_id="refresh",
    summary="Another access token, and another refresh token for the next time",
    dependencies=[PUBLIC],
    responses=problems(NotSignedIn, RefreshTokenReused, s401="The refresh token is not good, or was used before."),
)
async def refresh(body: Refresh, resources: ResourcesDep) -> Session:
    """Each refresh token is good once. Used again within ten seconds, as by two tabs, it gets a pair of its own; later
    it was stolen, and the session ends for all who hold a token of it."""
    async with resources.database.transaction() as session:
        outcome = await sessions.refresh(session, body.refresh_token)
    if isinstance(outcome, Reused):
        log.warning("session.token_reused", session_id=str(outcome.session_id))
        await tell_ended(resources, [outcome.session_id])
        raise RefreshTokenReused("Its session is over: sign in again.")
    return _session(resources, outcome)


def _session(resources: Resources, opened: Opened) -> Session:
    return Session(
        access_token=resources.tokens.issue(opened.user_id, opened.role, opened.session_id),
        expires_in=int(resources.tokens.lifetime.total_seconds()),
        refresh_token=opened.refresh_token,
    )
