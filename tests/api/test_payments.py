"""Payments, as their owner and staff see them."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlmodel import col

from models.payments import Payment
from services import payments
from tests.api.conftest import Caller
from tests.api.shopping import fields_of, refused, usd
from tests.builders import Shop


async def payment_of(shop: Shop, caller: Caller) -> Payment:
    """Of a paid order of two lamps."""
    await shop.product("LAMP")
    order_id = await shop.paid({"LAMP": 2}, user_id=caller.user_id)
    async with shop.database.transaction() as session:
        statement = select(Payment).where(col(Payment.order_id) == order_id)
        payment: Payment = (await session.execute(statement)).scalar_one()
    return payment


async def test_the_owner_and_staff_see_a_payment(customer: Caller, staff: Caller, shop: Shop) -> None:
    payment = await payment_of(shop, customer)
    for caller in (customer, staff):
        answer = await caller.get(f"/payments/{payment.id}")
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "id": str(payment.id), "order_id": str(payment.order_id), "provider": "stripe", "status": "captured",
                "amount": usd(3998), "captured": usd(3998), "refunded": usd(0),
            },
        )  # fmt: skip
        assert "pi_" not in answer.text, "the provider's own reference is nobody's business"


async def test_somebody_elses_payment_is_not_there(customer: Caller, stranger: Caller, shop: Shop) -> None:
    payment = await payment_of(shop, customer)
    theirs = refused(await stranger.get(f"/payments/{payment.id}"), 404, "not-found")
    none = refused(await stranger.get(f"/payments/{uuid4()}"), 404, "not-found")
    assert theirs["detail"] == none["detail"]


async def test_an_orders_payment_is_found_by_the_order(customer: Caller, shop: Shop) -> None:
    payment = await payment_of(shop, customer)
    order = (await customer.get(f"/orders/{payment.order_id}")).json()
    assert (order["payment_id"], order["payment_status"]) == (str(payment.id), "captured")


async def test_staff_list_payments_by_pages_and_by_state(customer: Caller, staff: Caller, shop: Shop) -> None:
    await shop.product("LAMP")
    refused(await customer.get("/payments"), 403, "forbidden")
    paid = [(await shop.payment(await shop.paid({"LAMP": 1}))).id for _ in range(3)]
    held = await shop.held({"LAMP": 1})
    async with shop.database.transaction() as session:
        pending = await payments.open_payment(session, held, "stripe")

    async def listed(**query: Any) -> dict[str, Any]:
        page: dict[str, Any] = (await staff.get("/payments", params=query)).json()
        return page

    first = await listed(limit=3)
    second = await listed(limit=3, cursor=first["next_cursor"])
    ids = [item["id"] for item in first["items"] + second["items"]]
    assert (ids, second["next_cursor"]) == ([str(pending.id), *map(str, reversed(paid))], None)
    assert [item["id"] for item in (await listed(status="pending"))["items"]] == [str(pending.id)]
    assert len((await listed(status="captured"))["items"]) == 3
    assert fields_of(refused(await staff.get("/payments", params={"status": "lost"}), 422, "validation-failed")) == {
        "query.status"
    }
