"""WS /notifications/ws: the token comes in a message, and what is not understood is answered, but not for ever."""

import json
from datetime import timedelta

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from api.dependencies import Resources
from api.live import Live
from api.live.following import STREAMS_AT_ONCE
from api.routes.notifications import socket as route
from services.sessions import announce_ended
from tests.api.conftest import Caller, SignIn
from tests.api.live.listening import conversing, hearing, sign_in
from tests.api.shopping import until
from tests.api.test_api_keys import make
from tests.builders import Shop
from tests.notices import told

NOWHERE = "-00000000-0000-0000-0000-000000000000"


async def test_what_is_told_is_pushed_as_the_inbox_and_the_stream_have_it(
    served: str, customer: Caller, shop: Shop
) -> None:
    assert customer.user_id
    async with conversing(served, customer) as socket, hearing(served, "/notifications/stream", customer) as ear:
        await ear.block()
        await told(shop.database, customer.user_id)
        pushed, streamed = await socket.hear(), await ear.event()
    assert streamed
    (in_inbox,) = (await customer.get("/notifications")).json()["items"]
    assert pushed == {"type": "notification", "id": streamed.id, "notification": in_inbox}


async def test_a_client_that_was_away_is_told_first_what_it_missed(served: str, customer: Caller, shop: Shop) -> None:
    assert customer.user_id
    async with conversing(served) as first:
        await first.say(sign_in(customer))
        place = (await first.hear())["id"]
    missed = [str(await told(shop.database, customer.user_id)) for _ in range(2)]
    async with conversing(served, customer, place) as second:
        seen = await second.hear()
        assert seen["notification"]["id"] == missed[0]
    async with conversing(served, customer, seen["id"]) as third:
        assert (await third.hear())["notification"]["id"] == missed[1]


async def test_a_ping_is_answered(served: str, customer: Caller) -> None:
    async with conversing(served, customer) as socket:
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "ey" * 2000], ids=["none", "no token", "three parts", "long"]
)  # fmt: skip
async def test_a_bad_token_ends_it(served: str, token: str, live: Live) -> None:
    async with conversing(served) as socket:
        await socket.say({"type": "auth", "token": token})
        assert (await socket.closed())[0] == 4401
    assert live.open_streams == 0


async def test_a_token_in_the_url_is_worth_nothing(served: str, customer: Caller) -> None:
    token = sign_in(customer)["token"]
    async with conversing(served, query=f"?token={token}") as socket:
        await socket.say({"type": "ping"})
        assert (await socket.hear())["type"] == "error"


async def test_who_does_not_sign_in_is_sent_away(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "SIGNS_IN_WITHIN", 0.2)
    async with conversing(served) as socket:
        assert await socket.closed() == (4408, "Nobody signed in.")


async def test_a_machine_is_refused(served: str, sign_in: SignIn) -> None:
    made = await make(await sign_in("admin"), "orders:read")
    async with conversing(served) as socket:
        await socket.say({"type": "auth", "token": made["key"]})
        assert (await socket.closed())[0] == 4403


async def test_a_session_that_has_ended_is_refused(
    served: str, customer: Caller, resources: Resources, redis: Redis
) -> None:
    session_id = resources.tokens.read(sign_in(customer)["token"]).session_id
    assert session_id
    await announce_ended(redis, [session_id], timedelta(minutes=1))
    async with conversing(served) as socket:
        await socket.say(sign_in(customer))
        assert (await socket.closed())[0] == 4401


async def test_the_token_of_another_account_does_not_prolong_it(
    served: str, customer: Caller, stranger: Caller
) -> None:
    async with conversing(served, customer) as socket:
        await socket.say(sign_in(stranger))
        assert await socket.closed() == (4401, "This token is another account's.")


@pytest.mark.parametrize(
    "message",
    [
        "", "{", "[]", "null", '"auth"', "{}", b"\x00\xff", '{"type":"shout"}', '{"type":"ping","more":1}',
        '{"type":"auth"}', json.dumps({"type": "auth", "token": 1}), json.dumps({"type": "auth", "token": "\x00"}),
        json.dumps({"type": "auth", "token": "x", "last_event_id": "12"}), "[" * 5000, "x" * 20_000,
        json.dumps({"type": "auth", "token": "x", "last_event_id": f"{10**19}{NOWHERE}"}),
    ],
    ids=lambda message: str(message[:40]),
)  # fmt: skip
async def test_what_is_not_understood_is_answered_and_then_ends_it(
    served: str, customer: Caller, message: str | bytes
) -> None:
    async with conversing(served, customer) as socket:
        for _ in range(route.MISTAKES):
            await socket.say(message)
            answer = await socket.hear()
            assert answer.keys() == {"type", "detail"}
            assert answer["type"] == "error"
        assert (await socket.closed())[0] == 4400


async def test_a_token_is_not_sent_back_in_what_is_wrong_with_its_message(served: str, customer: Caller) -> None:
    async with conversing(served) as socket:
        await socket.say(sign_in(customer) | {"last_event_id": "x"})
        assert sign_in(customer)["token"] not in str(await socket.hear())


async def test_only_so_many_messages_a_minute_are_read(served: str, customer: Caller) -> None:
    async with conversing(served, customer) as socket:
        for _ in range(route.MESSAGES_A_MINUTE):
            await socket.say({"type": "ping"})
        for _ in range(route.MESSAGES_A_MINUTE - 1):
            assert await socket.hear() == {"type": "pong"}
        assert (await socket.closed())[0] == 4429


async def test_sockets_and_streams_count_together(served: str, customer: Caller, live: Live) -> None:
    opened = [conversing(served, customer) for _ in range(STREAMS_AT_ONCE)]
    for each in opened:
        await each.__aenter__()
    async with conversing(served) as socket:
        await socket.say(sign_in(customer))
        assert (await socket.closed())[0] == 4429
    assert (await customer.get("/notifications/stream")).status_code == 429
    for each in opened:
        await each.__aexit__(None, None, None)

    async def all_closed() -> bool:
        return live.open_streams == 0

    await until(all_closed)


async def test_opening_one_counts_as_a_request(served: str, customer: Caller, app: FastAPI, redis: Redis) -> None:
    async with conversing(served, customer):
        (count,) = await redis.hvals(f"limit:reads:{customer.user_id}")
        assert int(count) == 1


async def test_the_path_without_a_version_is_the_same(served: str, customer: Caller) -> None:
    async with conversing(served.replace("/api/v1", "/api"), customer) as socket:
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}
