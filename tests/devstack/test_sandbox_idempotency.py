"""Idempotency keys of the sandbox: the first answer of a key is the answer of the key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.sandbox import INTENTS, NEW, SandboxServer


@pytest.fixture
async def api(sandbox: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with sandbox.api() as api:
        yield api


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


@pytest.fixture
async def confirm(api: httpx.AsyncClient) -> str:
    """The path that confirms a new intent."""
    return f"{INTENTS}/{(await api.post(INTENTS, data=NEW)).json()['id']}/confirm"


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    error: dict[str, Any] = answer.json()["error"]
    return answer.status_code, error["type"], error.get("code")


def is_replayed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("Idempotent-Replayed") == "true")


async def test_the_same_request_again_gets_the_same_answer(api: httpx.AsyncClient, key: dict[str, str]) -> None:
    first = await api.post(INTENTS, data=NEW, headers=key)
    again = await api.post(INTENTS, data=dict(reversed(NEW.items())), headers=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert (is_replayed(first), is_replayed(again)) == (False, True)
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]


async def test_a_key_stands_for_one_path_and_one_set_of_parameters(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str], confirm: str
) -> None:
    await api.post(INTENTS, data=NEW, headers=key)
    before = len(sandbox.journal())
    other_amount = await api.post(INTENTS, data=NEW | {"amount": "2000"}, headers=key)
    other_path = await api.post(confirm, data={"payment_method": "pm_card_visa"}, headers=key)
    assert error_of(other_amount) == error_of(other_path) == (400, "idempotency_error", None)
    assert len(sandbox.journal()) == before


@pytest.mark.parametrize(
    ("token", "status"),
    [("pm_card_visa", 200), ("pm_card_chargeDeclined", 402), ("pm_card_authenticationRequired", 200)],
)
async def test_what_the_work_came_to_is_replayed(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str], confirm: str, token: str, status: int
) -> None:
    answers = [await api.post(confirm, data={"payment_method": token}, headers=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {status}
    assert len({answer.content for answer in answers}) == 1
    assert [is_replayed(answer) for answer in answers] == [False, True, True]
    assert len(sandbox.intent(confirm.split("/")[-2])["charges"]) <= 1


async def test_an_unexpected_state_is_replayed_too(api: httpx.AsyncClient, key: dict[str, str], confirm: str) -> None:
    capture = confirm.replace("confirm", "capture")
    too_early = await api.post(capture, headers=key)
    await api.post(confirm, data={"payment_method": "pm_card_visa"})
    again = await api.post(capture, headers=key)
    assert error_of(too_early) == error_of(again) == (400, "invalid_request_error", "payment_intent_unexpected_state")
    assert is_replayed(again)


async def test_a_500_after_the_work_is_replayed(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str], confirm: str
) -> None:
    sandbox.fault("confirm", "error_after")
    answers = [await api.post(confirm, data={"payment_method": "pm_card_visa"}, headers=key) for _ in range(2)]
    assert [error_of(answer) for answer in answers] == [(500, "api_error", None)] * 2
    assert is_replayed(answers[1])
    assert sandbox.intent(confirm.split("/")[-2])["status"] == "requires_capture"


async def test_what_is_refused_before_the_work_leaves_the_key_free(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str], confirm: str
) -> None:
    paying = {"payment_method": "pm_card_visa"}
    unsigned = await api.post(confirm, data=paying, headers=key | {"Authorization": "Bearer wrong"})
    invalid = await api.post(confirm, data=paying | {"colour": "red"}, headers=key)
    unknown = await api.post(confirm, data={"payment_method": "pm_card_nobody"}, headers=key)
    sandbox.fault("confirm", "outage")
    away = await api.post(confirm, data=paying, headers=key)
    assert [answer.status_code for answer in (unsigned, invalid, unknown, away)] == [401, 400, 400, 503]
    at_last = await api.post(confirm, data=paying, headers=key)
    assert (at_last.status_code, is_replayed(at_last)) == (200, False)


async def test_the_outage_token_does_not_use_the_key_up(
    api: httpx.AsyncClient, key: dict[str, str], confirm: str
) -> None:
    answers = [await api.post(confirm, data={"payment_method": "pm_sandbox_outage"}, headers=key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 200, 200]
    assert [is_replayed(answer) for answer in answers] == [False, False, False, True]


async def test_a_key_that_is_being_worked_on_is_in_use(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str], confirm: str
) -> None:
    sandbox.fault("confirm", "slow", delay_seconds=1.5)
    answers = await asyncio.gather(
        *(api.post(confirm, data={"payment_method": "pm_card_visa"}, headers=key) for _ in range(5))
    )
    refused = [error_of(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(409, "idempotency_error", "idempotency_key_in_use")] * 4
    after = await api.post(confirm, data={"payment_method": "pm_card_visa"}, headers=key)
    assert (after.status_code, is_replayed(after)) == (200, True)


async def test_a_key_in_use_refuses_other_parameters_as_such(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str]
) -> None:
    sandbox.fault("create", "slow", delay_seconds=1.5)
    running = asyncio.create_task(api.post(INTENTS, data=NEW, headers=key))
    async with asyncio.timeout(10):
        while sandbox.faults():  # until the knob is used up, the request has not begun  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    other = await api.post(INTENTS, data=NEW | {"amount": "2000"}, headers=key)
    assert error_of(other) == (400, "idempotency_error", None)
    assert (await running).status_code == 200


async def test_one_key_makes_one_intent_however_often_it_comes_at_once(
    api: httpx.AsyncClient, sandbox: SandboxServer, key: dict[str, str]
) -> None:
    before = len(sandbox.journal())
    answers = await asyncio.gather(*(api.post(INTENTS, data=NEW, headers=key) for _ in range(20)))
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert len(sandbox.journal()) == before + 1


async def test_a_key_survives_kill_9(sandbox: SandboxServer, key: dict[str, str]) -> None:
    async with sandbox.api() as api:
        first = await api.post(INTENTS, data=NEW, headers=key)
    sandbox.kill9()
    sandbox.start()
    async with sandbox.api() as api:
        again = await api.post(INTENTS, data=NEW, headers=key)
    assert (again.content, is_replayed(again)) == (first.content, True)


async def test_a_key_that_is_too_long_is_refused(api: httpx.AsyncClient) -> None:
    assert (await api.post(INTENTS, data=NEW, headers={"Idempotency-Key": "k" * 255})).status_code == 200
    assert (await api.post(INTENTS, data=NEW, headers={"Idempotency-Key": "k" * 256})).status_code == 400
