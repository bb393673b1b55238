"""From a request to a mail in the mailbox, whatever is away meanwhile."""

import asyncio
import re
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.worker import Worker

from api.dependencies import Resources
from api.mails import Mails
from core.database import Database
from core.settings import Settings
from devstack.mailbox.inbox import Inbox, Letter
from domain.messages.mail import mail_workflow_id
from tests.api.conftest import Caller, Wires
from tests.api.shopping import refused, until
from tests.api.signing import EMAIL, PASSWORD, ada, bearing, logged_in, mails_to
from tests.builders import Shop

ADA: dict[str, Any] = {"email": EMAIL, "password": PASSWORD, "full_name": "Ada <b>Shopper</b>"}


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


@pytest.mark.usefixtures("worker")
async def test_a_new_address_is_confirmed_with_the_token_that_is_mailed_to_it(
    anonymous: Caller, letters: Inbox
) -> None:
    await register(anonymous)
    assert not await is_verified(anonymous)
    body = {"token": token_in(await mailed(letters, "Confirm your address"))}
    for _ in range(2):
        assert (await anonymous.post("/auth/verify-email", json=body)).status_code == 204
    assert await is_verified(anonymous)


@pytest.mark.usefixtures("worker")
async def test_the_owner_of_a_known_address_is_told_and_who_asked_is_not(
    anonymous: Caller, letters: Inbox, shop: Shop
) -> None:
    await ada(shop)
    await register(anonymous)
    letter = await mailed(letters, "You have an account already")
    assert "#token" not in letter.text
    assert "Ada" not in letter.text + letter.html, "no word of it comes from whoever asked"


@pytest.mark.usefixtures("worker")
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


class Silence:
    """A Temporal that takes a call and never answers it."""

    async def start_workflow(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()


async def test_nobody_waits_for_a_temporal_that_does_not_answer(
    anonymous: Caller, app: FastAPI, resources: Resources, api_settings: Settings, database: Database
) -> None:
    silent = Mails(database, cast(Client, Silence()), api_settings)
    app.state.resources = replace(resources, mails=silent)
    async with asyncio.timeout(30):
        await register(anonymous)
    assert await mails_to(database) == ["verify-email"]


@pytest.mark.usefixtures("worker")
async def test_a_mail_that_was_left_behind_is_taken_up(
    anonymous: Caller, resources: Resources, letters: Inbox, shop: Shop, wires: Wires
) -> None:
    """By a crash between its row and its workflow, or by a Temporal that was away."""
    wires.temporal.cut()
    await register(anonymous)
    assert await resources.mails.send_untaken() == 0, "its request may still be at it"
    await shop.rows("UPDATE mails SET created_at = created_at - interval '61 seconds'")
    assert await resources.mails.send_untaken() == 1
    await mailed(letters, "Confirm your address")


async def test_a_mail_that_waits_for_a_worker_is_started_once(
    anonymous: Caller, resources: Resources, shop: Shop
) -> None:
    await register(anonymous)
    ((mail_id,),) = await shop.rows("SELECT id FROM mails")
    sending = resources.temporal.get_workflow_handle(mail_workflow_id(UUID(str(mail_id))))
    first = (await sending.describe()).run_id
    await shop.rows("UPDATE mails SET created_at = created_at - interval '61 seconds'")
    assert await asyncio.gather(*(resources.mails.send_untaken() for _ in range(5))) == [1] * 5
    assert (await sending.describe()).run_id == first


async def test_a_mail_that_is_on_its_way_is_left_to_its_workflow(
    anonymous: Caller, resources: Resources, letters: Inbox, shop: Shop, worker: Worker
) -> None:
    await register(anonymous)
    await mailed(letters, "Confirm your address")
    await shop.rows("UPDATE mails SET created_at = created_at - interval '61 seconds'")
    assert await resources.mails.send_untaken() == 0
    assert worker.is_running


@pytest.mark.parametrize("token", ["", "garbage", "x" * 256])
async def test_a_token_that_nobody_was_sent_verifies_nothing(anonymous: Caller, token: str) -> None:
    refused(await anonymous.post("/auth/verify-email", json={"token": token}), 422, "mail-token-invalid")
