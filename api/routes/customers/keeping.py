"""What the routes of customers and of staff share: a page of accounts, and a change of one's standing."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import Resources
from api.idempotency import mark_replayed
from api.pagination import PageQuery, cut
from api.rendering import json_response
from api.schemas.customers import AccountPage, AccountView
from models.accounts import User
from services.customers import listing
from services.idempotency import KeyedRequest, once
from services.sessions import announce_ended, ended_lately


def page_of(rows: Sequence[User], page: PageQuery) -> AccountPage:
    """`rows` were read with one more than the limit."""
    shown, following = cut(rows, page, lambda row: (row.created_at, row.id))
    return AccountPage(items=[AccountView.of(user) for user in shown], next_cursor=following)


async def keep(
    request: Request,
    resources: Resources,
    keyed: KeyedRequest | None,
    user_id: UUID,
    change: Callable[[AsyncSession], Awaitable[None]],
) -> Response:
    """Make the change once, refuse the access tokens of the sessions that it ended, and show the account."""
    async with resources.database.transaction() as session:

        async def make() -> UUID:
            await change(session)
            return user_id

        made = await once(session, keyed, make)
        user = await listing.one(session, user_id)
        ended = await ended_lately(session, user_id)
    if made.was_replayed:
        mark_replayed(request)
    await announce_ended(resources.redis, ended, resources.tokens.lifetime)
    return json_response(AccountView.of(user), is_tagged=True)
