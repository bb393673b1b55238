"""Each invariant of the money reports what breaks it, and no other does, but for the sums over the shop."""

# ruff: noqa: S608 — the statements are made of constants of this module

import pytest

from tests.services.invariants.conftest import Books

WITHOUT_CHECK = "ALTER TABLE payments DROP CONSTRAINT ck_payments_amounts_in_order"
ONE_PER_ORDER = "ALTER TABLE payments DROP CONSTRAINT uq_payments_order_id"


def payment_of(name: str) -> str:
    return f"(SELECT id FROM payments WHERE order_id = :{name})"


def booked(name: str, kind: str, amount: int, account: str = "provider_clearing") -> tuple[str, ...]:
    """Statements that book this on the payment of an order, both sides of it."""
    return (
        f"INSERT INTO ledger_transactions (payment_id, kind, fact) SELECT {payment_of(name)}, '{kind}', 'by hand'",
        *(
            "INSERT INTO ledger_entries (transaction_id, account, currency, amount) "
            f"SELECT id, '{side}', 'USD', {signed} FROM ledger_transactions WHERE fact = 'by hand' "
            f"AND payment_id = {payment_of(name)}"
            for side, signed in ((account, amount), ("sales", -amount))
        ),
    )


def refund(name: str, amount: int, status: str = "succeeded") -> str:
    """A statement that writes a refund of an order's payment, and nothing else of it."""
    return (
        "INSERT INTO refunds (payment_id, order_id, cause, status, currency, amount, reason, requested_by) "
        f"SELECT id, order_id, 'staff', '{status}', currency, {amount}, '', 'staff' FROM payments "
        f"WHERE order_id = :{name}"
    )


def given_back(name: str, amount: int) -> tuple[str, ...]:
    """Statements that give this back of an order's payment, as `services.refunds` does."""
    paid_back = f"UPDATE payments SET refunded = refunded + {amount} WHERE order_id = :{name}"
    return paid_back, refund(name, amount), *booked(name, "refund", -amount)


async def test_m1_finds_a_total_that_its_lines_do_not_make(books: Books) -> None:
    dearer = "UPDATE order_lines SET unit_price = unit_price + 1, line_total = line_total + quantity"
    assert await books.spoiled(f"{dearer} WHERE order_id = :held AND sku = 'LAMP'") == {"M1": [books["held"]]}
    shipped = "UPDATE orders SET shipping = 5, subtotal = subtotal - 5 WHERE id = :held"
    assert await books.spoiled(shipped) == {"M1": [books["held"]]}
    assert await books.spoiled("DELETE FROM order_lines WHERE order_id = :held") == {"M1": [books["held"]]}


async def test_m2_finds_more_taken_than_was_to_be_paid(books: Books) -> None:
    found = await books.spoiled(WITHOUT_CHECK, "UPDATE payments SET amount = captured - 1 WHERE order_id = :paid")
    assert found == {"M2": [books["paid"]]}


async def test_m3_finds_two_captured_payments_of_one_order(books: Books) -> None:
    found = await books.spoiled(
        ONE_PER_ORDER,
        "INSERT INTO payments (order_id, provider, provider_ref, status, currency, amount, captured, confirmations) "
        "SELECT order_id, provider, 'pi_second', status, currency, amount, captured, 1 FROM payments "
        "WHERE order_id = :paid",
        "INSERT INTO ledger_transactions (payment_id, kind, fact) "
        "SELECT id, 'capture', 'pi_second' FROM payments WHERE provider_ref = 'pi_second'",
        "INSERT INTO ledger_entries (transaction_id, account, currency, amount) "
        "SELECT t.id, account, 'USD', sign * 3000 FROM ledger_transactions t, "
        "(VALUES ('provider_clearing', 1), ('sales', -1)) AS side (account, sign) WHERE fact = 'pi_second'",
    )
    assert found == {"M3": [books["paid"]]}


async def test_m2_finds_more_claimed_than_was_taken(books: Books) -> None:
    assert await books.spoiled(refund("paid", 2999, "pending"), refund("paid", 1, "pending")) == {}
    assert await books.spoiled(refund("paid", 3000, "failed"), refund("paid", 1, "pending")) == {}
    found = await books.spoiled(refund("paid", 2999, "pending"), refund("paid", 2, "pending"))
    assert found == {"M2": [books["paid"]]}


async def test_m4_finds_a_live_order_whose_money_was_all_given_back(books: Books) -> None:
    assert await books.spoiled(*given_back("paid", 2999)) == {}
    assert await books.spoiled(*given_back("paid", 3000)) == {"M4": [books["paid"]]}


async def test_m4_finds_a_delivered_order_that_nobody_paid(books: Books) -> None:
    delivered = "UPDATE orders SET status = 'delivered' WHERE id = :to_deliver"
    event = "UPDATE order_events SET to_status = 'delivered' WHERE order_id = :to_deliver AND to_status = 'confirmed'"
    found = await books.spoiled(delivered, event)
    assert found == {"M4": [books["to_deliver"]], "S5": [books["to_deliver"]]}, "and nothing has left"


async def test_m4_finds_a_refunded_order_that_has_kept_money(books: Books) -> None:
    spent = "UPDATE orders SET status = 'refunded' WHERE id = :delivered"
    event = "UPDATE order_events SET to_status = 'refunded' WHERE order_id = :delivered AND to_status = 'delivered'"
    found = await books.spoiled(spent, event)
    assert found["M4"] == [books["delivered"]]


async def test_m4_finds_two_captures_of_other_amounts_that_even_out(books: Books) -> None:
    found = await books.spoiled(
        "UPDATE payments SET captured = captured - 7 WHERE order_id = :paid",
        "UPDATE payments SET captured = captured + 7, amount = amount + 7 WHERE order_id = :paid_too",
    )
    assert {name: set(offenders) for name, offenders in found.items()} == {"M4": {books["paid"], books["paid_too"]}}


@pytest.mark.parametrize("status", ["pending_payment", "cancelled"])
async def test_m4_and_m6_find_money_of_an_order_that_is_not_owed_any(books: Books, status: str) -> None:
    stock = {"pending_payment": "held", "cancelled": "released"}[status]
    found = await books.spoiled(
        f"UPDATE orders SET status = '{status}', reservation_status = '{stock}' WHERE id = :paid",
        f"UPDATE reservations SET status = '{stock}' WHERE order_id = :paid",
    )
    assert (found["M4"], found["M6"]) == ([books["paid"]], ["USD"])


async def test_m5_finds_a_refund_that_the_ledger_has_under_another_name(books: Books) -> None:
    refunded = "UPDATE payments SET refunded = 500 WHERE order_id = :paid"
    assert await books.spoiled(refunded, refund("paid", 500), *booked("paid", "refund", -500)) == {}
    found = await books.spoiled(refunded, refund("paid", 500), *booked("paid", "adjustment", -500))
    assert found == {"M5": [books["paid"]]}


@pytest.mark.parametrize("status", ["pending", "failed"])
async def test_m5_finds_money_given_back_by_no_refund_that_succeeded(books: Books, status: str) -> None:
    refunded = "UPDATE payments SET refunded = 500 WHERE order_id = :paid"
    for known in ((), (refund("paid", 500, status),), (refund("paid", 499),)):
        found = await books.spoiled(refunded, *known, *booked("paid", "refund", -500))
        assert found == {"M5": [books["paid"]]}


async def test_m5_finds_a_refund_that_moved_no_money(books: Books) -> None:
    assert await books.spoiled(refund("paid", 500)) == {"M5": [books["paid"]]}


async def test_m6_finds_that_the_shop_has_less_than_its_orders_are_worth(books: Books) -> None:
    """The sum of what M4 says of each order: whoever breaks it breaks both."""
    found = await books.spoiled(
        "UPDATE payments SET captured = captured - 500 WHERE order_id = :paid", *booked("paid", "capture", -500)
    )
    assert found == {"M4": [books["paid"]], "M6": ["USD"]}


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE ledger_entries SET amount = amount - 1 WHERE account = 'sales' AND transaction_id = {}",
        "DELETE FROM ledger_entries WHERE account = 'sales' AND transaction_id = {}",
        "UPDATE ledger_entries SET currency = 'EUR' WHERE account = 'sales' AND transaction_id = {}",
    ],
)
async def test_m7_finds_a_transaction_that_does_not_sum_to_zero(books: Books, spoil: str) -> None:
    transaction = f"(SELECT id FROM ledger_transactions WHERE payment_id = {payment_of('paid')})"
    (expected,) = await books.shop.rows(f"SELECT {transaction}", paid=books.ids["paid"])
    found = await books.spoiled(spoil.format(transaction))
    assert {name: set(offenders) for name, offenders in found.items()} == {"M7": {str(expected[0])}}


async def test_m8_finds_a_booking_that_no_payment_explains(books: Books) -> None:
    assert await books.spoiled(*booked("paid", "capture", 1)) == {"M8": ["provider_clearing USD"]}


async def test_m8_finds_a_capture_that_was_never_booked(books: Books) -> None:
    found = await books.spoiled(
        f"DELETE FROM ledger_entries WHERE transaction_id IN "
        f"(SELECT id FROM ledger_transactions WHERE payment_id = {payment_of('paid')})"
    )
    assert found == {"M8": ["provider_clearing USD"]}


async def test_m8_finds_cash_in_the_providers_account_and_the_providers_money_in_cash(books: Books) -> None:
    moved = "UPDATE ledger_entries SET account = '{}' WHERE account = '{}'"
    both = {"M8": ["cash USD", "provider_clearing USD"]}
    for into, out_of in (("provider_clearing", "cash"), ("cash", "provider_clearing")):
        found = await books.spoiled(moved.format(into, out_of))
        assert {name: sorted(offenders) for name, offenders in found.items()} == both


async def test_m8_finds_cash_that_was_paid_back_out_of_the_wrong_account(books: Books) -> None:
    refunded = "UPDATE payments SET refunded = 500 WHERE order_id = :delivered"
    assert await books.spoiled(refunded, refund("delivered", 500), *booked("delivered", "refund", -500, "cash")) == {}
    found = await books.spoiled(refunded, refund("delivered", 500), *booked("delivered", "refund", -500))
    assert {name: sorted(offenders) for name, offenders in found.items()} == {
        "M8": ["cash USD", "provider_clearing USD"]
    }
