"""The inbox over HTTP: one's own, in one's own language, page by page."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.notifications import NoticeKind
from services import notices
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import COD, add, keyed, ordered, refused, until
from tests.builders import Shop

Item = dict[str, Any]


@pytest.fixture
async def order_id(shop: Shop, customer: Caller) -> UUID:
    """Of the customer's, with the notice that it is confirmed."""
    await shop.product("LAMP", stock=100)
    return await shop.confirmed({"LAMP": 1}, user_id=customer.user_id)


async def inbox(caller: Caller, **query: Any) -> dict[str, Any]:
    answer = await caller.get("/notifications", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def tell(shop: Shop, order_id: UUID, *kinds: NoticeKind, **facts: Any) -> None:
    async with shop.database.transaction() as session:
        for kind in kinds:
            await notices.tell(session, order_id, uuid4(), kind, **facts)


async def test_a_notification_says_what_happened_to_which_order(customer: Caller, shop: Shop, order_id: UUID) -> None:
    page = await inbox(customer)
    number = (await shop.order(order_id)).number
    (item,) = page["items"]
    assert (page["unread"], page["next_cursor"]) == (1, None)
    assert item | {"id": "", "created_at": ""} == {
        "id": "", "kind": "order_confirmed", "title": f"Order {number} is confirmed",
        "body": "Thank you. We tell you when it is on its way.", "order_id": str(order_id), "order_number": number,
        "facts": {}, "created_at": "", "read_at": None,
    }  # fmt: skip


async def test_it_is_in_the_language_of_the_preferences_whatever_the_browser_speaks(
    customer: Caller, shop: Shop, order_id: UUID
) -> None:
    await tell(shop, order_id, NoticeKind.REFUND_ISSUED, amount=123456, currency="EUR")
    await customer.put("/customers/me/preferences", json={"language": "de-AT"})
    answer = await customer.get("/notifications", headers={"Accept-Language": "fr"})
    item = answer.json()["items"][0]
    assert item["body"].replace("\xa0", " ").startswith("Wir haben € 1.234,56 zurückgezahlt.")
    assert item["facts"] == {"amount": 123456, "currency": "EUR"}, "the same for every reader"
    marked = await customer.patch(f"/notifications/{item['id']}/read")
    assert marked.json()["title"] == item["title"]


async def test_pages_follow_each_other_without_a_gap_and_filter_by_what_was_read(
    customer: Caller, shop: Shop, order_id: UUID
) -> None:
    await tell(shop, order_id, *[NoticeKind.ORDER_PROCESSING] * 6)
    seen: list[Item] = []
    cursor: str | None = None
    while not seen or cursor:
        page = await inbox(customer, limit=3, **({"cursor": cursor} if cursor else {}))
        seen, cursor = seen + page["items"], page["next_cursor"]
    assert len({item["id"] for item in seen}) == len(seen) == 7
    assert seen[-1]["kind"] == "order_confirmed"
    for item in seen[:2]:
        assert (await customer.patch(f"/notifications/{item['id']}/read", json={})).status_code == 200
    assert {item["id"] for item in (await inbox(customer, unread=False))["items"]} == {item["id"] for item in seen[:2]}
    assert len((await inbox(customer, unread=True))["items"]) == 5
    assert (await inbox(customer, limit=1))["unread"] == 5


async def test_reading_twice_is_reading_once_and_can_be_taken_back(customer: Caller, order_id: UUID) -> None:
    path = f"/notifications/{(await inbox(customer))['items'][0]['id']}/read"
    first = await customer.patch(path, json={"read": True})
    again = await customer.patch(path)
    assert first.json() == again.json()
    assert first.json()["read_at"]
    assert first.headers["ETag"] == again.headers["ETag"]
    assert (await customer.patch(path, json={"read": False})).json()["read_at"] is None
    assert (await inbox(customer))["unread"] == 1


async def test_everything_is_read_once_by_its_key(customer: Caller, shop: Shop, order_id: UUID) -> None:
    key = keyed()
    assert (await customer.post("/notifications/read-all", headers=key)).json() == {"read": 1}
    await tell(shop, order_id, NoticeKind.ORDER_PROCESSING)
    again = await customer.post("/notifications/read-all", headers=key)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == ({"read": 1}, "true")
    assert (await inbox(customer))["unread"] == 1, "what came since was not there to be read"
    assert (await customer.post("/notifications/read-all")).json() == {"read": 1}
    assert (await inbox(customer))["unread"] == 0


@pytest.mark.parametrize("role", ["customer", "staff", "admin"])
async def test_nobody_sees_or_reads_what_another_was_told(
    customer: Caller, sign_in: SignIn, order_id: UUID, role: str
) -> None:
    stranger = await sign_in(role)
    id_ = (await inbox(customer))["items"][0]["id"]
    assert [item["id"] for item in (await inbox(stranger))["items"]] == []
    refused(await stranger.patch(f"/notifications/{id_}/read"), 404, "not-found")
    await stranger.post("/notifications/read-all")
    assert (await inbox(customer))["unread"] == 1


@pytest.mark.parametrize("body", [{"read": "yes"}, {"read": None}, {"read": 1}, {"unread": True}, []])
async def test_a_body_that_is_none_is_refused(customer: Caller, order_id: UUID, body: Any) -> None:
    id_ = (await inbox(customer))["items"][0]["id"]
    refused(await customer.patch(f"/notifications/{id_}/read", json=body), 422, "validation-failed")
    assert (await inbox(customer))["unread"] == 1


async def test_what_is_no_notification_is_refused(customer: Caller, order_id: UUID) -> None:
    refused(await customer.patch(f"/notifications/{uuid4()}/read"), 404, "not-found")
    refused(await customer.patch("/notifications/7/read"), 422, "validation-failed")
    refused(await customer.get("/notifications", params={"cursor": "x"}), 422, "invalid-cursor")
    refused(await customer.get("/notifications", params={"unread": "perhaps"}), 422, "validation-failed")


async def test_a_machine_has_no_inbox(sign_in: SignIn, anonymous: Caller) -> None:
    admin = await sign_in("admin")
    made = await admin.post("/api-keys", json={"name": "ERP", "permissions": ["orders:read"]})
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    refused(await anonymous.get("/notifications", headers=headers), 403, "forbidden")
    refused(await anonymous.post("/notifications/read-all", headers=headers), 403, "forbidden")


@pytest.mark.usefixtures("worker")
async def test_a_cod_order_is_told_to_the_customer_and_to_staff_as_it_goes_on(
    customer: Caller, staff: Caller, shop: Shop
) -> None:
    await shop.product("LAMP", stock=6)
    await add(customer, "LAMP", 2)
    order = await ordered(customer, COD)
    assert [item["kind"] for item in (await inbox(customer))["items"]] == ["order_received"]
    assert {item["kind"]: item["title"] for item in (await inbox(staff))["items"]} == {
        "cod_waiting": f"Order {order['number']} waits to be confirmed",
        "stock_low": "LAMP is running low",
    }
    assert (await staff.post(f"/orders/{order['id']}/confirm")).status_code == 200

    async def is_told() -> bool:
        return [item["kind"] for item in (await inbox(customer))["items"]] == ["order_confirmed", "order_received"]

    await until(is_told)
    await shop.require_invariants()
