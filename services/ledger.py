"""The double-entry ledger of money: a transaction is booked once per fact, and its entries sum to zero."""

from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.money import Money
from models.payments import Account, LedgerEntry, LedgerTransaction


async def book(
    session: AsyncSession, payment_id: UUID, kind: str, fact: str, amount: Money, *, debit: Account, credit: Account
) -> bool:
    """Book `amount` from `credit` to `debit`; False when this fact is in the books already."""
    transaction = (
        insert_or_skip(LedgerTransaction)
        .values(payment_id=payment_id, kind=kind, fact=fact)
        .on_conflict_do_nothing()
        .returning(col(LedgerTransaction.id))
    )
    transaction_id = (await session.execute(transaction)).scalar_one_or_none()
    if transaction_id is None:
        return False
    entries = [
        {"transaction_id": transaction_id, "account": account, "currency": amount.currency, "amount": signed}
        for account, signed in ((debit, amount.amount), (credit, -amount.amount))
    ]
    await session.execute(insert(LedgerEntry), entries)
    return True
