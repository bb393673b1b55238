"""From a request to a mail in the mailbox, whatever is away meanwhile."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from core.database import Database
from core.settings import Settings
from devstack.mailbox.inbox import Inbox, Letter
from domain.messages.mail import MailDispatch
from tests.api.conftest import Caller, Wires
from tests.api.shopping import refused, until
from tests.api.signing import EMAIL, PASSWORD, ada, bearing, logged_in, mails_to
from tests.builders import Shop
from workflows.mail import MailDispatchWorkflow

StartDispatch = Callable[[], Awaitable[None]]

ADA: dict[str, Any] = {"email": EMAIL, "password": PASSWORD, "full_name": "Ada <b>Shopper</b>"}


@pytest.fixture
async def dispatch(temporal: Client, api_settings: Settings) -> AsyncIterator[StartDispatch]:
    """`await dispatch()` has mails dispatched until the test ends."""
    name = f"dispatch-{uuid4()}"

    async def start() -> None:
        queue = api_settings.task_queue
        await temporal.start_workflow(MailDispatchWorkflow.run, MailDispatch(), id=name, task_queue=queue)

    yield start
    await temporal.get_workflow_handle(name).terminate()


@pytest.fixture
async def mailing(worker: Worker, dispatch: StartDispatch) -> None:
    await dispatch()


async def register(anonymous: Caller) -> None:
    assert (await anonymous.post("/auth/register", json=ADA)).status_code == 201


async def mailed(letters: Inbox, subject: str) -> Letter:
    """The mail with this subject, once it is there."""

    def found() -> list[Letter]:
        return [letter for letter in letters.newest(10, EMAIL) if letter.subject.startswith(subject)]

    async def has_come() -> bool:
        return bool(found())

    await until(has_come)
    return found()[0]


def token_in(letter: Letter) -> str:
    (token,) = re.findall(r"#token=(\S+)", letter.text)
    return str(token)


async def is_verified(anonymous: Caller) -> bool:
    me = await anonymous.get("/auth/me", headers=bearing(await logged_in(anonymous)))
    return bool(me.json()["email_verified"])


@pytest.mark.usefixtures("mailing")
async def test_a_new_address_is_confirmed_with_the_token_that_is_mailed_to_it(
    anonymous: Caller, letters: Inbox
) -> None:
    await register(anonymous)
    assert not await is_verified(anonymous)
    body = {"token": token_in(await mailed(letters, "Confirm your address"))}
    for _ in range(2):
        assert (await anonymous.post("/auth/verify-email", json=body)).status_code == 204
    assert await is_verified(anonymous)


@pytest.mark.usefixtures("mailing")
async def test_the_owner_of_a_known_address_is_told_and_who_asked_is_not(
    anonymous: Caller, letters: Inbox, shop: Shop
) -> None:
    await ada(shop)
    await register(anonymous)
    letter = await mailed(letters, "You have an account already")
    assert "#token" not in letter.text
    assert "Ada" not in letter.text + letter.html, "no word of it comes from whoever asked"


@pytest.mark.usefixtures("mailing")
async def test_a_new_password_by_mail_from_the_first_request_to_the_sign_in(
    anonymous: Caller, letters: Inbox, shop: Shop
) -> None:
    await ada(shop)
    await anonymous.post("/auth/password-reset", json={"email": EMAIL})
    token = token_in(await mailed(letters, "Choose a new password"))
    new = {"token": token, "new_password": "difference engine no. 2"}
    assert (await anonymous.post("/auth/password-reset/confirm", json=new)).status_code == 204
    await logged_in(anonymous, "difference engine no. 2")
    await mailed(letters, "Your password was changed")


async def test_a_mail_is_written_with_the_account_or_not_at_all(
    anonymous: Caller, database: Database, wires: Wires
) -> None:
    wires.temporal.cut()
    await register(anonymous)
    assert await mails_to(database) == ["verify-email"]


@pytest.mark.usefixtures("worker")
async def test_a_mail_that_was_left_behind_is_taken_up(
    anonymous: Caller, dispatch: StartDispatch, letters: Inbox, wires: Wires
) -> None:
    """Written while Temporal was away, or no dispatcher ran."""
    wires.temporal.cut()
    await register(anonymous)
    await dispatch()
    await mailed(letters, "Confirm your address")


@pytest.mark.usefixtures("mailing")
async def test_the_mail_is_in_the_language_that_its_owner_prefers(
    anonymous: Caller, letters: Inbox, shop: Shop
) -> None:
    user_id = await ada(shop)
    await shop.rows(
        "INSERT INTO preferences (user_id, language, currency, order_emails, marketing_emails) "
        "VALUES (:id, 'de-AT', 'EUR', false, false)",
        id=user_id,
    )
    await anonymous.post("/auth/password-reset", json={"email": EMAIL})
    letter = await mailed(letters, "Wählen Sie ein neues Passwort")
    assert '<html lang="de">' in letter.html


@pytest.mark.usefixtures("mailing")
async def test_what_happens_to_an_order_comes_by_mail_with_a_link_to_it(
    customer: Caller, letters: Inbox, shop: Shop
) -> None:
    await shop.product("LAMP", price=1999)
    await shop.rows("UPDATE users SET email = :email WHERE id = :id", email=EMAIL, id=customer.user_id)
    order_id = await shop.confirmed({"LAMP": 2}, user_id=customer.user_id)
    number = (await shop.order(order_id)).number
    letter = await mailed(letters, f"Order {number} is confirmed")
    assert "Total: $39.98" in letter.text
    assert f"/orders/{order_id}\n" in letter.text


@pytest.mark.parametrize("token", ["", "garbage", "x" * 256])
async def test_a_token_that_nobody_was_sent_verifies_nothing(anonymous: Caller, token: str) -> None:
    refused(await anonymous.post("/auth/verify-email", json={"token": token}), 422, "mail-token-invalid")
