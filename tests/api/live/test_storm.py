"""Writers commit out of order, clients come and go, connections are lost: each notification is told once."""

import asyncio
import random
from contextlib import suppress
from uuid import UUID

from tests.api.conftest import Caller, Wires
from tests.api.live.listening import hearing
from tests.builders import Shop
from tests.notices import told, write

STREAM = "/notifications/stream"
WRITERS, EACH = 4, 20
LAST = "LAST"
SEED = 2


class Undone(Exception):
    """Rolls a transaction back."""


async def writing(shop: Shop, user_id: UUID, chance: random.Random) -> set[str]:
    """Transactions that are held open for a while, some of them for nothing; the ids of what was committed."""
    written = set()
    for _ in range(EACH):
        ids = set()
        with suppress(Undone):
            async with shop.database.transaction() as session:
                for _ in range(chance.choice([1, 1, 2])):
                    ids.add(str(await write(session, user_id)))
                    await asyncio.sleep(chance.random() * 0.03)
                if chance.random() < 0.2:
                    raise Undone
            written |= ids
    return written


async def reading(address: str, caller: Caller, last_id: str | None, chance: random.Random) -> list[str]:
    """What a client is told that goes after a few notifications, and comes back with the last id that it saw."""
    seen: list[str] = []
    while True:
        async with hearing(address, STREAM, caller, last_id) as ear:
            for _ in range(chance.randint(1, 6)):
                if (event := await ear.event()) is None:  # 503, as the connection was lost just then
                    break
                if event.data["facts"]["sku"] == LAST:
                    return seen
                seen.append(event.data["id"])
            last_id = ear.last_id


async def test_clients_that_come_and_go_see_each_notification_once_and_all_in_the_same_order(
    far: str, wires: Wires, customer: Caller, shop: Shop
) -> None:
    assert customer.user_id
    chance = random.Random(SEED)
    async with hearing(far, STREAM, customer) as ear:
        await ear.block()
    readers = [asyncio.create_task(reading(far, customer, ear.last_id, random.Random(SEED + n))) for n in range(3)]
    writers = [asyncio.create_task(writing(shop, customer.user_id, chance)) for _ in range(WRITERS)]
    for _ in range(2):
        await asyncio.sleep(0.1 + chance.random() * 0.2)
        wires.postgres.cut()
        await wires.postgres.mend()
    written = set[str]().union(*await asyncio.gather(*writers))
    await told(shop.database, customer.user_id, LAST)
    seen = await asyncio.gather(*readers)
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == len(set(seen[0]))
    assert set(seen[0]) == written
