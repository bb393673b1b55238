"""The sandbox's fault knobs, and what its journal keeps through a kill -9."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from devstack.sandbox.faults import OF_REQUESTS, OF_WEBHOOKS, Fault, Faults, Kind, Operation
from tests.sandbox import INTENTS, NEW, SandboxServer, running_sandbox


@pytest.fixture
async def api(sandbox: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with sandbox.api() as api:
        yield api


async def test_an_outage_does_nothing_so_many_times(api: httpx.AsyncClient, sandbox: SandboxServer) -> None:
    before = len(sandbox.journal())
    sandbox.fault("create", "outage", times=2)
    assert [(await api.post(INTENTS, data=NEW)).status_code for _ in range(3)] == [503, 503, 200]
    assert len(sandbox.journal()) == before + 1
    assert sandbox.faults() == []


async def test_a_dropped_reply_closes_the_connection_after_the_work(
    api: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    before = len(sandbox.journal())
    sandbox.fault("create", "drop_reply")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await api.post(INTENTS, data=NEW)
    assert len(sandbox.journal()) == before + 1
    assert (await api.post(INTENTS, data=NEW)).status_code == 200


async def test_a_slow_reply_comes_after_the_work_and_leaves_its_key_free(
    api: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    before, key = len(sandbox.journal()), {"Idempotency-Key": "slow-reply"}
    sandbox.fault("create", "slow_reply", delay_seconds=600)
    with pytest.raises(httpx.ReadTimeout):
        await api.post(INTENTS, data=NEW, headers=key, timeout=httpx.Timeout(20, read=2))
    assert len(sandbox.journal()) == before + 1
    assert (await api.post(INTENTS, data=NEW, headers=key)).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("create", "POST", INTENTS),
        ("confirm", "POST", f"{INTENTS}/{{}}/confirm"),
        ("capture", "POST", f"{INTENTS}/{{}}/capture"),
        ("cancel", "POST", f"{INTENTS}/{{}}/cancel"),
        ("retrieve", "GET", f"{INTENTS}/{{}}"),
        ("list", "GET", INTENTS),
        ("refund", "POST", "/v1/refunds"),
    ],
)
async def test_each_operation_has_its_knob(
    api: httpx.AsyncClient, sandbox: SandboxServer, operation: str, method: str, path: str
) -> None:
    intent_id = (await api.post(INTENTS, data=NEW)).json()["id"]
    form = NEW if operation == "create" else {}
    for name in (operation, "*"):
        sandbox.fault(name, "outage")
        answers = [await api.request(method, path.format(intent_id), data=form or None) for _ in range(2)]
        assert answers[0].status_code == 503
        assert answers[1].status_code != 503


async def test_a_knob_may_hold_until_it_is_cleared_and_a_restart_clears_it(
    api: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    sandbox.fault("list", "outage", times=None)
    assert {(await api.get(INTENTS)).status_code for _ in range(5)} == {503}
    sandbox.clear_faults()
    assert (await api.get(INTENTS)).status_code == 200
    sandbox.fault("list", "outage", times=None)
    sandbox.restart()
    assert sandbox.faults() == []


def test_knobs_are_used_up_in_the_order_they_were_set() -> None:
    faults = Faults()
    for kind in (Kind.OUTAGE, Kind.DROP_REPLY):
        faults.add(Fault(operation=Operation.ANY, kind=kind))
    faults.add(Fault(operation=Operation.WEBHOOK, kind=Kind.LOST))
    taken = [faults.take(Operation.CAPTURE) for _ in range(3)]
    assert [fault and fault.kind for fault in taken] == [Kind.OUTAGE, Kind.DROP_REPLY, None]
    assert [fault.kind for fault in faults.waiting] == [Kind.LOST]


@pytest.mark.parametrize(
    "knob",
    [
        {"operation": "confirm", "kind": "lost"},
        {"operation": "webhook", "kind": "outage"},
        {"operation": "teleport", "kind": "outage"},
        {"operation": "confirm", "kind": "outage", "times": 0},
        {"operation": "confirm", "kind": "slow", "delay_seconds": -1},
        {"operation": "confirm", "kind": "outage", "colour": "red"},
        {},
    ],
)
async def test_a_knob_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, sandbox: SandboxServer, knob: dict[str, object]
) -> None:
    assert (await api.post("/_sandbox/faults", json=knob)).status_code == 422
    assert sandbox.faults() == []


async def test_the_page_for_humans_shows_intents_tokens_and_knobs(
    api: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    intent_id = (await api.post(INTENTS, data=NEW)).json()["id"]
    sandbox.fault("capture", "slow")
    page = (await api.get("/_sandbox")).text
    assert all(word in page for word in (intent_id, "19.99 USD", "pm_sandbox_unknown", "<td>capture</td><td>slow</td>"))


async def test_no_acknowledged_charge_is_lost_by_kill_9(sandbox: SandboxServer) -> None:
    acknowledged: set[str] = set()

    async def charge(api: httpx.AsyncClient) -> None:
        while True:
            intent_id = (await api.post(INTENTS, data=NEW)).json()["id"]
            confirm = f"{INTENTS}/{intent_id}/confirm"
            if (await api.post(confirm, data={"payment_method": "pm_card_visa"})).status_code == 200:
                acknowledged.add(intent_id)

    async with sandbox.api() as api:
        shoppers = [asyncio.create_task(charge(api)) for _ in range(8)]
        async with asyncio.timeout(30):
            while len(acknowledged) < 100:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        sandbox.kill9()
        ended = await asyncio.gather(*shoppers, return_exceptions=True)
    assert all(isinstance(error, httpx.TransportError) for error in ended)
    sandbox.start()
    kept = {intent["id"]: intent for intent in sandbox.journal()}
    assert {kept[intent_id]["status"] for intent_id in acknowledged} == {"requires_capture"}
    assert {len(kept[intent_id]["charges"]) for intent_id in acknowledged} == {1}


async def test_the_two_outages_of_an_intent_are_counted_through_a_restart(sandbox: SandboxServer) -> None:
    statuses = []
    async with sandbox.api() as api:
        confirm = f"{INTENTS}/{(await api.post(INTENTS, data=NEW)).json()['id']}/confirm"
    for _ in range(3):
        async with sandbox.api() as api:
            statuses.append((await api.post(confirm, data={"payment_method": "pm_sandbox_outage"})).status_code)
        sandbox.restart()
    assert statuses == [503, 503, 200]


async def test_sigterm_ends_it_even_with_a_request_under_way(sandbox: SandboxServer) -> None:
    before = sandbox.journal()
    sandbox.fault("create", "slow", delay_seconds=600)
    async with sandbox.api() as api:
        running = asyncio.create_task(api.post(INTENTS, data=NEW))
        async with asyncio.timeout(10):
            while sandbox.faults():  # noqa: ASYNC110 — until the request has begun
                await asyncio.sleep(0.01)
        assert sandbox.process.pid is not None
        os.kill(sandbox.process.pid, signal.SIGTERM)
        with suppress(httpx.TransportError):
            assert (await running).status_code == 500
    sandbox.process.stop()
    assert sandbox.process.exit_code in (0, -signal.SIGTERM)
    sandbox.start()
    assert sandbox.journal() == before


def test_a_second_sandbox_leaves_the_first_ones_journal_alone(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        second = SandboxServer(tmp_path)
        ended = subprocess.run(
            second.process.command,
            env=second.process.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert ended.returncode == 1
        assert "Does another sandbox run?" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert first.journal() == []


def test_help_names_every_knob() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "devstack.sandbox", "--help"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert all(name in shown for name in (*Operation, *OF_REQUESTS, *OF_WEBHOOKS))
