"""Orders that their checkout has left."""

from uuid import UUID

from domain.messages.checkout import CheckoutInput
from domain.orders import PaymentMethod, checkout_workflow_id
from tests.builders import Shop
from tests.workflows.desk import Desk
from workflows.checkout import CheckoutWorkflow


async def bought(
    shop: Shop,
    desk: Desk,
    lines: dict[str, int] | None = None,
    *,
    method: PaymentMethod = PaymentMethod.CARD,
    price: int = 1999,
) -> UUID:
    """A confirmed order, three lamps of ten by default, whose checkout has closed."""
    lines = lines or {"LAMP": 3}
    for sku in lines:
        await shop.product(sku, price=price)
    order_id = await shop.request(lines, method=method)
    checkout = await desk.client.start_workflow(
        CheckoutWorkflow.run,
        CheckoutInput(str(order_id)),
        id=checkout_workflow_id(order_id),
        task_queue=desk.task_queue,
        start_signal="confirm_cod" if method is PaymentMethod.COD else None,
    )
    assert (await checkout.result()).status == "confirmed"
    return order_id
