"""Each invariant of the stock reports what breaks it, and no other does."""

import pytest

from tests.services.invariants.conftest import Books

WITHOUT_CHECK = "ALTER TABLE stock DROP CONSTRAINT ck_stock_reserved_within_on_hand"


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'LAMP'",
        "UPDATE stock_movements SET delta = delta + 1 WHERE sku = 'LAMP' AND kind = 'receipt'",
        "DELETE FROM stock_movements WHERE sku = 'LAMP' AND kind = 'receipt'",
    ],
)
async def test_s1_finds_stock_that_its_ledger_does_not_explain(books: Books, spoil: str) -> None:
    assert await books.spoiled(spoil) == {"S1": ["LAMP"]}


async def test_s1_finds_movements_of_stock_that_is_not_there(books: Books) -> None:
    assert await books.spoiled("DELETE FROM stock WHERE sku = 'LAMP'") == {"S1": ["LAMP"], "S2": ["LAMP"]}


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE stock SET reserved = reserved - 1 WHERE sku = 'LAMP'",
        "UPDATE stock SET reserved = 0 WHERE sku = 'LAMP'",
        "UPDATE reservations SET quantity = quantity + 1 WHERE sku = 'LAMP' AND order_id = :held",
    ],
)
async def test_s2_finds_units_reserved_for_nobody_or_held_without_being_reserved(books: Books, spoil: str) -> None:
    assert await books.spoiled(spoil) == {"S2": ["LAMP"]}


async def test_s3_finds_more_reserved_than_there_is(books: Books) -> None:
    """The count was corrected, ledger and all, below what is held: no CHECK would let it."""
    found = await books.spoiled(
        WITHOUT_CHECK,
        "INSERT INTO stock_movements (sku, location_id, delta, kind, reason) "
        "SELECT sku, location_id, reserved - 1 - on_hand, 'adjustment', 'count' FROM stock WHERE sku = 'LAMP'",
        "UPDATE stock SET on_hand = reserved - 1 WHERE sku = 'LAMP'",
    )
    assert found == {"S3": ["LAMP"]}


async def test_s3_finds_a_negative_reserve(books: Books) -> None:
    """No hold can make one, so that S2 reports it too."""
    found = await books.spoiled(WITHOUT_CHECK, "UPDATE stock SET reserved = -1 WHERE sku = 'LAMP'")
    assert found == {"S2": ["LAMP"], "S3": ["LAMP"]}


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE stock_movements SET kind = 'adjustment' WHERE order_id = :paid AND sku = 'LAMP'",
        "UPDATE reservations SET quantity = quantity + 1 WHERE order_id = :paid AND sku = 'LAMP'",
        "DELETE FROM reservations WHERE order_id = :paid AND sku = 'LAMP'",
    ],
)
async def test_s4_finds_a_sale_that_the_ledger_does_not_have(books: Books, spoil: str) -> None:
    assert await books.spoiled(spoil) == {"S4": [books["paid"]]}


async def test_s4_finds_a_sale_of_an_order_that_was_undone(books: Books) -> None:
    found = await books.spoiled(
        "UPDATE reservations SET status = 'released' WHERE order_id = :paid",
        "UPDATE orders SET reservation_status = 'released' WHERE id = :paid",
    )
    assert found == {"S4": [books["paid"]] * 2, "S5": [books["paid"]]}, "once per SKU, and the order is confirmed"


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("paid", "UPDATE orders SET reservation_status = 'held' WHERE id = :paid"),
        ("delivered", "UPDATE orders SET reservation_status = 'none' WHERE id = :delivered"),
        ("held", "UPDATE orders SET reservation_status = 'none' WHERE id = :held"),
        ("waiting", "UPDATE orders SET reservation_status = 'expired' WHERE id = :waiting"),
        ("cancelled", "UPDATE orders SET reservation_status = 'committed' WHERE id = :cancelled"),
        ("cancelled", "UPDATE reservations SET status = 'expired' WHERE order_id = :cancelled AND sku = 'LAMP'"),
    ],
)
async def test_s5_finds_an_order_whose_stock_is_in_another_state(books: Books, name: str, spoil: str) -> None:
    assert await books.spoiled(spoil) == {"S5": [books[name]]}


async def test_s6_finds_a_hold_that_outlived_its_deadline(books: Books) -> None:
    late = "UPDATE reservations SET expires_at = now() - interval '{} seconds' WHERE order_id = :held AND sku = 'LAMP'"
    assert await books.spoiled(late.format(61)) == {"S6": [books["held"]]}
    assert await books.spoiled(late.format(59)) == {}


async def test_s6_has_no_word_on_what_is_sold_or_given_back(books: Books) -> None:
    past = "UPDATE reservations SET expires_at = now() - interval '1 hour' WHERE status <> 'held'"
    assert await books.spoiled(past) == {}


async def test_s4_names_the_sku_of_a_sale_that_belongs_to_no_order(books: Books) -> None:
    found = await books.spoiled("UPDATE stock_movements SET order_id = NULL WHERE kind = 'sale'")
    assert "LAMP" in found["S4"]
    assert None not in found["S4"]
