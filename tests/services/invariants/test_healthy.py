"""A shop in good order has nothing to report, and every invariant of the contract has looked."""

from services import invariants
from services.invariants import ALL
from tests.services.invariants.conftest import Books


def test_each_invariant_that_the_database_can_answer_for_is_there_once() -> None:
    names = [invariant.name for invariant in ALL]
    assert sorted(names) == sorted([f"S{n}" for n in range(1, 7)] + [f"M{n}" for n in range(1, 9)] + ["I1", "E1"])
    assert all(invariant.meaning for invariant in ALL)


async def test_a_healthy_shop_reports_nothing(books: Books) -> None:
    assert await books.spoiled() == {}
    async with books.shop.database.snapshot() as session:
        found = {finding.name: finding for finding in await invariants.check(session)}
    assert all(finding.violations == 0 and finding.offenders == [] for finding in found.values())
    assert all(finding.checked > 0 for finding in found.values()), "each had something to look at"
    assert [found["M6"].checked, found["M8"].checked] == [1, 2], "one currency; the provider's account and the cash"
    assert (found["S1"].checked, found["E1"].checked, found["I1"].checked) == (2, 7, 8)
