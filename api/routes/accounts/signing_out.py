"""Ending one's session, or all of them. What Redis could not be told of is answered with 503: it can be repeated."""

from fastapi import APIRouter

from api.dependencies import CallerDep, ResourcesDep
from api.schemas.common import NOT_SIGNED_IN, problems
from services import sessions
from services.sessions import EndReason

router = APIRouter(responses=problems(s401=NOT_SIGNED_IN, s403="An API key has no session."))


@router.post("/logout", status_code=204, operation_id="logout", summary="Sign out here")
async def logout(caller: CallerDep, resources: ResourcesDep) -> None:
    """The access token that was sent, and every other one of its session, is refused from now on."""
    if caller.session_id is None:
        return
    async with resources.database.transaction() as session:
        await sessions.end_session(session, caller.session_id, EndReason.LOGOUT)
    await sessions.announce_ended(resources.redis, [caller.session_id], resources.tokens.lifetime)


@router.post("/logout-all", status_code=204, operation_id="logout_all", summary="Sign out everywhere")
async def logout_all(caller: CallerDep, resources: ResourcesDep) -> None:
    async with resources.database.transaction() as session:
        ended = await sessions.end_sessions(session, caller.id, EndReason.LOGOUT_ALL)
    await sessions.announce_ended(resources.redis, ended, resources.tokens.lifetime)
