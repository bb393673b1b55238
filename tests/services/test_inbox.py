"""Inboxes: the newest first, read once, and not for ever."""

from uuid import UUID

import pytest

from domain.errors import NotFound
from domain.notifications import NoticeKind
from services import inbox
from services.inbox import KEPT_FOR, Standing
from tests.builders import Shop


@pytest.fixture
async def ada(shop: Shop) -> UUID:
    return await shop.user()


async def put(shop: Shop, user_id: UUID, kind: NoticeKind = NoticeKind.ORDER_SHIPPED, *, days: int = 0) -> UUID:
    """A notification that is so many days old; its id."""
    ((id_,),) = await shop.rows(
        "INSERT INTO notifications (id, user_id, kind, event, created_at) VALUES "
        "(uuidv7(make_interval(days => -CAST(:days AS int))), :user, :kind, gen_random_uuid()::text, "
        "now() - make_interval(days => :days)) RETURNING id",
        user=user_id,
        kind=kind.value,
        days=days,
    )
    return UUID(str(id_))


async def page(shop: Shop, user_id: UUID, is_unread: bool | None = None) -> list[UUID]:
    async with shop.database.reading() as session:
        return [row.notification.id for row in await inbox.page(session, user_id, 10, is_unread=is_unread)]


async def mark(shop: Shop, user_id: UUID, notification_id: UUID, *, as_read: bool = True) -> bool:
    async with shop.database.transaction() as session:
        marked = await inbox.mark(session, user_id, notification_id, as_read=as_read)
    return marked.notification.read_at is not None


async def test_an_inbox_is_its_owners_and_the_newest_comes_first(shop: Shop, ada: UUID) -> None:
    oldest, newest = await put(shop, ada, days=2), await put(shop, ada)
    await put(shop, await shop.user())
    assert await page(shop, ada) == [newest, oldest]
    assert await mark(shop, ada, oldest)
    assert (await page(shop, ada, True), await page(shop, ada, False)) == ([newest], [oldest])


async def test_what_was_read_once_was_read_then(shop: Shop, ada: UUID) -> None:
    id_ = await put(shop, ada)
    assert await mark(shop, ada, id_)
    before = await shop.rows("SELECT read_at FROM notifications")
    assert await mark(shop, ada, id_)
    assert await shop.rows("SELECT read_at FROM notifications") == before
    assert not await mark(shop, ada, id_, as_read=False)


async def test_nobody_reads_for_another(shop: Shop, ada: UUID) -> None:
    id_ = await put(shop, ada)
    with pytest.raises(NotFound):
        await mark(shop, await shop.user("admin"), id_)
    assert await page(shop, ada, True) == [id_]


async def test_everything_is_read_at_once_and_only_ones_own(shop: Shop, ada: UUID) -> None:
    other = await shop.user()
    for user_id in (ada, ada, other):
        await put(shop, user_id)
    async with shop.database.transaction() as session:
        assert await inbox.mark_all(session, ada) == 2
        assert await inbox.mark_all(session, ada) == 0
        assert await inbox.standing(session, ada) == Standing(0, None)
        assert await inbox.standing(session, other) == Standing(1, None)


async def test_what_was_read_is_forgotten_after_its_time_with_its_mail_and_what_was_not_stays(
    shop: Shop, ada: UUID
) -> None:
    old, late = KEPT_FOR.days + 1, KEPT_FOR.days - 1
    read, unread, lately = (
        await put(shop, ada, days=old),
        await put(shop, ada, days=old),
        await put(shop, ada, days=late),
    )
    waiting = await put(shop, ada, NoticeKind.COD_WAITING, days=late)
    await put(shop, ada, NoticeKind.COD_WAITING, days=old)
    for id_ in (read, lately):
        await mark(shop, ada, id_)
        await shop.rows(
            "INSERT INTO mails (user_id, purpose, notification_id) VALUES (:id, 'notice', :n)", id=ada, n=id_
        )
    async with shop.database.transaction() as session:
        await inbox.forget_old(session)
    assert set(await page(shop, ada)) == {unread, lately, waiting}
    assert await shop.rows("SELECT notification_id FROM mails") == [(lately,)]
