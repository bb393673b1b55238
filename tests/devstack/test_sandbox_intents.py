"""The sandbox on the wire: payment intents as Stripe's clients ask for them and read them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.sandbox.journal import FILE
from tests.sandbox import INTENTS, SandboxServer, running_sandbox

NEW = {"amount": "1999", "currency": "usd", "capture_method": "manual", "metadata[order_id]": "order-1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def sandbox(folder: Path) -> Iterator[SandboxServer]:
    with running_sandbox(folder) as server:
        yield server


@pytest.fixture
async def api(sandbox: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with sandbox.api() as api:
        yield api


async def created(api: httpx.AsyncClient, **more: str) -> dict[str, Any]:
    answer = await api.post(INTENTS, data=NEW | more)
    assert answer.status_code == 200, answer.text
    intent: dict[str, Any] = answer.json()
    return intent


async def asked(api: httpx.AsyncClient, intent: dict[str, Any], verb: str, **form: str) -> dict[str, Any]:
    """The object, or the error, that the answer holds."""
    answer = await api.post(f"{INTENTS}/{intent['id']}/{verb}", data=form)
    body: dict[str, Any] = answer.json()
    found: dict[str, Any] = body.get("error", body)
    return found | {"http": answer.status_code}


async def paid(api: httpx.AsyncClient, **more: str) -> dict[str, Any]:
    return await asked(api, await created(api, **more), "confirm", payment_method="pm_card_visa")


async def test_a_new_intent_reads_like_one_of_stripe(api: httpx.AsyncClient) -> None:
    intent = await created(api)
    assert intent["id"].startswith("pi_")
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    expected = {
        "object": "payment_intent", "amount": 1999, "amount_capturable": 0, "amount_received": 0, "currency": "usd",
        "status": "requires_payment_method", "capture_method": "manual", "livemode": False, "latest_charge": None,
        "last_payment_error": None, "next_action": None, "payment_method": None, "metadata": {"order_id": "order-1"},
    }  # fmt: skip
    assert {name: intent[name] for name in expected} == expected
    assert not [name for name in intent if name.startswith("_")]


@pytest.mark.parametrize("method", ["automatic", "automatic_async"])
async def test_automatic_capture_takes_the_money_with_the_confirmation(api: httpx.AsyncClient, method: str) -> None:
    intent = await created(api, capture_method=method, payment_method="pm_card_visa", confirm="true")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1999)


async def test_a_token_given_at_the_creation_waits_for_its_confirmation(api: httpx.AsyncClient) -> None:
    intent = await created(api, payment_method="pm_card_visa")
    assert intent["status"] == "requires_confirmation"
    assert (await asked(api, intent, "confirm"))["status"] == "requires_capture"


async def test_a_decline_has_the_shape_of_stripe_and_names_its_intent(api: httpx.AsyncClient) -> None:
    intent = await created(api)
    error = await asked(api, intent, "confirm", payment_method="pm_card_chargeDeclinedInsufficientFunds")
    assert (error["http"], error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["decline_code"] == "insufficient_funds"
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert error["payment_intent"]["last_payment_error"]["charge"] == error["charge"]
    charge = (await api.get(f"/v1/charges/{error['charge']}")).json()
    assert (charge["status"], charge["paid"], charge["captured"]) == ("failed", False, False)


async def test_capturing_a_part_gives_the_rest_back(api: httpx.AsyncClient) -> None:
    intent = await paid(api)
    captured = await asked(api, intent, "capture", amount_to_capture="1500", **{"expand[0]": "latest_charge"})
    assert (captured["amount_received"], captured["amount_capturable"]) == (1500, 0)
    charge = captured["latest_charge"]
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (1500, 499, False)


async def test_more_than_was_set_aside_cannot_be_captured(api: httpx.AsyncClient) -> None:
    intent = await paid(api)
    error = await asked(api, intent, "capture", amount_to_capture="2000")
    assert (error["http"], error["code"], error["param"]) == (400, "amount_too_large", "amount_to_capture")
    assert (await asked(api, intent, "capture"))["amount_received"] == 1999


async def test_a_cancelled_intent_lets_go_of_the_money(api: httpx.AsyncClient) -> None:
    intent = await paid(api)
    reason = {"cancellation_reason": "requested_by_customer", "expand[]": "latest_charge"}
    cancelled = await asked(api, intent, "cancel", **reason)
    assert (cancelled["status"], cancelled["amount_capturable"]) == ("canceled", 0)
    assert cancelled["cancellation_reason"] == "requested_by_customer"
    charge = cancelled["latest_charge"]
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (0, 1999, True)


@pytest.mark.parametrize("verb", ["confirm", "capture", "cancel"])
async def test_what_a_state_forbids_is_an_unexpected_state_and_changes_nothing(
    api: httpx.AsyncClient, verb: str
) -> None:
    intent = await paid(api)
    await asked(api, intent, "cancel")
    before = (await api.get(f"{INTENTS}/{intent['id']}")).json()
    error = await asked(api, intent, verb)
    assert (error["http"], error["code"]) == (400, "payment_intent_unexpected_state")
    assert error["payment_intent"] == before == (await api.get(f"{INTENTS}/{intent['id']}")).json()


async def test_an_intent_without_a_payment_method_cannot_be_confirmed(api: httpx.AsyncClient) -> None:
    error = await asked(api, await created(api), "confirm")
    assert error["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": None}, "parameter_missing", "amount"),
        ({"amount": "0"}, "parameter_invalid_integer", "amount"),
        ({"amount": "-5"}, "parameter_invalid_integer", "amount"),
        ({"amount": "19.99"}, "parameter_invalid_integer", "amount"),
        ({"amount": "100000000"}, "amount_too_large", "amount"),
        ({"amount": ""}, "parameter_invalid_empty", "amount"),
        ({"currency": None}, "parameter_missing", "currency"),
        ({"currency": "xyz"}, None, "currency"),
        ({"capture_method": "whenever"}, None, "capture_method"),
        ({"metadata": "order-1", "metadata[order_id]": None}, None, "metadata"),
        ({"metadata[order_id]": "x" * 501}, None, "metadata"),
        ({"amount[a]": "1", "amount": None}, None, "amount"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method": "pm_card_nobody"}, "resource_missing", "payment_method"),
        ({"payment_method": "pm_card_visa", "confirm": "perhaps"}, None, "confirm"),
    ],
)
async def test_a_bad_parameter_is_named(
    api: httpx.AsyncClient, change: dict[str, str | None], code: str | None, param: str
) -> None:
    form = {name: value for name, value in (NEW | change).items() if value is not None}
    answer = await api.post(INTENTS, data=form)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error["param"]) == (code, param)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe=1", b"amount", b"[=1", b"a[b][c][d][e]=1", b"a=1&a[b]=2", b'{"amount": 1}']
)
async def test_what_is_no_form_is_refused(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.post(INTENTS, content=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//shop.test", "ftp://shop.test", "shop.test/back"])
async def test_a_browser_is_only_ever_sent_to_an_http_address(api: httpx.AsyncClient, url: str) -> None:
    error = await asked(api, await created(api), "confirm", payment_method="pm_card_visa", return_url=url)
    assert (error["http"], error["code"], error["param"]) == (400, "url_invalid", "return_url")


async def test_a_card_number_is_neither_taken_nor_kept(api: httpx.AsyncClient, folder: Path) -> None:
    number, intent = "4242424242424242", await created(api)
    by_field = await asked(api, intent, "confirm", **{"payment_method_data[card][number]": number})
    by_token = await asked(api, intent, "confirm", payment_method=number)
    assert by_field["code"] == "parameter_unknown"
    assert (by_token["code"], by_token["param"]) == ("resource_missing", "payment_method")
    assert number not in str([by_field, by_token])
    kept = files_in(folder)
    assert FILE in kept
    assert not any(number.encode() in content for content in kept.values())


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("authorization", [None, "Bearer sk_test_other", "Bearer", "Basic c2s6", "Bearer é"])
async def test_a_wrong_api_key_is_a_401_in_the_shape_of_stripe(
    sandbox: SandboxServer, authorization: str | None
) -> None:
    headers = [(b"Authorization", authorization.encode())] if authorization is not None else []
    async with httpx.AsyncClient(base_url=sandbox.base) as stranger:
        answer = await stranger.get(INTENTS, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


@pytest.mark.parametrize(
    "path", [f"{INTENTS}/pi_nobody", "/v1/charges/ch_nobody", "/v1/refunds/re_nobody", "/v1/events/evt_nobody"]
)
async def test_what_does_not_exist_is_missing(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/customers"), ("DELETE", INTENTS), ("GET", "/")])
async def test_an_unknown_path_is_an_error_in_the_shape_of_stripe(
    api: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await api.request(method, path)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_lists_go_from_the_newest_in_pages_both_ways(api: httpx.AsyncClient) -> None:
    made = [(await created(api))["id"] for _ in range(5)][::-1]
    first = (await api.get(INTENTS, params={"limit": 2})).json()
    assert ([item["id"] for item in first["data"]], first["has_more"]) == (made[:2], True)
    older = (await api.get(INTENTS, params={"limit": 3, "starting_after": made[1]})).json()
    assert [item["id"] for item in older["data"]] == made[2:]
    newer = (await api.get(INTENTS, params={"limit": 2, "ending_before": made[3]})).json()
    assert ([item["id"] for item in newer["data"]], newer["has_more"]) == (made[1:3], True)
    newest = (await api.get(INTENTS, params={"ending_before": made[2]})).json()
    assert ([item["id"] for item in newest["data"]], newest["has_more"]) == (made[:2], False)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "starting_after=pi_nobody", "order=asc"])
async def test_a_page_that_cannot_be_is_refused(api: httpx.AsyncClient, query: str) -> None:
    assert (await api.get(f"{INTENTS}?{query}")).status_code in (400, 404)


async def test_objects_are_expanded_on_request_only(api: httpx.AsyncClient) -> None:
    intent = await paid(api)
    assert intent["latest_charge"].startswith("ch_")
    path = f"{INTENTS}/{intent['id']}"
    expanded = (await api.get(path, params={"expand[]": "latest_charge.payment_intent"})).json()
    assert expanded["latest_charge"]["payment_intent"]["id"] == intent["id"]
    listed = (await api.get(INTENTS, params={"limit": 1, "expand[0]": "data.latest_charge"})).json()
    assert listed["data"][0]["latest_charge"]["id"] == intent["latest_charge"]
    refused = await api.get(path, params={"expand[]": "metadata"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "expand")


async def test_a_request_that_is_refused_for_its_expansion_does_nothing(
    api: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    before = sandbox.journal()
    refused = await api.post(INTENTS, data=NEW | {"expand[]": "metadata"}, headers={"Idempotency-Key": "expansion"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "expand")
    assert sandbox.journal() == before
    assert (await api.post(INTENTS, data=NEW, headers={"Idempotency-Key": "expansion"})).status_code == 200


async def test_events_tell_the_story_as_it_was(api: httpx.AsyncClient) -> None:
    intent = await paid(api)
    await asked(api, intent, "capture")
    events = (await api.get("/v1/events", params={"payment_intent": intent["id"]})).json()["data"]
    assert [(event["type"], event["data"]["object"].get("status")) for event in events[::-1]] == [
        ("payment_intent.created", "requires_payment_method"),
        ("payment_intent.amount_capturable_updated", "requires_capture"),
        ("charge.captured", "succeeded"),
        ("payment_intent.succeeded", "succeeded"),
    ]
    assert (await api.get(f"/v1/events/{events[0]['id']}")).json() == events[0]
