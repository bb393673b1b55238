"""GET /notifications/stream: everything once, from where one was, and nobody else's."""

import asyncio

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.live import Live
from api.live.following import STREAMS_AT_ONCE
from core.settings import Settings
from tests.api.conftest import Caller, SignIn
from tests.api.live.listening import Ear, hearing, serving
from tests.api.shopping import fields_of, refused, until
from tests.api.test_api_keys import by, make
from tests.builders import Shop
from tests.notices import told, write

STREAM = "/notifications/stream"


async def heard(ear: Ear) -> str:
    """The id of the next notification."""
    event = await ear.event()
    assert event
    return str(event.data["id"])


async def test_what_is_told_comes_at_once_and_reads_as_in_the_inbox(served: str, customer: Caller, shop: Shop) -> None:
    assert customer.user_id
    async with hearing(served, STREAM, customer) as ear:
        assert ear.answer.status_code == 200
        assert ear.answer.headers["Content-Type"].startswith("text/event-stream")
        assert ear.answer.headers["Cache-Control"] == "no-store"
        assert ear.answer.headers["X-Accel-Buffering"] == "no"
        first = await ear.block()
        assert first
        assert (first.data, bool(first.id), bool(first.retry)) == (None, True, True)
        await told(shop.database, customer.user_id)
        event = await ear.event()
    assert event
    assert event.event == "notification"
    (in_inbox,) = (await customer.get("/notifications")).json()["items"]
    assert event.data == in_inbox
    assert event.id
    assert event.id.endswith(event.data["id"])


async def test_without_a_last_id_only_what_comes_from_now_on_is_told(served: str, customer: Caller, shop: Shop) -> None:
    assert customer.user_id
    await told(shop.database, customer.user_id)
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()
        after = await told(shop.database, customer.user_id)
        assert await heard(ear) == str(after)


async def test_a_client_that_was_away_hears_first_what_it_missed(served: str, customer: Caller, shop: Shop) -> None:
    assert customer.user_id
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()  # it goes before it was told anything
    missed = [str(await told(shop.database, customer.user_id)) for _ in range(3)]
    async with hearing(served, STREAM, customer, ear.last_id) as second:
        assert [await heard(second) for _ in range(2)] == missed[:2]
    async with hearing(served, f"{STREAM}?last_event_id={second.last_id}", customer) as third:
        assert await heard(third) == missed[2], "the query says it where the header cannot"
        later = str(await told(shop.database, customer.user_id))
        assert await heard(third) == later


async def test_the_header_of_a_client_that_came_back_counts_and_not_its_old_url(
    served: str, customer: Caller, shop: Shop
) -> None:
    assert customer.user_id
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()
        first = ear.last_id
        await told(shop.database, customer.user_id)
        await ear.event()
    missed = await told(shop.database, customer.user_id)
    async with hearing(served, f"{STREAM}?last_event_id={first}", customer, ear.last_id) as again:
        assert await heard(again) == str(missed)


async def test_nobody_hears_what_is_told_to_another(served: str, customer: Caller, sign_in: SignIn, shop: Shop) -> None:
    stranger = await sign_in()
    assert customer.user_id
    assert stranger.user_id
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()
        await told(shop.database, stranger.user_id)
        own = await told(shop.database, customer.user_id)
        assert await heard(ear) == str(own)


async def test_what_waits_for_an_older_transaction_is_told_when_that_ends(
    served: str, customer: Caller, shop: Shop
) -> None:
    """Nobody hints at the end of a transaction that told this account of nothing."""
    assert customer.user_id
    another = await shop.user()
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()
        async with shop.database.transaction() as slow:
            await write(slow, another)
            late = await told(shop.database, customer.user_id)
        assert await heard(ear) == str(late)


async def test_what_one_process_writes_another_tells(
    served: str, customer: Caller, shop: Shop, api_settings: Settings
) -> None:
    assert customer.user_id
    other = create_app(api_settings)
    async with (
        other.router.lifespan_context(other),
        serving(other) as elsewhere,
        hearing(served, STREAM, customer) as here,
        hearing(elsewhere, STREAM, customer) as there,
    ):
        await here.block()
        await there.block()
        written = [str(await told(shop.database, customer.user_id)) for _ in range(3)]
        assert [await heard(here) for _ in written] == written
        assert [await heard(there) for _ in written] == written


@pytest.mark.parametrize(
    "last_id", ["x", "12", "1-0198c5a47c1e70008000000000000001", "-1-00000000-0000-0000-0000-000000000000"]
)
async def test_a_last_id_that_is_none_is_refused(customer: Caller, last_id: str) -> None:
    answer = await customer.get(STREAM, headers={"Last-Event-ID": last_id})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"header.last-event-id"}
    answer = await customer.get(STREAM, params={"last_event_id": last_id})
    assert fields_of(refused(answer, 422, "validation-failed")) == {"query.last_event_id"}


async def test_a_machine_has_nothing_to_hear(anonymous: Caller, sign_in: SignIn) -> None:
    made = await make(await sign_in("admin"), "orders:read")
    refused(await anonymous.get(STREAM, headers=by(made)), 403, "forbidden")
    refused(await anonymous.get(STREAM), 401, "not-signed-in")


async def test_a_head_is_answered_and_leaves_no_stream_open(customer: Caller, live: Live) -> None:
    answer = await customer.head(STREAM)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert live.open_streams == 0


async def test_an_account_has_only_so_many_streams_at_once(
    served: str, customer: Caller, sign_in: SignIn, live: Live
) -> None:
    stranger = await sign_in()
    opened = [hearing(served, STREAM, customer) for _ in range(STREAMS_AT_ONCE)]
    for stream in opened:
        assert (await stream.__aenter__()).answer.status_code == 200
    answer = await customer.get(STREAM)
    assert refused(answer, 429, "rate-limited")["retry_after"]
    async with hearing(served, STREAM, stranger) as another:
        assert another.answer.status_code == 200
    for stream in opened:
        await stream.__aexit__(None, None, None)
    await until(lambda: closed(live))
    async with hearing(served, STREAM, customer) as again:
        assert again.answer.status_code == 200


async def test_who_listens_holds_no_connection_of_the_database(
    served: str, customer: Caller, app: FastAPI, live: Live
) -> None:
    pool = app.state.resources.database.engine.pool
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()

        async def is_waiting() -> bool:
            return bool(live.open_streams == live.news.subscribers == 1 and pool.checkedout() == 0)

        await until(is_waiting)
        assert isinstance(ear.last_id, str)


async def figures(anonymous: Caller) -> dict[str, float]:
    text = (await anonymous.get("http://shop.test/metrics")).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


async def test_a_stream_is_counted_by_when_it_begins_and_not_by_how_long_it_is_open(
    served: str, customer: Caller, anonymous: Caller, live: Live
) -> None:
    labels = '{method="GET",route="/api/v1/notifications/stream",status="200"}'
    count, total = (f"tillwright_request_seconds_{part}{labels}" for part in ("count", "sum"))
    before = await figures(anonymous)
    async with hearing(served, STREAM, customer) as ear:
        await ear.block()
        began = asyncio.get_running_loop().time()
        assert (await figures(anonymous))['tillwright_streams_open{kind="sse"}'] == 1
        await until(lambda: passed(began + 0.5))
    await until(lambda: closed(live))
    after = await figures(anonymous)
    assert after[count] - before.get(count, 0) == 1
    assert after[total] - before.get(total, 0) < 0.5
    assert after['tillwright_streams_open{kind="sse"}'] == 0


async def passed(moment: float) -> bool:
    return asyncio.get_running_loop().time() > moment


async def closed(live: Live) -> bool:
    return live.open_streams == 0
