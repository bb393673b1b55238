"""What the checkout's steps tell, and that repeating a step tells nothing twice."""

from uuid import UUID

import pytest

from activities.carts import CartActivities
from activities.orders import OrderActivities
from activities.payments import PaymentActivities
from domain.messages.checkout import AuthorisePayment, OrderStep, RemindStaff
from domain.orders import PaymentMethod
from tests.activities.conftest import run
from tests.api.shopping import THREE_D_SECURE
from tests.builders import Shop


@pytest.fixture(autouse=True)
async def lamp(shop: Shop) -> None:
    await shop.product("LAMP", stock=50)
    await shop.user("staff")


async def told(shop: Shop) -> list[tuple[str, str]]:
    """Kinds of notices, and the role of who was told."""
    rows = await shop.rows("SELECT kind, role FROM notifications JOIN users ON users.id = user_id ORDER BY kind")
    return [(kind, role) for kind, role in rows]


async def test_a_cod_order_that_is_accepted_is_told_to_the_customer_and_to_staff(
    cart_lines: CartActivities, shop: Shop
) -> None:
    order_id = await shop.held({"LAMP": 1}, method=PaymentMethod.COD)
    for _ in range(2):
        await run(cart_lines.take_cart_lines, OrderStep(str(order_id)))
    assert await told(shop) == [("cod_waiting", "staff"), ("order_received", "customer")]
    await shop.require_invariants()


async def test_a_reminder_is_told_to_staff_again(
    cart_lines: CartActivities, orders: OrderActivities, shop: Shop
) -> None:
    order_id = await shop.held({"LAMP": 1}, method=PaymentMethod.COD)
    await run(cart_lines.take_cart_lines, OrderStep(str(order_id)))
    for number in (1, 1, 2):
        await run(orders.remind_staff, RemindStaff(str(order_id), number))
    assert await told(shop) == [("cod_waiting", "staff")] * 3 + [("order_received", "customer")]


async def test_a_card_order_is_told_when_it_is_confirmed_and_not_before(cart_lines: CartActivities, shop: Shop) -> None:
    order_id = await shop.confirmed({"LAMP": 1})
    await run(cart_lines.take_cart_lines, OrderStep(str(order_id)))
    assert await told(shop) == [("order_confirmed", "customer")]


async def test_a_bank_that_wants_the_shopper_is_told_the_first_time_only(
    payments: PaymentActivities, shop: Shop
) -> None:
    order_id: UUID = await shop.held({"LAMP": 1}, token=THREE_D_SECURE)
    for _ in range(2):
        await run(payments.authorise_payment, AuthorisePayment(str(order_id), 1))
        await run(payments.check_payment, OrderStep(str(order_id)))
    assert await told(shop) == [("payment_action_required", "customer")]
    await shop.require_invariants()
