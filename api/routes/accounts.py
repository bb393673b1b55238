"""Registering, signing in, and who one is."""

from fastapi import APIRouter

from api.dependencies import CallerDep, ResourcesDep, SessionDep
from api.policies import PUBLIC
from api.schemas.accounts import Credentials, Me, Registered, Registration, Session
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.errors import WrongCredentials
from domain.permissions import Role
from services import accounts
from services.accounts import NewUser
from services.passwords import hash_password, verify_password

router = APIRouter(prefix="/auth", tags=["accounts"])


@router.post("/register", status_code=201, operation_id="register", summary="Open an account", dependencies=[PUBLIC])
async def register(body: Registration, resources: ResourcesDep) -> Registered:
    """The answer is the same for an address that is known already."""
    password_hash = await hash_password(body.password.get_secret_value())
    async with resources.database.transaction() as session:
        await accounts.register(session, NewUser(body.email, password_hash, body.full_name, body.phone))
    return Registered(email=body.email.lower(), full_name=body.full_name)


@router.post(
    "/login",
    operation_id="login",
    summary="Sign in",
    dependencies=[PUBLIC],
    responses=problems(s401="The address or the password is wrong."),
)
async def login(body: Credentials, resources: ResourcesDep) -> Session:
    """An unknown address takes as long as a wrong password."""
    async with resources.database.transaction() as session:
        user = await accounts.find_by_email(session, body.email)
    matches = await verify_password(body.password.get_secret_value(), user.password_hash if user else None)
    if user is None or not matches or not user.is_active:
        raise WrongCredentials
    return Session(
        access_token=resources.tokens.issue(user.id, Role(user.role)),
        expires_in=int(resources.tokens.lifetime.total_seconds()),
    )


@router.get(
    "/me",
    operation_id="get_me",
    summary="Who the token speaks for",
    responses=problems(s401=NOT_SIGNED_IN),
)
async def me(caller: CallerDep, session: SessionDep) -> Me:
    user = await accounts.find(session, caller.id)
    return Me(id=str(user.id), email=user.email, full_name=user.full_name, phone=user.phone, role=user.role)
