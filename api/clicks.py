"""A click becomes a request row: the key is looked up first, then the cart is judged, then the row is written."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from domain.errors import CartAlreadyOrdered, CartEmpty, Fact, KeyReused, OutOfStock, PriceChanged, Unavailable
from domain.money import Money
from domain.orders import PaymentMethod, order_id_for
from domain.pricing import PricedLine, totals
from models.orders import CheckoutRequest
from services import idempotency
from services.carts import Cart, CartStore
from services.catalogue import selling
from services.customers import addressing, profile
from services.idempotency import Use
from services.orders import requesting
from services.orders.requesting import NewRequest


@dataclass(frozen=True)
class Click:
    """What the shopper sent. `address` is checked and complete, or `address_id` is of one in the shopper's book.

    `fingerprint` is the body's.
    """

    user_id: UUID
    key: str
    fingerprint: str
    payment_method: PaymentMethod
    payment_token: str | None
    address: dict[str, Any] | None
    address_id: UUID | None
    notes: str | None
    expected_total: Money | None


class Clicks:
    def __init__(self, database: Database, carts: CartStore) -> None:
        self._database = database
        self._carts = carts

    async def find_or_record(self, click: Click) -> tuple[CheckoutRequest, bool]:
        """The click's request row, and whether the click was seen before. The key is looked up before the cart.

        Raises KeyReused, CartEmpty, CartAlreadyOrdered, OutOfStock, PriceChanged, and NotFound for an address's id.
        """
        order_id = order_id_for(click.user_id, click.key)
        if (known := await self._find(click, order_id)) is not None:
            return known, True
        try:
            new = await self._judge(click, order_id)
            async with self._database.transaction() as session:
                await profile.require_present(session, click.user_id)
                is_new = await requesting.record(session, new)
        except Fact:
            # The same click may have been faster elsewhere, and its order may have emptied the cart by now.
            is_new = False
            if (request := await self._find(click, order_id)) is None:
                raise
        else:
            request = await self._find(click, order_id)
        if request is None:
            raise Unavailable("The request was withdrawn meanwhile: send it again.")
        return request, not is_new

    async def _find(self, click: Click, order_id: UUID) -> CheckoutRequest | None:
        async with self._database.transaction() as session:
            return await requesting.find(session, order_id, click.fingerprint)

    async def _judge(self, click: Click, order_id: UUID) -> NewRequest:
        """What the cart holds now, priced and in stock; a refusal here starts nothing and uses no key up."""
        if await self._carts.has_used(click.user_id, click.key):
            raise KeyReused
        cart, _ = await self._carts.open(click.user_id)
        async with self._database.transaction() as session:
            await idempotency.require_unused(session, click.user_id, click.key, but=Use.CHECKOUT)
            if not cart.quantities:
                if holder := await requesting.ordered_from(session, cart.id, cart.version):
                    raise CartAlreadyOrdered(order_id=str(holder))
                raise CartEmpty
            offers = await selling.offers(session, cart.quantities)
            address = await _address_of(session, click)
        lines = _price(cart, offers)
        currency = lines[0].unit_price.currency
        total = totals(lines, currency).total
        if click.expected_total is not None and click.expected_total != total:
            raise PriceChanged(
                f"The total is {total} now.", expected_total=vars(click.expected_total), total=vars(total)
            )
        return NewRequest(
            order_id=order_id,
            user_id=click.user_id,
            idempotency_key=click.key,
            fingerprint=click.fingerprint,
            payment_method=click.payment_method,
            payment_token=click.payment_token,
            shipping_address=address,
            notes=click.notes,
            cart_id=cart.id,
            cart_version=cart.version,
            currency=currency,
            lines=[_snapshot(line) for line in lines],
        )


async def _address_of(session: AsyncSession, click: Click) -> dict[str, Any]:
    """As it reads now: what becomes of the address book later is nothing to the order."""
    if click.address_id is None:
        return click.address or {}
    return addressing.parts_of(await addressing.one(session, click.user_id, click.address_id))


def _price(cart: Cart, offers: dict[str, selling.Offer]) -> list[PricedLine]:
    short = []
    for sku, quantity in cart.quantities.items():
        offer = offers.get(sku)
        is_sold = offer is not None and offer.is_sold_in(cart.currency)
        available = offer.available if offer is not None and is_sold else 0
        if available < quantity:
            short.append({"sku": sku, "requested": quantity, "available": available})
    if short:
        raise OutOfStock(f"Not enough stock of {', '.join(str(line['sku']) for line in short)}.", lines=short)
    return [
        PricedLine(sku, str(offers[sku].product_id), offers[sku].name, quantity, offers[sku].price)
        for sku, quantity in cart.quantities.items()
    ]


def _snapshot(line: PricedLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "product_id": line.product_id,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price.amount,
    }
