"""Changing the password, and choosing a new one by mail."""

from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import CallerDep, ResourcesDep
from api.gate import Kind, address_of, admit, counts_as
from api.policies import PUBLIC
from api.routes.accounts.ending import tell_ended
from api.schemas.accounts import PasswordChange, PasswordReset, ResetRequest, ResetRequested
from api.schemas.common import NOT_SIGNED_IN, problems
from domain.errors import Forbidden, MailTokenInvalid, WrongPassword
from models.accounts import MailPurpose, User
from services import accounts, mails, sessions
from services.login_guard import Try
from services.passwords import hash_password, verify_password
from services.sessions import EndReason

router = APIRouter()


@router.post(
    "/password",
    status_code=204,
    operation_id="change_password",
    summary="Change one's password",
    responses=problems(WrongPassword, Forbidden, s401=NOT_SIGNED_IN, s403="The current password is wrong."),
)
async def change_password(body: PasswordChange, caller: CallerDep, resources: ResourcesDep, request: Request) -> None:
    """Ends every other session, and tells the owner by mail."""
    entered = Try(str(caller.id), address_of(request), is_known=False)
    admit(request, Kind.SIGN_IN, await resources.login_guard.take(entered))
    async with resources.database.reading() as session:
        user = await accounts.find(session, caller.id)
    if not await verify_password(body.current_password.get_secret_value(), user.password_hash):
        raise WrongPassword
    password_hash = await hash_password(body.new_password.get_secret_value())
    async with resources.database.transaction() as session:
        if not await accounts.change_password(session, user, password_hash):
            raise WrongPassword
        ended = await _after_the_change(session, user, but=caller.session_id)
    await tell_ended(resources, ended)


@router.post(
    "/password-reset",
    status_code=202,
    operation_id="request_password_reset",
    summary="Ask for a mail with which to choose a new password",
    dependencies=[PUBLIC],
)
@counts_as(Kind.SIGN_IN)
async def request_password_reset(body: ResetRequest, resources: ResourcesDep) -> ResetRequested:
    """The same answer and the same work for an address that has no account. Three mails an hour at most."""
    async with resources.database.transaction() as session:
        await mails.write(session, MailPurpose.PASSWORD_RESET, body.email)
    return ResetRequested(email=body.email.lower())


@router.post(
    "/password-reset/confirm",
    status_code=204,
    operation_id="reset_password",
    summary="Choose a new password with the token that was mailed",
    dependencies=[PUBLIC],
    responses=problems(MailTokenInvalid),
)
@counts_as(Kind.SIGN_IN)
async def reset_password(body: PasswordReset, resources: ResourcesDep, request: Request) -> None:
    """Ends every session. The token is good once, and others of the kind are used up with it."""
    async with resources.database.reading() as session:  # first: a hash costs more than a look
        user_id = await mails.owner_of(session, MailPurpose.PASSWORD_RESET, body.token)
        user = await session.get_one(User, user_id)
    password_hash = await hash_password(body.new_password.get_secret_value())
    async with resources.database.transaction() as session:
        if not await accounts.change_password(session, user, password_hash):
            raise MailTokenInvalid
        await mails.redeem(session, MailPurpose.PASSWORD_RESET, body.token, address_of(request))
        await accounts.confirm_email(session, user_id)
        ended = await _after_the_change(session, user)
    await tell_ended(resources, ended)


async def _after_the_change(session: AsyncSession, user: User, but: UUID | None = None) -> list[UUID]:
    """Tells the owner by mail, and ends the sessions, all `but` one: which."""
    await mails.use_up(session, user.id, MailPurpose.PASSWORD_RESET)
    ended = await sessions.end_sessions(session, user.id, EndReason.PASSWORD_CHANGED, but)
    await mails.write(session, MailPurpose.PASSWORD_CHANGED, user.email)
    return ended
