"""What mails say: the same in both forms, with a link that keeps its token out of logs, and nothing to inject."""

import html
import re
from typing import Any
from uuid import UUID

import pytest

from domain.notifications import TO_STAFF, NoticeKind
from models.accounts import MailPurpose
from models.notifications import Notification
from models.orders import Order
from services import letters
from services.letters import Rendered, Store
from services.words import LANGUAGES, Speech

STORE = Store("Ada's <Lamps>", "https://shop.example/")
ENGLISH = Speech.of(None)
ORDER = Order(
    id=UUID(int=7),
    number="TW-100001",
    user_id=UUID(int=1),
    status="confirmed",
    payment_method="card",
    total=199900,
    currency="EUR",
)
PARCEL: dict[str, Any] = {"carrier": "DHL", "tracking_number": "<b>JD0146"}


def notice(kind: NoticeKind, speech: Speech = ENGLISH, **facts: Any) -> Rendered:
    notification = Notification(user_id=UUID(int=1), kind=kind, event="1", facts=facts)
    return letters.of_notice(notification, ORDER, speech, STORE)


def only_in_plain_text(letter: Rendered) -> list[str]:
    """Its lines that the HTML does not say."""
    told = html.unescape(re.sub(r"<[^>]+>", "\n", letter.html.split("<body", 1)[1]))
    return [line for line in letter.text.splitlines() if line not in told and line.rstrip(":") not in told]


@pytest.mark.parametrize("purpose", sorted(set(MailPurpose) - {MailPurpose.NOTICE}))
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_each_purpose_has_its_letter_in_plain_text_and_in_html(purpose: MailPurpose, language: str) -> None:
    letter = letters.of_account(purpose, "the-token", Speech.of(language), STORE)
    assert letter.subject.endswith("– Ada's <Lamps>")
    assert "\n" not in letter.subject
    (link,) = re.findall(r"https://shop\.example/\S+", letter.text)
    assert link.endswith("#token=the-token")
    assert re.findall(r'href="([^"]+)"', letter.html) == [link]
    assert only_in_plain_text(letter) == [link]
    assert letter.language == language
    assert f'<html lang="{language}">' in letter.html
    assert letter.unsubscribe is None, "nobody can do without these"


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - TO_STAFF))
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_each_notice_has_its_letter_which_leads_to_the_order_and_may_be_declined(
    kind: NoticeKind, language: str
) -> None:
    letter = notice(kind, Speech.of(language), **PARCEL, reason="hold-expired", amount=500, currency="EUR")
    links = ["https://shop.example/orders/00000000-0000-0000-0000-000000000007", "https://shop.example/preferences"]
    assert re.findall(r"https://shop\.example/\S+", letter.text) == links
    assert re.findall(r'href="([^"]+)"', letter.html) == links
    assert only_in_plain_text(letter) == links
    assert letter.unsubscribe == links[1]
    assert "TW-100001" in letter.subject
    assert "{" not in letter.text


def test_a_notice_says_what_the_order_costs_as_its_reader_writes_amounts() -> None:
    assert "Summe: € 1.999,00" in notice(NoticeKind.ORDER_CONFIRMED, Speech.of("de-AT")).text.replace("\xa0", " ")
    assert "Total: €1,999.00" in notice(NoticeKind.ORDER_CONFIRMED).text


def test_a_tracking_number_is_text_whatever_stands_in_it() -> None:
    letter = notice(NoticeKind.ORDER_SHIPPED, **PARCEL)
    assert "The tracking number is <b>JD0146." in letter.text
    assert "&lt;b&gt;JD0146" in letter.html


def test_a_letter_without_a_token_has_a_link_without_one() -> None:
    letter = letters.of_account(MailPurpose.PASSWORD_CHANGED, None, ENGLISH, STORE)
    assert "https://shop.example/sign-in\n" in letter.text
    assert "None" not in letter.text + letter.html


def test_the_stores_name_is_text_in_html_and_as_it_is_in_plain_text() -> None:
    letter = letters.of_account(MailPurpose.VERIFY_EMAIL, "the-token", ENGLISH, STORE)
    assert "Ada's <Lamps>" in letter.text
    assert "<Lamps>" not in letter.html
    assert "&lt;Lamps&gt;" in letter.html
