"""The double-entry ledger: a fact is booked once, both sides at a time, and Postgres refuses half a transaction."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.money import Money
from models.payments import Account
from services import ledger, payments
from tests.builders import Shop


@pytest.fixture
async def payment_id(shop: Shop) -> UUID:
    await shop.product("LAMP")
    order_id = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        return (await payments.open_payment(session, order_id, "stripe")).id


async def book(shop: Shop, payment_id: UUID, fact: str, amount: Money, **more: Any) -> bool:
    sides = {"debit": Account.CLEARING, "credit": Account.SALES} | more
    async with shop.database.transaction() as session:
        return await ledger.book(session, payment_id, "capture", fact, amount, **sides)


async def balance(shop: Shop) -> dict[str, int]:
    statement = "SELECT account, sum(amount)::bigint FROM ledger_entries GROUP BY account"
    return {row[0]: row[1] for row in await shop.rows(statement)}


async def test_what_is_debited_is_credited(shop: Shop, payment_id: UUID) -> None:
    assert await book(shop, payment_id, "pi_1", Money(1999, "USD"))
    assert await balance(shop) == {"provider_clearing": 1999, "sales": -1999}


async def test_the_opposite_booking_brings_the_accounts_back(shop: Shop, payment_id: UUID) -> None:
    await book(shop, payment_id, "pi_1", Money(1999, "USD"))
    await book(shop, payment_id, "re_1", Money(1999, "USD"), debit=Account.SALES, credit=Account.CLEARING)
    assert await balance(shop) == {"provider_clearing": 0, "sales": 0}


async def test_a_fact_is_booked_once_whoever_repeats_it(shop: Shop, payment_id: UUID) -> None:
    amount = Money(1999, "USD")
    booked = await asyncio.gather(*(book(shop, payment_id, "pi_1", amount) for _ in range(8)))
    assert sorted(booked) == [False] * 7 + [True]
    assert not await book(shop, payment_id, "pi_1", Money(1, "USD"))
    assert await balance(shop) == {"provider_clearing": 1999, "sales": -1999}


@pytest.mark.parametrize(
    "half",
    [
        "UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'sales'",
        "DELETE FROM ledger_entries WHERE account = 'provider_clearing'",
        "UPDATE ledger_entries SET currency = 'EUR' WHERE account = 'sales'",
        "INSERT INTO ledger_entries (transaction_id, account, currency, amount) "
        "SELECT transaction_id, 'sales', 'USD', 5 FROM ledger_entries LIMIT 1",
    ],
)
async def test_a_transaction_that_does_not_sum_to_zero_is_refused(shop: Shop, payment_id: UUID, half: str) -> None:
    await book(shop, payment_id, "pi_1", Money(1999, "USD"))
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        await shop.rows(half)
    assert await balance(shop) == {"provider_clearing": 1999, "sales": -1999}


async def test_a_transaction_is_judged_when_it_is_whole(shop: Shop, payment_id: UUID) -> None:
    """Its entries come one after the other; what counts is the commit."""
    await book(shop, payment_id, "pi_1", Money(1999, "USD"))
    async with shop.database.transaction() as session:
        for account, amount in (("sales", 5), ("provider_clearing", -5)):
            await session.execute(
                text(
                    "INSERT INTO ledger_entries (transaction_id, account, currency, amount) "
                    "SELECT id, :account, 'USD', :amount FROM ledger_transactions"
                ),
                {"account": account, "amount": amount},
            )
    assert await balance(shop) == {"provider_clearing": 1994, "sales": -1994}


async def test_nothing_is_booked_for_nothing(shop: Shop, payment_id: UUID) -> None:
    with pytest.raises(IntegrityError, match="amount_not_zero"):
        await book(shop, payment_id, "pi_1", Money(0, "USD"))
    assert await shop.rows("SELECT count(*) FROM ledger_transactions") == [(0,)]
