"""Checkout requests: the inert row that is written before the message which starts the order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import CartAlreadyOrdered, KeyReused, OutOfStock
from domain.orders import PaymentMethod
from models.catalogue import Variant
from models.orders import CartClaim, CheckoutRequest, Order, RequestOutcome


@dataclass(frozen=True)
class NewRequest:
    """What the shopper asked for. `lines` are snapshots: {sku, product_id, name, quantity, unit_price}."""

    order_id: UUID
    user_id: UUID
    idempotency_key: str
    fingerprint: str
    payment_method: PaymentMethod
    payment_token: str | None
    shipping_address: dict[str, Any]
    notes: str | None
    cart_id: UUID
    cart_version: int
    currency: str
    lines: list[dict[str, Any]]


def fingerprint_of(body: dict[str, Any]) -> str:
    """The same for two bodies that mean the same, whatever the order of their fields."""
    return sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def find(session: AsyncSession, order_id: UUID, fingerprint: str) -> CheckoutRequest | None:
    """The request that this key made before, marked as asked for again. Raises KeyReused for another body."""
    statement = (
        update(CheckoutRequest)
        .where(col(CheckoutRequest.order_id) == order_id)
        .values(touched_at=func.now())
        .returning(CheckoutRequest)
    )
    request = (await session.execute(statement)).scalar_one_or_none()
    if request is not None and request.fingerprint != fingerprint:
        raise KeyReused
    return request


async def record(session: AsyncSession, new: NewRequest) -> bool:
    """Write the request and claim its cart; False when this very key was faster elsewhere.

    Raises CartAlreadyOrdered when another key holds the cart, or has ordered it since it was read, and OutOfStock when
    a SKU was deleted since.
    """
    await _keep_skus(session, new.lines)
    statement = insert(CheckoutRequest).values(**vars(new)).on_conflict_do_nothing()
    written = await session.execute(statement.returning(col(CheckoutRequest.order_id)))
    if written.scalar_one_or_none() is None:
        if await session.get(CheckoutRequest, new.order_id) is not None:
            return False
        raise CartAlreadyOrdered(**await _holder(session, new.cart_id))
    # With the claim in hand, a second look: an order that took its lines while we read the cart has left a mark.
    if holder := await ordered_from(session, new.cart_id, new.cart_version + 1):
        raise CartAlreadyOrdered(order_id=str(holder))
    return True


async def _keep_skus(session: AsyncSession, lines: Sequence[Mapping[str, Any]]) -> None:
    """Whoever deletes one of them waits until this request can be seen, which forbids it."""
    skus = {line["sku"]: line["quantity"] for line in lines}
    sold = [(line["sku"], UUID(line["product_id"])) for line in lines]  # a new product may have the SKU by now
    kept = select(col(Variant.sku)).where(tuple_(col(Variant.sku), col(Variant.product_id)).in_(sold))
    kept = kept.order_by(col(Variant.sku)).with_for_update(read=True, key_share=True)
    there = set((await session.execute(kept)).scalars())
    if gone := [sku for sku in skus if sku not in there]:
        short = [{"sku": sku, "requested": skus[sku], "available": 0} for sku in gone]
        raise OutOfStock(f"{', '.join(gone)}: no longer sold.", lines=short)


async def ordered_from(session: AsyncSession, cart_id: UUID, version: int) -> UUID | None:
    """The latest order that took its lines out of this cart and left it at `version` or later."""
    statement = (
        select(col(CheckoutRequest.order_id))
        .where(col(CheckoutRequest.cart_id) == cart_id, col(CheckoutRequest.taken_version) >= version)
        .order_by(col(CheckoutRequest.taken_version).desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def _holder(session: AsyncSession, cart_id: UUID) -> dict[str, str]:
    statement = (
        select(col(CheckoutRequest.order_id))
        .where(col(CheckoutRequest.cart_id) == cart_id, col(CheckoutRequest.claim) != CartClaim.FREED)
        .order_by(col(CheckoutRequest.created_at).desc())
        .limit(1)
    )
    holder = (await session.execute(statement)).scalar_one_or_none()
    return {} if holder is None else {"order_id": str(holder)}


async def accept(session: AsyncSession, order_id: UUID) -> bool:
    """From now on the same key answers with the order. An answer that was given stays; True when this is the first."""
    return await _settle(session, order_id, outcome=RequestOutcome.ACCEPTED)


async def refuse(session: AsyncSession, order_id: UUID, refusal: dict[str, Any]) -> bool:
    """Free the cart, and remember the refusal unless the shopper was told of an order before: then False."""
    held = (col(CheckoutRequest.order_id) == order_id, col(CheckoutRequest.claim) == CartClaim.HELD)
    await session.execute(update(CheckoutRequest).where(*held).values(claim=CartClaim.FREED))
    return await _settle(session, order_id, outcome=RequestOutcome.REFUSED, refusal=refusal)


async def mark_taken(session: AsyncSession, order_id: UUID, version: int) -> None:
    """The order's lines are out of the cart, which is at `version` now."""
    held = (col(CheckoutRequest.order_id) == order_id, col(CheckoutRequest.claim) == CartClaim.HELD)
    await session.execute(update(CheckoutRequest).where(*held).values(claim=CartClaim.TAKEN, taken_version=version))


async def _settle(session: AsyncSession, order_id: UUID, **values: Any) -> bool:
    unsettled = (col(CheckoutRequest.order_id) == order_id, col(CheckoutRequest.outcome).is_(None))
    statement = update(CheckoutRequest).where(*unsettled).values(**values).returning(col(CheckoutRequest.order_id))
    return (await session.execute(statement)).scalar_one_or_none() is not None


def _without_order() -> ColumnElement[bool]:
    return ~exists().where(col(Order.id) == CheckoutRequest.order_id)


async def unsent(session: AsyncSession, older_than: timedelta) -> list[UUID]:
    """Requests without an order that nobody has asked for lately: perhaps their message was never sent."""
    statement = (
        select(col(CheckoutRequest.order_id))
        .where(col(CheckoutRequest.outcome).is_(None), col(CheckoutRequest.touched_at) < func.now() - older_than)
        .where(_without_order())
        .limit(100)
    )
    return list((await session.execute(statement)).scalars())


async def forget(session: AsyncSession, order_id: UUID, older_than: timedelta) -> bool:
    """Delete a request that became nothing: its key and its cart are free again."""
    statement = delete(CheckoutRequest).where(
        col(CheckoutRequest.order_id) == order_id,
        col(CheckoutRequest.outcome).is_(None),
        col(CheckoutRequest.touched_at) < func.now() - older_than,
        _without_order(),
    )
    return (await session.execute(statement.returning(col(CheckoutRequest.order_id)))).scalar_one_or_none() is not None
