"""What mails say: the same in both forms, with a link that keeps its token out of logs, and nothing to inject."""

import html
import re

import pytest

from models.accounts import MailPurpose
from services import letters
from services.letters import Store

STORE = Store("Ada's <Lamps>", "https://shop.example/")


@pytest.mark.parametrize("purpose", MailPurpose)
def test_each_purpose_has_its_letter_in_plain_text_and_in_html(purpose: MailPurpose) -> None:
    letter = letters.render(purpose, "the-token", STORE)
    assert letter.subject.endswith("– Ada's <Lamps>")
    assert "\n" not in letter.subject
    (link,) = re.findall(r"https://shop\.example/\S+", letter.text)
    assert link.endswith("#token=the-token")
    assert re.findall(r'href="([^"]+)"', letter.html) == [link]
    told = html.unescape(re.sub(r"<[^>]+>", "\n", letter.html.split("<body", 1)[1]))
    assert [
        line for line in letter.text.splitlines() if line and line not in told and line.rstrip(":") not in told
    ] == [link]


def test_a_letter_without_a_token_has_a_link_without_one() -> None:
    letter = letters.render(MailPurpose.PASSWORD_CHANGED, None, STORE)
    assert "https://shop.example/sign-in\n" in letter.text
    assert "None" not in letter.text + letter.html


def test_the_stores_name_is_text_in_html_and_as_it_is_in_plain_text() -> None:
    letter = letters.render(MailPurpose.VERIFY_EMAIL, "the-token", STORE)
    assert "Ada's <Lamps>" in letter.text
    assert "<Lamps>" not in letter.html
    assert "&lt;Lamps&gt;" in letter.html
