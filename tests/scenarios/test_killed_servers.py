"""kill -9 of anything else while shoppers click: every click ends as its one order, and the books add up."""

import asyncio

import httpx
import pytest

from devstack.demo.actors import Bank, Person
from devstack.stack import Stack
from devstack.verify import lasting_violations
from tests.scenarios.shopping import SKU, click_until_answered, new_key, newcomer, settled

SHOPPERS = 6


@pytest.mark.parametrize("victim", ["api", "postgres", "redis", "temporal", "sandbox"])
async def test_clicks_survive_the_death_of(
    victim: str, stack: Stack, api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    shoppers = [await newcomer(api) for _ in range(SHOPPERS)]
    for shopper in shoppers:
        await shopper.put_into_cart(SKU)
    clicks = [asyncio.create_task(click_until_answered(shopper, new_key())) for shopper in shoppers]
    await asyncio.sleep(0.1)  # somewhere in the middle, elsewhere each time
    stack.kill9(victim)
    async with asyncio.timeout(60):
        orders = await asyncio.gather(*clicks)
        ends = {await settled(staff, order["id"]) for order in orders}
    assert ends == {("confirmed", "captured")}
    assert len({order["id"] for order in orders}) == SHOPPERS
    for order in orders:
        assert len(await bank.charges_of(order["id"])) == 1
    _, broken = await lasting_violations(staff)
    assert broken == []
