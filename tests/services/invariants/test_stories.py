"""What is told of an order holds together, and each key that was answered leads to one."""

import pytest

from tests.services.invariants.conftest import Books


@pytest.mark.parametrize("outcome", ["accepted", "refused"])
async def test_i1_finds_an_answer_that_leads_to_no_order(books: Books, outcome: str) -> None:
    answered = "UPDATE checkout_requests SET outcome = '{}' WHERE order_id = :asked"
    assert await books.spoiled(answered.format(outcome)) == {"I1": [books["asked"]]}


async def test_i1_finds_a_request_that_is_stuck(books: Books) -> None:
    asked = "UPDATE checkout_requests SET touched_at = now() - interval '{} seconds'"
    assert await books.spoiled(asked.format(91)) == {"I1": [books["asked"]]}, "the others have their order"
    assert await books.spoiled(asked.format(89)) == {}


@pytest.mark.parametrize(
    "spoil",
    [
        "DELETE FROM order_events WHERE order_id = :paid AND seq = 1",
        "DELETE FROM order_events WHERE order_id = :paid AND seq = 2",
        "DELETE FROM order_events WHERE order_id = :paid",
        "UPDATE order_events SET seq = 3 WHERE order_id = :paid AND seq = 2",
        "UPDATE order_events SET from_status = 'payment_failed' WHERE order_id = :paid AND seq = 2",
        "UPDATE order_events SET from_status = 'confirmed' WHERE order_id = :paid AND seq = 1",
        "UPDATE order_events SET from_status = NULL WHERE order_id = :paid AND seq = 2",
        "UPDATE order_events SET to_status = 'processing' WHERE order_id = :paid AND seq = 2",
        "UPDATE orders SET version = 3 WHERE id = :paid",
        "UPDATE orders SET version = 1 WHERE id = :paid",
        "UPDATE orders SET status = 'processing' WHERE id = :paid",
    ],
)
async def test_e1_finds_a_story_with_a_gap_or_another_end(books: Books, spoil: str) -> None:
    assert await books.spoiled(spoil) == {"E1": [books["paid"]]}


async def test_e1_finds_an_event_that_follows_from_no_state(books: Books) -> None:
    found = await books.spoiled(
        "INSERT INTO order_events (order_id, seq, kind, from_status, to_status, actor) "
        "VALUES (:paid, 3, 'shipped', 'processing', 'confirmed', 'staff')",
        "UPDATE orders SET version = 3 WHERE id = :paid",
    )
    assert found == {"E1": [books["paid"]]}
