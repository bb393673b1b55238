"""The sandbox's 3-D Secure page: a plain page that asks, decides once and sends the browser back."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.sandbox import INTENTS, SandboxServer, running_sandbox

RETURN_URL = "http://shop.test/back?order=1#paid"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture
async def api(sandbox: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with sandbox.api() as api:
        yield api


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """Holds no key and follows no redirect."""
    async with httpx.AsyncClient() as browser:
        yield browser


async def asking(api: httpx.AsyncClient, return_url: str | None = RETURN_URL, **new: str) -> dict[str, Any]:
    """An intent whose bank wants the shopper."""
    form = {"amount": "1999", "currency": "usd", "capture_method": "manual"} | new
    intent_id = (await api.post(INTENTS, data=form)).json()["id"]
    return await asked_again(api, intent_id, return_url)


async def asked_again(api: httpx.AsyncClient, intent_id: str, return_url: str | None = RETURN_URL) -> dict[str, Any]:
    form = {"payment_method": "pm_card_authenticationRequired"} | ({"return_url": return_url} if return_url else {})
    intent: dict[str, Any] = (await api.post(f"{INTENTS}/{intent_id}/confirm", data=form)).json()
    assert intent["status"] == "requires_action"
    return intent


def page_of(intent: dict[str, Any]) -> str:
    redirect = intent["next_action"]["redirect_to_url"]
    assert intent["next_action"]["type"] == "redirect_to_url"
    url: str = redirect["url"]
    return url


async def status_of(api: httpx.AsyncClient, intent: dict[str, Any]) -> str:
    status: str = (await api.get(f"{INTENTS}/{intent['id']}")).json()["status"]
    return status


@pytest.mark.parametrize(
    ("decision", "capture_method", "status", "redirect_status"),
    [
        ("approve", "manual", "requires_capture", "succeeded"),
        ("approve", "automatic", "succeeded", "succeeded"),
        ("decline", "manual", "requires_payment_method", "failed"),
    ],
)
async def test_the_decision_is_carried_out_and_the_browser_sent_back(
    api: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    decision: str,
    capture_method: str,
    status: str,
    redirect_status: str,
) -> None:
    intent = await asking(api, capture_method=capture_method)
    page = await browser.get(page_of(intent))
    assert page.status_code == 200
    assert "19.99 USD" in page.text
    assert f'value="{decision}"' in page.text
    answer = await browser.post(page_of(intent), data={"decision": decision})
    assert answer.status_code == 303
    back = urlsplit(answer.headers["Location"])
    assert (back.scheme, back.netloc, back.path, back.fragment) == ("http", "shop.test", "/back", "paid")
    assert parse_qs(back.query) == {
        "order": ["1"],
        "payment_intent": [intent["id"]],
        "payment_intent_client_secret": [intent["client_secret"]],
        "redirect_status": [redirect_status],
    }
    assert await status_of(api, intent) == status


async def test_a_failed_authentication_is_the_intents_last_error(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    intent = await asking(api)
    await browser.post(page_of(intent), data={"decision": "decline"})
    failed = (await api.get(f"{INTENTS}/{intent['id']}")).json()
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (failed["next_action"], failed["payment_method"], failed["latest_charge"]) == (None, None, None)


async def test_deciding_twice_decides_once_and_says_so_calmly(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    intent = await asking(api)
    await browser.post(page_of(intent), data={"decision": "approve"})
    for answer in (
        await browser.post(page_of(intent), data={"decision": "decline"}),
        await browser.get(page_of(intent)),
    ):
        assert answer.status_code == 410
        assert "Nothing left to do" in answer.text
        assert 'href="http://shop.test/back?order=1&amp;payment_intent=' in answer.text
    assert await status_of(api, intent) == "requires_capture"
    assert len(sandbox.intent(intent["id"])["charges"]) == 1


async def test_approving_what_was_cancelled_meanwhile_charges_nothing(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    intent = await asking(api)
    await api.post(f"{INTENTS}/{intent['id']}/cancel")
    answer = await browser.post(page_of(intent), data={"decision": "approve"})
    assert answer.status_code == 410
    cancelled = sandbox.intent(intent["id"])
    assert (cancelled["status"], cancelled["charges"]) == ("canceled", [])


async def test_the_page_of_an_earlier_attempt_decides_nothing(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    first = await asking(api)
    await browser.post(page_of(first), data={"decision": "decline"})
    second = await asked_again(api, first["id"])
    assert (await browser.post(page_of(first), data={"decision": "approve"})).status_code == 410
    assert await status_of(api, second) == "requires_action"
    assert (await browser.post(page_of(second), data={"decision": "approve"})).status_code == 303


async def test_without_a_return_url_the_page_ends_here(api: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    intent = await asking(api, return_url=None)
    answer = await browser.post(page_of(intent), data={"decision": "approve"})
    assert answer.status_code == 200
    assert "approved" in answer.text


async def test_an_address_that_the_bank_never_gave_leads_nowhere(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    intent = await asking(api)
    guessed = page_of(intent).rsplit("/", 1)[0] + "/src_guessed"
    for url in (guessed, f"{sandbox.base}/_sandbox/3d-secure/pi_nobody/src_guessed"):
        assert (await browser.get(url)).status_code == 404
        assert (await browser.post(url, data={"decision": "approve"})).status_code == 404
    assert (await browser.post(page_of(intent), data={"decision": "perhaps"})).status_code == 404
    assert await status_of(api, intent) == "requires_action"


async def test_what_comes_from_outside_is_escaped(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    evil = '"><script>alert(1)</script>'
    intent = await asking(api, return_url=f"http://shop.test/{evil}", **{"metadata[order_id]": evil})
    await browser.post(page_of(intent), data={"decision": "approve"})
    late = await browser.get(page_of(intent))
    overview = await browser.get(f"{sandbox.base}/_sandbox")
    assert (late.status_code, overview.status_code) == (410, 200)
    for page in (late, overview):
        assert "<script" not in page.text
    assert "&lt;script&gt;" in overview.text
    assert "default-src 'none'" in late.headers["Content-Security-Policy"]


@pytest.mark.parametrize("decision", ["approve", "decline"])
async def test_a_script_can_decide_without_a_browser(api: httpx.AsyncClient, decision: str) -> None:
    intent = await asking(api)
    decided = await api.post(f"/_sandbox/intents/{intent['id']}/{decision}")
    assert decided.json()["status"] == await status_of(api, intent) != "requires_action"
    again = await api.post(f"/_sandbox/intents/{intent['id']}/{decision}")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "payment_intent_unexpected_state")
