"""3-D Secure against the sandbox provider: its page, its webhook, another card."""

import re
from typing import Any

import httpx

from devstack.demo.actors import Bank, Person, eventually
from devstack.verify import lasting_violations
from tests.scenarios.shopping import SKU, new_key, newcomer, settled


async def challenged(api: httpx.AsyncClient) -> tuple[Person, dict[str, Any]]:
    shopper = await newcomer(api)
    await shopper.put_into_cart(SKU)
    answer = await shopper.check_out("pm_card_authenticationRequired", new_key())
    assert answer.status_code == 201
    assert answer.json()["status"] == "pending_payment"
    return shopper, answer.json()


async def press(url: str, button: str) -> httpx.Response:
    """The shopper's browser: opens the bank's page and presses the button that reads so."""
    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
        assert page.status_code == 200
        found = re.search(rf'<button[^>]*name="(\w+)" value="(\w+)">{button}</button>', page.text)
        assert found, page.text
        return await browser.post(url, data={found[1]: found[2]})


async def test_an_approved_challenge_confirms_the_order_by_the_webhook(
    api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    """Long before the checkout would ask by itself, which it does every minute."""
    _, order = await challenged(api)
    back = await press(order["next_action"]["url"], "Approve")
    assert back.status_code in (302, 303)
    assert "redirect_status=succeeded" in back.headers["location"]
    assert await settled(staff, order["id"]) == ("confirmed", "captured")


async def test_another_card_pays_after_a_declined_challenge(api: httpx.AsyncClient, bank: Bank, staff: Person) -> None:
    shopper, order = await challenged(api)
    await press(order["next_action"]["url"], "Decline")

    async def has_failed() -> bool:
        return bool((await shopper.get(f"/orders/{order['id']}"))["status"] == "payment_failed")

    await eventually(has_failed, "the order waits for another card")
    path = f"/orders/{order['id']}/payment-attempts"
    declined = await shopper.call("POST", path, {"payment_token": "pm_card_chargeDeclined"}, new_key())
    assert (declined.status_code, declined.json()["code"]) == (402, "payment-declined")
    paid = await shopper.call("POST", path, {"payment_token": "pm_card_visa"}, new_key())
    assert (paid.status_code, paid.json()["status"]) == (201, "confirmed")
    assert await settled(staff, order["id"]) == ("confirmed", "captured")
    captured = [charge for charge in await bank.charges_of(order["id"]) if charge["captured"]]
    assert len(captured) == 1
    _, broken = await lasting_violations(staff)
    assert broken == []


async def test_the_shoppers_return_confirms_the_order_while_no_webhook_comes(
    api: httpx.AsyncClient, bank: Bank, staff: Person
) -> None:
    """The bank sends the browser to the API, and that on to the order's page; the webhooks come once all is over."""
    _, order = await challenged(api)
    paused = await bank.http.post("/_sandbox/faults", json={"operation": "webhook", "kind": "pause", "times": None})
    assert paused.status_code == 201
    try:
        back = await press(order["next_action"]["url"], "Approve")
        landed = await api.get(back.headers["location"])
        assert (landed.status_code, landed.headers["location"].partition("/orders/")[2]) == (303, order["id"])
        assert await settled(staff, order["id"]) == ("confirmed", "captured")
    finally:
        await bank.http.delete("/_sandbox/faults")
    _, broken = await lasting_violations(staff)
    assert broken == []
