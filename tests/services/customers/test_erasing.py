"""Erasing a person: nothing that names one is left in any table, and the books add up as before."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import LastAdmin, NotFound, NotSignedIn, OrdersOpen
from domain.orders import OrderStatus, PaymentMethod
from models.base import metadata
from services.customers import addressing, erasing, profile
from services.fulfilment import shipping
from services.fulfilment.shipping import NewShipment
from services.idempotency import KeyedRequest, once
from services.orders import requesting
from services.orders.moving import move
from services.passwords import verify_password
from services.returns import deciding
from tests.builders import ADDRESS, Shop
from tests.fakes.payments import FakePayments
from tests.returning import delivered, requested
from tests.services.customers.conftest import Apply

HER = {
    "email": "zuleika@dobson.example",
    "name": "Zuleika Dobson",
    "phone": "+14155559876",
    "line": "9 Quixotic Mews",
    "notes": "Mind the wolfhound",
    "reason": "It bit the wolfhound's tail",
    "token": "pm_card_of_zuleika",
    "agent": "Zuleikafox 9",
    "ip": "198.51.100.77",
    "fingerprint": "fingerprint of her body",
    "mail": "hash of her mail's token",
    "key": "a key that she chose",
}
"""What tells who somebody is, each in words that stand nowhere else."""

ABOUT_HER = [
    "UPDATE users SET full_name = :name, phone = :phone, email_verified_at = now() WHERE id = :id",
    "UPDATE checkout_requests SET shipping_address = cast(:address AS jsonb), notes = :notes, payment_token = :token, "
    "fingerprint = :fingerprint",
    "UPDATE orders SET shipping_address = cast(:address AS jsonb), notes = :notes",
    "UPDATE order_events SET note = 'called ' || :name WHERE seq = 1",
    "INSERT INTO payment_attempts (order_id, number, idempotency_key, fingerprint, payment_token) "
    "SELECT id, 9, 'another', 'f', :token FROM orders",
    "INSERT INTO webhook_inbox (provider, event_id, type, order_id, payload) "
    "SELECT 'stripe', 'evt_' || number, 'payment_intent.succeeded', id, cast(:address AS jsonb) FROM orders",
    "INSERT INTO user_sessions (user_id, address, user_agent, expires_at) "
    "VALUES (:id, :ip, :agent, now() + interval '1 day')",
    "INSERT INTO mails (user_id, purpose, recipient, token_hash, used_from) "
    "VALUES (:id, 'verify-email', :email, :mail, :ip)",
    "INSERT INTO returns (order_id, user_id, cause, status, reason, requested_by, note, currency, refund_amount, "
    "closed_at) SELECT id, :id, 'customer', 'rejected', :reason, 'x', :name, 'USD', 0, now() FROM orders",
    "INSERT INTO refunds (payment_id, order_id, cause, status, currency, amount, reason, requested_by) "
    "SELECT id, order_id, 'staff', 'failed', 'USD', 1, :reason, 'x' FROM payments",
    "INSERT INTO idempotency_keys (user_id, key, fingerprint) VALUES (:id, :key, 'f')",
    "INSERT INTO audit_entries (actor_id, action, subject, subject_id, address) "
    "VALUES (:id, 'order.confirm', 'order', 'x', :ip)",
]


@pytest.fixture
async def zuleika(shop: Shop, apply: Apply) -> UUID:
    """With a row about her in every table that holds people; her orders are delivered and cancelled."""
    user_id = await shop.user(email=HER["email"])
    await shop.product("LAMP", stock=50)
    paid = await shop.paid({"LAMP": 1}, user_id=user_id)
    await deliver(apply, paid)
    await shop.cancelled({"LAMP": 1}, user_id=user_id)
    address = ADDRESS | {"full_name": HER["name"], "line1": HER["line"], "phone": HER["phone"]}
    await apply(addressing.add, user_id, address, False)
    await apply(profile.prefer, user_id, {"language": "de", "marketing_emails": True})
    for statement in ABOUT_HER:
        known = HER | {"id": user_id, "address": json.dumps(address)}
        await shop.rows(statement, **{name: value for name, value in known.items() if f":{name}" in statement})
    return user_id


async def deliver(apply: Apply, order_id: UUID) -> None:
    await apply(move, order_id, {OrderStatus.CONFIRMED}, OrderStatus.PROCESSING, kind="processing", by="desk")
    await apply(shipping.ship, NewShipment(uuid4(), order_id, "DHL", "JD01", by="desk"))
    await apply(move, order_id, {OrderStatus.SHIPPED}, OrderStatus.DELIVERED, kind="delivered", by="desk")


async def traces(shop: Shop, words: dict[str, str]) -> dict[str, set[str]]:
    """Which tables hold which of these words, in whatever column."""
    found: dict[str, set[str]] = {}
    for table in metadata.tables:
        for name, word in words.items():
            statement = f"SELECT count(*) FROM {table} t WHERE strpos(t::text, :word) > 0"  # noqa: S608
            [(rows,)] = await shop.rows(statement, word=word)
            if rows:
                found.setdefault(table, set()).add(name)
    return found


async def books(shop: Shop) -> list[Any]:
    return [
        await shop.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2")  # noqa: S608
        for table, columns in {
            "orders": "id, number, user_id, status, subtotal, discount, shipping, tax, total, currency, version",
            "order_lines": "*",
            "order_events": "order_id, seq, kind, from_status, to_status, actor, at",
            "payments": "*",
            "ledger_entries": "*",
            "stock_movements": "*",
            "checkout_requests": "order_id, user_id, idempotency_key, payment_method, currency, lines, outcome",
        }.items()
    ]


async def test_nothing_that_names_a_person_is_left_in_any_table(shop: Shop, apply: Apply, zuleika: UUID) -> None:
    before = await traces(shop, HER)
    assert set.union(*before.values()) == set(HER), "each word stands somewhere before"
    assert len(before) == 13
    await apply(erasing.erase, zuleika, "a request")
    assert await traces(shop, HER | {"first": "Zuleika", "domain": "dobson"}) == {}


async def test_the_books_are_as_before_and_know_the_country(shop: Shop, apply: Apply, zuleika: UUID) -> None:
    before = await books(shop)
    await apply(erasing.erase, zuleika, None)
    assert await books(shop) == before
    for table in ("orders", "checkout_requests"):
        statement = f"SELECT DISTINCT shipping_address, notes FROM {table}"  # noqa: S608
        assert await shop.rows(statement) == [({"country": "US"}, None)]
    await shop.require_invariants()


async def test_the_account_is_nobodys_and_its_address_is_free(shop: Shop, apply: Apply, zuleika: UUID) -> None:
    assert len(await apply(erasing.erase, zuleika, None)) == 1
    [account] = await shop.rows(
        "SELECT email, full_name, phone, is_active, erased_at IS NOT NULL, email_verified_at, password_hash FROM users"
    )
    assert account[:6] == (f"erased-{zuleika}@erased.invalid", "Erased", None, False, True, None)
    for password in ("", "!", "-"):
        assert not await verify_password(password, account[6])
    assert await shop.rows("SELECT end_reason, address, user_agent FROM user_sessions") == [("erased", None, None)]
    again = await shop.user(email=HER["email"])
    assert again != zuleika


async def test_the_log_says_that_it_happened_and_from_nowhere(shop: Shop, apply: Apply, zuleika: UUID) -> None:
    await apply(erasing.erase, zuleika, "a request")
    assert await shop.rows(
        "SELECT actor_id, action, subject_id, address, request_id FROM audit_entries ORDER BY at"
    ) == [
        (zuleika, "order.confirm", "x", None, None),
        (zuleika, "customer.erase", str(zuleika), None, "a request"),
    ]


async def test_others_keep_what_is_theirs(shop: Shop, apply: Apply, zuleika: UUID) -> None:
    bob = await shop.user(email="bob@example.com")
    order_id = await shop.confirmed({"LAMP": 1}, user_id=bob)
    await apply(addressing.add, bob, ADDRESS, False)
    await apply(erasing.erase, zuleika, None)
    assert (await shop.order(order_id)).shipping_address == ADDRESS
    assert len(await apply(addressing.page, bob, 10)) == 1
    assert await shop.rows("SELECT full_name FROM users WHERE id = :id", id=bob) == [("Ada Shopper",)]


async def test_an_order_under_way_is_named_and_nothing_is_erased(shop: Shop, apply: Apply, zuleika: UUID) -> None:
    confirmed = await shop.confirmed({"LAMP": 1}, user_id=zuleika)
    asked = await shop.request({"LAMP": 1}, user_id=zuleika, method=PaymentMethod.COD)
    before = await traces(shop, HER)
    with pytest.raises(OrdersOpen) as refused:
        await apply(erasing.erase, zuleika, None)
    number = (await shop.order(confirmed)).number
    assert refused.value.facts["orders"] == [
        {"id": str(confirmed), "number": number, "status": "confirmed"},
        {"id": str(asked), "number": None, "status": "pending_confirmation"},
    ]
    assert await traces(shop, HER) == before
    await deliver(apply, confirmed)
    await shop.rows("DELETE FROM checkout_requests WHERE order_id = :id", id=asked)
    await apply(erasing.erase, zuleika, None)


@pytest.mark.parametrize("status", [status for status in OrderStatus if status not in erasing.CLOSED])
async def test_each_state_but_the_last_ones_is_under_way(
    shop: Shop, apply: Apply, ada: UUID, status: OrderStatus
) -> None:
    await shop.product("LAMP")
    order_id = await shop.confirmed({"LAMP": 1}, user_id=ada)
    await shop.rows("UPDATE orders SET status = :status WHERE id = :id", status=status.value, id=order_id)
    with pytest.raises(OrdersOpen):
        await apply(erasing.erase, ada, None)


async def test_goods_on_their_way_back_are_waited_for(
    shop: Shop, apply: Apply, ada: UUID, gateway: FakePayments
) -> None:
    await shop.product("LAMP")
    order_id = await delivered(shop, gateway, {"LAMP": 1}, user_id=ada)
    return_id = await requested(shop, order_id, {"LAMP": 1})
    with pytest.raises(OrdersOpen) as refused:
        await apply(erasing.erase, ada, None)
    assert [order["id"] for order in refused.value.facts["orders"]] == [str(order_id)]
    await apply(deciding.reject, return_id, by="desk", note="worn by Ada")
    await apply(erasing.erase, ada, None)
    assert await shop.rows("SELECT reason, note FROM returns") == [("", None)]


async def test_an_account_that_is_gone_is_not_erased_again(shop: Shop, apply: Apply, ada: UUID) -> None:
    await apply(erasing.erase, ada, None)
    with pytest.raises(NotSignedIn):
        await apply(erasing.erase, ada, None)
    with pytest.raises(NotFound):
        await apply(erasing.erase, uuid4(), None)


async def test_the_last_admin_is_not_erased_and_another_one_is_staff_no_more(shop: Shop, apply: Apply) -> None:
    boss = await shop.user("admin")
    with pytest.raises(LastAdmin):
        await apply(erasing.erase, boss, None)
    other = await shop.user("admin")
    outcomes = await asyncio.gather(
        *(apply(erasing.erase, admin, None) for admin in (boss, other)), return_exceptions=True
    )
    assert sum(isinstance(outcome, LastAdmin) for outcome in outcomes) == 1, outcomes
    assert await shop.rows("SELECT role, is_active FROM users ORDER BY 1") == [("admin", True), ("customer", False)]


async def test_what_is_written_while_a_person_is_erased_is_either_erased_or_refused(shop: Shop, apply: Apply) -> None:
    """A checkout, an address and preferences that passed the door in time."""
    await shop.product("LAMP", stock=50)

    async def click(session: Any, user_id: UUID) -> None:
        await profile.require_present(session, user_id)
        await requesting.record(session, new)

    async def rename(session: Any, user_id: UUID) -> None:
        await profile.change(session, user_id, {"full_name": "Zuleika"})

    async def keyed_address(session: Any, user_id: UUID) -> None:
        request = KeyedRequest(user_id, uuid4().hex, "f")
        await once(session, request, lambda: addressing.add(session, user_id, ADDRESS, False))

    for _ in range(5):
        user_id = await shop.user()
        new = await shop.new_request({"LAMP": 1}, user_id=user_id)
        outcomes = await asyncio.gather(
            apply(click, user_id),
            *(apply(keyed_address, user_id) for _ in range(3)),
            apply(profile.prefer, user_id, {"language": "de"}),
            apply(rename, user_id),
            apply(erasing.erase, user_id, None),
            return_exceptions=True,
        )
        if isinstance(outcomes[-1], OrdersOpen):
            assert outcomes[0] is None, "the checkout was in time"
            continue
        assert isinstance(outcomes[0], NotSignedIn)
        assert all(outcome is None or isinstance(outcome, NotSignedIn) for outcome in outcomes[:-1]), outcomes
        for table in ("checkout_requests", "addresses", "preferences", "idempotency_keys"):
            statement = f"SELECT count(*) FROM {table} WHERE user_id = :id"  # noqa: S608
            assert await shop.rows(statement, id=user_id) == [(0,)]
        assert await shop.rows("SELECT full_name FROM users WHERE id = :id", id=user_id) == [("Erased",)]
