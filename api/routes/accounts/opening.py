"""Opening an account, and confirming that its address is one's own."""

from fastapi import APIRouter, Request

from api.dependencies import CallerDep, ResourcesDep
from api.gate import Kind, address_of, counts_as
from api.policies import PUBLIC
from api.schemas.accounts import Me, Registered, Registration, Verification
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.errors import MailTokenInvalid
from models.accounts import MailPurpose
from services import accounts, mails
from services.accounts import NewUser
from services.passwords import hash_password

router = APIRouter()


@router.post("/register", status_code=201, operation_id="register", summary="Open an account", dependencies=[PUBLIC])
@counts_as(Kind.SIGN_IN)
async def register(body: Registration, resources: ResourcesDep) -> Registered:
    """The answer is the same for an address that is known already, whose owner gets a mail that says so."""
    password_hash = await hash_password(body.password.get_secret_value())
    async with resources.database.transaction() as session:
        new = NewUser(body.email, password_hash, body.full_name, body.phone)
        is_new = await accounts.register(session, new)
        purpose = MailPurpose.VERIFY_EMAIL if is_new else MailPurpose.ALREADY_REGISTERED
        await mails.write(session, purpose, body.email)
    return Registered(email=body.email.lower(), full_name=body.full_name)


@router.post(
    "/verify-email",
    status_code=204,
    operation_id="verify_email",
    summary="Confirm an address with the token that was mailed to it",
    dependencies=[PUBLIC],
    responses=problems(MailTokenInvalid),
)
@counts_as(Kind.SIGN_IN)
async def verify_email(body: Verification, resources: ResourcesDep, request: Request) -> None:
    """Twice does no harm."""
    async with resources.database.transaction() as session:
        user_id = await mails.redeem(session, MailPurpose.VERIFY_EMAIL, body.token, address_of(request))
        await accounts.confirm_email(session, user_id)


@router.get("/me", operation_id="get_me", summary="Who the token speaks for", responses=problems(s401=NOT_SIGNED_IN))
async def me(caller: CallerDep, resources: ResourcesDep) -> Me:
    async with resources.database.reading() as session:
        user = await accounts.find(session, caller.id)
    return Me(
        id=str(user.id),
        email=user.email,
        full_name=user.full_name,
        phone=user.phone,
        role=user.role,
        email_verified=user.email_verified_at is not None,
    )
