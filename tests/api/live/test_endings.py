"""What ends a stream, and what does not: the token, the session, the client, the process; never the database."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from api.dependencies import Resources
from api.live import Live, sse
from api.live.following import Listener
from api.routes.notifications import socket
from api.tokens import Tokens
from core.settings import Settings
from domain.permissions import Role
from services.sessions import announce_ended
from tests.api.conftest import Caller, Wires
from tests.api.live.listening import conversing, hearing, serving, sign_in
from tests.api.shopping import until
from tests.builders import Shop
from tests.notices import told

STREAM = "/notifications/stream"


def with_a_token_of(caller: Caller, settings: Settings, lifetime: timedelta) -> None:
    assert caller.user_id
    tokens = Tokens(settings.model_copy(update={"access_token_lifetime": lifetime}))
    caller.headers["Authorization"] = f"Bearer {tokens.issue(caller.user_id, Role.CUSTOMER, uuid4())}"


async def test_a_stream_ends_with_its_token_and_another_one_goes_on(
    served: str, customer: Caller, shop: Shop, api_settings: Settings
) -> None:
    assert customer.user_id
    with_a_token_of(customer, api_settings, timedelta(seconds=2))
    async with hearing(served, STREAM, customer) as ear:
        *_, last = await ear.rest()
    assert last.comment
    assert "expired" in last.comment
    missed = await told(shop.database, customer.user_id)
    with_a_token_of(customer, api_settings, timedelta(minutes=1))
    async with hearing(served, STREAM, customer, ear.last_id) as again:
        event = await again.event()
    assert event
    assert event.data["id"] == str(missed)


async def test_a_socket_ends_with_its_token_unless_another_one_was_said(
    served: str, customer: Caller, shop: Shop, api_settings: Settings
) -> None:
    assert customer.user_id
    with_a_token_of(customer, api_settings, timedelta(seconds=2))
    async with conversing(served, customer) as left, conversing(served, customer) as renewed:
        with_a_token_of(customer, api_settings, timedelta(minutes=1))
        await renewed.say(sign_in(customer))
        assert (await renewed.hear())["type"] == "ready"
        assert await left.closed() == (4401, "The access token has expired.")
        own = await told(shop.database, customer.user_id)
        assert (await renewed.hear())["notification"]["id"] == str(own)


@pytest.mark.usefixtures("nervous")
async def test_streams_and_sockets_end_with_the_session(
    served: str, customer: Caller, resources: Resources, redis: Redis
) -> None:
    session_id = resources.tokens.read(customer.headers["Authorization"].removeprefix("Bearer ")).session_id
    assert session_id
    async with hearing(served, STREAM, customer) as ear, conversing(served, customer) as socket:
        while not (block := await ear.block()) or block.comment != "still here":
            pass
        await announce_ended(redis, [session_id], timedelta(minutes=1))
        *_, last = await ear.rest()
        assert last.comment
        assert "session has ended" in last.comment
        assert await socket.closed() == (4401, "The session has ended.")


async def test_a_client_that_has_gone_leaves_nothing_behind(served: str, customer: Caller, live: Live) -> None:
    async with hearing(served, STREAM, customer) as ear, conversing(served, customer):
        await ear.block()
        await until(lambda: are_open(live, 2))
    await until(lambda: are_open(live, 0))
    assert live.news.subscribers == 0


async def are_open(live: Live, count: int) -> bool:
    return live.open_streams == count == live.news.subscribers


async def test_a_process_that_is_asked_to_stop_does_not_wait_for_its_streams(
    app: FastAPI, customer: Caller, live: Live
) -> None:
    stack = serving(app)
    address = await stack.__aenter__()
    async with hearing(address, STREAM, customer) as ear, conversing(address, customer) as socket:
        await ear.block()
        await stack.__aexit__(None, None, None)  # which fails where it takes long
        assert await ear.rest() == []
        assert (await socket.closed())[0] == 1012
    await until(lambda: are_open(live, 0))


async def test_a_machine_that_listens_is_asked_for_its_key_again_after_a_while(resources: Resources) -> None:
    machine = Listener.of(resources.tokens.read(resources.tokens.issue(uuid4(), Role.STAFF, uuid4())))
    assert machine.seconds_left > 600
    machine.caller = replace(machine.caller, expires_at=None, session_id=None)
    assert 0 < machine.seconds_left <= 60


async def test_a_stream_outlives_an_outage_of_the_database_and_misses_nothing(
    far: str, wires: Wires, customer: Caller, shop: Shop
) -> None:
    assert customer.user_id
    async with hearing(far, STREAM, customer) as ear, conversing(far, customer) as socket:
        await ear.block()
        wires.postgres.cut()
        missed = [str(await told(shop.database, customer.user_id)) for _ in range(3)]
        await wires.postgres.mend()
        blocks = [await ear.event() for _ in missed]
        assert [block.data["id"] for block in blocks if block] == missed
        assert [(await socket.hear())["notification"]["id"] for _ in missed] == missed


async def test_a_stream_outlives_an_outage_of_redis(
    wires: Wires, nervous: None, far: str, customer: Caller, shop: Shop
) -> None:
    assert customer.user_id
    async with hearing(far, STREAM, customer) as ear:
        await ear.block()
        wires.redis.cut()
        for _ in range(3):
            beat = await ear.block()
            assert beat
            assert beat.comment == "still here"
        own = await told(shop.database, customer.user_id)
        event = await ear.event()
        assert event
        assert event.data["id"] == str(own)


async def flood(shop: Shop, user_id: UUID, count: int, size: int) -> None:
    await shop.rows(
        "INSERT INTO notifications (user_id, kind, event, facts) SELECT :user_id, 'stock_out', 'event ' || n,"
        " jsonb_build_object('sku', repeat('x', :size)) FROM generate_series(1, :count) AS n",
        user_id=user_id, count=count, size=size,
    )  # fmt: skip


async def test_a_client_that_does_not_read_holds_up_nobody_else(served: str, customer: Caller, shop: Shop) -> None:
    assert customer.user_id
    async with hearing(served, STREAM, customer) as silent, hearing(served, STREAM, customer) as ear:
        await silent.block()
        await ear.block()
        await flood(shop, customer.user_id, 1000, 2000)
        seen = [event.data["id"] for _ in range(1000) if (event := await ear.event())]
        assert len(set(seen)) == 1000


async def test_a_client_that_does_not_read_is_let_go_after_a_while(
    served: str, customer: Caller, shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the buffers of two machines hold waits in the database meanwhile."""
    monkeypatch.setattr(sse, "TOO_SLOW", 0.3)
    monkeypatch.setattr(socket, "TOO_SLOW", 0.3)
    assert customer.user_id
    async with hearing(served, STREAM, customer) as silent, conversing(served, customer):
        await silent.block()
        await flood(shop, customer.user_id, 300, 10_000)
        await until(lambda: are_open(live, 0))
    assert live.open_streams == 0
