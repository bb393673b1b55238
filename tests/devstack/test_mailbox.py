"""The mailbox of the stack: whatever is sent is there to be read, and does nothing in the reader's browser."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest

from devstack.mailbox.app import create_app
from devstack.mailbox.inbox import KEPT, Inbox
from devstack.mailbox.smtp import SIZE_LIMIT
from devstack.servers.ports import free_port

HOST, PORT = "127.0.0.1", free_port()


@pytest.fixture
async def mailbox() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Inbox(), HOST, PORT)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mailbox.test") as client,
    ):
        yield client


async def send(to: str, subject: str = "Hello", text: str = "In plain text.", html: str = "<p>In HTML.</p>") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    await aiosmtplib.send(message, hostname=HOST, port=PORT)


async def send_raw(content: bytes) -> None:
    await aiosmtplib.send(content, sender="shop@example.com", recipients=["ada@example.com"], hostname=HOST, port=PORT)


async def test_what_was_sent_is_there_the_newest_first_and_by_its_recipient(mailbox: httpx.AsyncClient) -> None:
    await send("ada@example.com", "first")
    await send("bob@example.com", "second")
    subjects = [letter["subject"] for letter in (await mailbox.get("/messages")).json()["items"]]
    assert subjects == ["second", "first"]
    (letter,) = (await mailbox.get("/messages", params={"to": "ADA@example.com"})).json()["items"]
    assert (letter["subject"], letter["recipients"], letter["text"]) == (
        "first",
        ["ada@example.com"],
        "In plain text.\n",
    )
    assert (await mailbox.get(f"/messages/{letter['id']}")).json() == letter
    assert [letter["subject"] for letter in (await mailbox.get("/messages?limit=1")).json()["items"]] == ["second"]


async def test_it_is_emptied_on_request(mailbox: httpx.AsyncClient) -> None:
    await send("ada@example.com")
    assert (await mailbox.delete("/messages")).status_code == 204
    assert (await mailbox.get("/messages")).json() == {"items": []}
    assert (await mailbox.get("/messages/none")).status_code == 404
    assert "No mail yet" in (await mailbox.get("/")).text


async def test_the_pages_run_nothing_that_a_mail_brings(mailbox: httpx.AsyncClient) -> None:
    script = '<script>alert("x")</script>'
    await send("ada@example.com", subject=script, text=script, html=script)
    (letter,) = (await mailbox.get("/messages")).json()["items"]
    for page in ((await mailbox.get("/")).text, (await mailbox.get(f"/read/{letter['id']}")).text):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    assert "<iframe sandbox srcdoc=" in (await mailbox.get(f"/read/{letter['id']}")).text


async def test_a_mail_that_is_no_mime_is_kept_too(mailbox: httpx.AsyncClient) -> None:
    await send_raw(b"\xff\xfe no header at all")
    (letter,) = (await mailbox.get("/messages")).json()["items"]
    assert letter["subject"] == ""
    assert (await mailbox.get(f"/read/{letter['id']}")).status_code == 200


async def test_a_mail_that_is_too_large_is_refused(mailbox: httpx.AsyncClient) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        await send_raw(b"y" * 76 + b"\r\n" + b"y\r\n" * (SIZE_LIMIT // 3))
    assert (await mailbox.get("/messages")).json() == {"items": []}


def test_the_oldest_are_forgotten() -> None:
    inbox = Inbox()
    for number in range(KEPT + 1):
        inbox.take("shop@example.com", ["ada@example.com"], f"Subject: {number}\r\n\r\nHello".encode())
    kept = inbox.newest(KEPT + 1)
    assert (len(kept), kept[0].subject, kept[-1].subject) == (KEPT, str(KEPT), "1")
