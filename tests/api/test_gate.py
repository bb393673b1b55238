"""What the gate decides with one trip to Redis: how much each may send, and whose session has ended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from api import problems
from api.dependencies import Resources
from api.gate import GATE, Kind, PassedDep, asks, kind_of
from api.middleware import RequestIds
from domain.permissions import Role
from services.sessions import ended_key
from tests.api.conftest import Caller, SignIn, Wires
from tests.api.shopping import COD, add, keyed, refused
from tests.api.test_access import PUBLIC, bare
from tests.builders import Shop

Limiting = Callable[..., None]


@pytest.fixture
def limiting(app: FastAPI) -> Limiting:
    """`limiting(reads_per_minute=2)`: as the settings would have it."""

    def limiting(**amounts: int) -> None:
        resources: Resources = app.state.resources
        app.state.resources = replace(resources, settings=resources.settings.model_copy(update=amounts))

    return limiting


def left(answer: httpx.Response) -> int:
    return int(answer.headers["RateLimit-Remaining"])


async def test_each_answer_says_what_is_left(customer: Caller, limiting: Limiting) -> None:
    limiting(reads_per_minute=10)
    answers = [await customer.get("/auth/me") for _ in range(3)]
    assert [left(answer) for answer in answers] == [9, 8, 7]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"10"}
    assert all(0 < int(answer.headers["RateLimit-Reset"]) <= 65 for answer in answers)


async def test_a_refusal_says_what_is_left_too(customer: Caller) -> None:
    assert left(await customer.get(f"/orders/{uuid4()}")) == 1199
    assert left(await customer.get("/orders?limit=0")) == 1198


async def test_past_the_limit_an_account_waits_and_no_other_does(
    customer: Caller, stranger: Caller, limiting: Limiting
) -> None:
    limiting(reads_per_minute=2)
    for _ in range(2):
        assert (await customer.get("/auth/me")).status_code == 200
    answer = await customer.get("/auth/me")
    problem = refused(answer, 429, "rate-limited")
    assert int(answer.headers["Retry-After"]) == problem["retry_after"] > 0
    assert left(answer) == 0
    assert (await stranger.get("/auth/me")).status_code == 200


async def test_reads_writes_and_checkouts_are_counted_apart(customer: Caller, shop: Shop, limiting: Limiting) -> None:
    await shop.product("LAMP")
    limiting(reads_per_minute=1, writes_per_minute=1, checkouts_per_minute=1)
    await add(customer, "LAMP")
    refused(await customer.post("/carts/items", json={"sku": "LAMP", "quantity": 1}), 429, "rate-limited")
    assert (await customer.get("/carts/current")).status_code == 200
    refused(await customer.get("/orders"), 429, "rate-limited")
    body = COD | {"expected_total": {"amount": 1, "currency": "USD"}}
    refused(await customer.post("/orders/checkout", json=body, headers=keyed()), 409, "price-changed")
    refused(await customer.post("/orders/checkout", json=body, headers=keyed()), 429, "rate-limited")


async def test_who_is_not_signed_in_is_counted_by_address(
    anonymous: Caller, customer: Caller, limiting: Limiting
) -> None:
    limiting(address_reads_per_minute=2)
    for _ in range(2):
        assert (await anonymous.get("/products")).status_code == 200
    refused(await anonymous.get("/products"), 429, "rate-limited")
    assert (await customer.get("/products")).status_code == 200


async def test_guessing_tokens_is_counted_by_address_and_stays_unauthorised(
    anonymous: Caller, limiting: Limiting
) -> None:
    limiting(address_reads_per_minute=2)
    for _ in range(2):
        refused(await anonymous.get("/orders", headers={"Authorization": "Bearer guess"}), 401, "not-signed-in")
    refused(await anonymous.get("/orders", headers={"Authorization": "Bearer guess"}), 429, "rate-limited")


async def test_signing_in_is_counted_by_address_whatever_token_comes_with_it(
    anonymous: Caller, customer: Caller, limiting: Limiting
) -> None:
    limiting(address_sign_ins_per_minute=3)
    login = {"email": "ada@example.com", "password": "analytical engine"}
    for caller in (anonymous, customer, anonymous):
        refused(await caller.post("/auth/login", json=login), 401, "wrong-credentials")
    for caller in (anonymous, customer):
        refused(await caller.post("/auth/login", json=login), 429, "rate-limited")


def test_whatever_anyone_may_send_to_sign_in_is_counted_as_that(app: FastAPI) -> None:
    """But for the refresh: nobody guesses its token, and a whole office refreshes behind one address."""
    open_to_all = {
        (method, bare(str(route.path))): kind_of(route.endpoint, method)
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if route.endpoint and "/auth/" in str(route.path) and (method, bare(str(route.path))) in PUBLIC
    }
    assert open_to_all.pop(("POST", "/auth/refresh")) is Kind.WRITE
    assert len(open_to_all) >= 5
    assert set(open_to_all.values()) == {Kind.SIGN_IN}, open_to_all


async def test_health_figures_and_webhooks_are_not_counted(anonymous: Caller) -> None:
    for path in ("http://shop.test/health/live", "http://shop.test/metrics"):
        assert "RateLimit-Limit" not in (await anonymous.get(path)).headers
    assert "RateLimit-Limit" not in (await anonymous.post("/webhooks/payments/stripe")).headers


@pytest.fixture
async def session_id(customer: Caller, resources: Resources) -> UUID:
    """The session that the customer's token belongs to."""
    session_id = uuid4()
    assert customer.user_id is not None
    token = resources.tokens.issue(customer.user_id, Role.CUSTOMER, session_id)
    customer.headers["Authorization"] = f"Bearer {token}"
    return session_id


async def test_the_token_of_a_session_that_has_ended_is_refused_at_once(
    customer: Caller, session_id: UUID, resources: Resources
) -> None:
    assert (await customer.get("/auth/me")).status_code == 200
    await resources.redis.set(ended_key(session_id), 1)
    answer = await customer.get("/auth/me")
    refused(answer, 401, "not-signed-in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_what_is_open_to_all_is_open_to_who_shows_the_token_of_an_ended_session(
    customer: Caller, session_id: UUID, resources: Resources
) -> None:
    await resources.redis.set(ended_key(session_id), 1)
    assert (await customer.get("/products")).status_code == 200


async def test_who_shows_the_token_of_an_ended_session_may_sign_in_again(
    customer: Caller, session_id: UUID, resources: Resources
) -> None:
    await resources.redis.set(ended_key(session_id), 1)
    login = {"email": "ada@example.com", "password": "analytical engine"}
    refused(await customer.post("/auth/login", json=login), 401, "wrong-credentials")


async def test_without_redis_the_gate_stands_open_but_for_signing_in(
    customer: Caller, anonymous: Caller, wires: Wires, limiting: Limiting
) -> None:
    limiting(reads_per_minute=1, address_reads_per_minute=1, address_sign_ins_per_minute=2)
    wires.redis.cut()
    for _ in range(3):
        answer = await customer.get("/auth/me")
        assert answer.status_code == 200
        assert "RateLimit-Limit" not in answer.headers
        assert (await anonymous.get("/products")).status_code == 200
    login = {"email": "ada@example.com", "password": "analytical engine"}
    answers = [await anonymous.post("/auth/login", json=login) for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [401, 401]
    refused(answers[2], 429, "rate-limited")


async def test_once_redis_is_back_the_gate_counts_again(customer: Caller, wires: Wires, limiting: Limiting) -> None:
    limiting(reads_per_minute=1)
    wires.redis.cut()
    assert (await customer.get("/auth/me")).status_code == 200
    await wires.redis.mend()
    assert left(await customer.get("/auth/me")) == 0
    refused(await customer.get("/auth/me"), 429, "rate-limited")


async def test_a_redis_that_hangs_is_not_waited_for_and_its_late_replies_reach_nobody(
    customer: Caller, stranger: Caller, resources: Resources
) -> None:
    for caller, reads in ((customer, 3), (stranger, 5)):
        for _ in range(reads):
            assert (await caller.get("/auth/me")).status_code == 200
    await resources.redis.client_pause(900)
    answers = await asyncio.gather(*(customer.get("/auth/me") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert not [answer for answer in answers if "RateLimit-Limit" in answer.headers]
    await resources.redis.ping()
    assert left(await stranger.get("/auth/me")) == 1194


@pytest.fixture
async def asking(resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """A route that has Redis asked for a drawer in the gate's trip."""
    router = APIRouter(dependencies=[GATE])

    @router.get("/drawer")
    @asks(lambda request, caller: ("HGETALL", key) if (key := request.query_params.get("key")) else None)
    async def drawer(passed: PassedDep) -> object:
        return passed.reply

    app = FastAPI()
    problems.install(app)
    app.add_middleware(RequestIds)
    app.include_router(router)
    app.state.resources, app.state.templates = resources, {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        yield client


async def test_a_route_has_its_own_question_answered_in_the_same_trip(
    asking: httpx.AsyncClient, resources: Resources
) -> None:
    await resources.redis.hset("drawer", mapping={"spoons": "6"})
    for _ in range(2):
        assert (await asking.get("/drawer?key=drawer")).json() == {"spoons": "6"}
    assert (await asking.get("/drawer")).json() is None


async def test_a_question_that_fails_is_not_answered_and_refuses_nobody(
    asking: httpx.AsyncClient, resources: Resources
) -> None:
    await resources.redis.set("word", "not a drawer")
    answer = await asking.get("/drawer?key=word")
    assert (answer.status_code, answer.json()) == (200, None)


async def test_staff_have_their_own_allowance(sign_in: SignIn, limiting: Limiting) -> None:
    limiting(reads_per_minute=1)
    for role in ("staff", "admin"):
        assert left(await (await sign_in(role)).get("/orders")) == 0
