"""Keys of machines: told once, found by one query, good for what they were given."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import Forbidden, NotFound, NotSignedIn
from domain.permissions import Permission, Role
from services import api_keys
from services.api_keys import GRANTABLE, Machine, NewKey
from tests.builders import Shop
from tests.queries import counted_queries

STOCK = frozenset({Permission.INVENTORY_READ, Permission.INVENTORY_WRITE})
ALL = Role.ADMIN.permissions


@pytest.fixture
async def admin(shop: Shop) -> UUID:
    return await shop.user("admin")


async def create(
    shop: Shop,
    creator: UUID,
    permissions: frozenset[Permission] = STOCK,
    may_grant: frozenset[Permission] = ALL,
    expires_at: datetime | None = None,
) -> tuple[UUID, str]:
    async with shop.database.transaction() as session:
        return await api_keys.create(session, NewKey("Warehouse", permissions, expires_at), creator, may_grant)


async def find(shop: Shop, key: str) -> Machine:
    async with shop.database.reading() as session:
        return await api_keys.find(session, key)


async def is_good(shop: Shop, key: str) -> bool:
    try:
        await find(shop, key)
    except NotSignedIn:
        return False
    return True


async def test_a_key_speaks_for_a_user_of_its_own_with_the_permissions_that_it_was_given(
    shop: Shop, admin: UUID
) -> None:
    _, key = await create(shop, admin)
    with counted_queries(shop.database) as queries:
        machine = await find(shop, key)
    assert len(queries) == 1
    assert machine.permissions == STOCK
    assert await shop.rows("SELECT role, full_name FROM users WHERE id = :id", id=machine.user_id) == [
        ("service", "Warehouse")
    ]


async def test_a_key_is_kept_as_its_prefix_and_hash(shop: Shop, admin: UUID) -> None:
    _, key = await create(shop, admin)
    ((prefix, row),) = await shop.rows("SELECT prefix, k::text FROM api_keys k")
    assert key.startswith(f"{prefix}_")
    assert prefix.startswith("tw_")
    assert len(prefix) == 15
    assert key not in row
    assert len(key.removeprefix(f"{prefix}_")) == 43, "256 bits"


async def test_a_key_that_is_not_one_is_refused(shop: Shop, admin: UUID) -> None:
    _, key = await create(shop, admin)
    for wrong in (key[:-1], key + "x", key.upper(), "tw_", "tw_" + "x" * 5000, ""):
        assert not await is_good(shop, wrong)


async def test_a_key_is_good_until_it_expires_or_is_revoked(shop: Shop, admin: UUID) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    (_, short), (key_id, revoked) = await create(shop, admin, expires_at=soon), await create(shop, admin)
    assert await is_good(shop, short)
    await shop.rows("UPDATE api_keys SET expires_at = now() WHERE expires_at IS NOT NULL")
    assert not await is_good(shop, short)
    assert await is_good(shop, revoked)
    async with shop.database.transaction() as session:
        assert [await api_keys.revoke(session, key_id) for _ in range(2)] == [True, False]
    assert not await is_good(shop, revoked)


async def test_nothing_is_revoked_that_is_not_there(shop: Shop, admin: UUID) -> None:
    async with shop.database.transaction() as session:
        with pytest.raises(NotFound):
            await api_keys.revoke(session, admin)


@pytest.mark.parametrize("beyond", [Permission.STAFF_WRITE, Permission.API_KEYS_WRITE])
async def test_no_key_can_make_an_admin_or_another_key(shop: Shop, admin: UUID, beyond: Permission) -> None:
    with pytest.raises(Forbidden):
        await create(shop, admin, STOCK | {beyond})
    _, key = await create(shop, admin, GRANTABLE)
    await shop.rows(f"UPDATE api_keys SET permissions = permissions || ARRAY['{beyond}', 'unknown:write']")  # noqa: S608
    assert (await find(shop, key)).permissions == GRANTABLE


async def test_nobody_gives_a_key_more_than_they_have(shop: Shop, admin: UUID) -> None:
    with pytest.raises(Forbidden):
        await create(shop, admin, STOCK, may_grant=frozenset({Permission.INVENTORY_READ}))
    assert await shop.rows("SELECT 1 FROM api_keys") == []


async def test_a_use_is_noted_once_a_minute(shop: Shop, admin: UUID) -> None:
    key_id, key = await create(shop, admin)
    assert (await find(shop, key)).is_use_to_be_noted
    async with shop.database.transaction() as session:
        await api_keys.note_use(session, key_id)
    assert not (await find(shop, key)).is_use_to_be_noted
    await shop.rows("UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'")
    assert (await find(shop, key)).is_use_to_be_noted


async def test_keys_are_listed_the_newest_first_page_by_page(shop: Shop, admin: UUID) -> None:
    made = [(await create(shop, admin))[0] for _ in range(3)]
    async with shop.database.reading() as session:
        first = await api_keys.page(session, 2, None)
        rest = await api_keys.page(session, 2, (first[-1].created_at, first[-1].id))
    assert [key.id for key in [*first, *rest]] == made[::-1]
