"""What a look at the invariants costs and shows."""

import pytest

from services import invariants
from services.invariants import ALL, SHOWN_OFFENDERS
from tests.builders import Shop
from tests.queries import counted_queries


async def test_an_empty_shop_reports_nothing(shop: Shop) -> None:
    await shop.require_invariants()


@pytest.mark.spoils_books
async def test_a_look_takes_one_query_per_invariant_and_shows_a_few_offenders(shop: Shop) -> None:
    for number in range(SHOWN_OFFENDERS + 5):
        await shop.product(f"SKU-{number}")
    await shop.rows("UPDATE stock SET on_hand = on_hand + 1")
    async with shop.database.snapshot() as session:
        with counted_queries(shop.database) as asked:
            (finding,) = await invariants.check(session, ALL[:1])
    assert len(asked) == 1
    assert (finding.name, finding.checked, finding.violations) == ("S1", 25, 25)
    assert len(finding.offenders) == SHOWN_OFFENDERS
