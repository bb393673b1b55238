"""What the mails say: words of a catalogue, set by `mail_templates/` once in plain text and once in HTML.

No word of a letter comes from whoever asked for it: an address can be entered by anybody, and so can a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.notifications import NoticeKind
from models.accounts import MailPurpose
from models.notifications import Notification
from models.orders import Order
from services.words import Speech

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "mail_templates"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

PATHS = {
    MailPurpose.VERIFY_EMAIL: "/verify-email",
    MailPurpose.PASSWORD_RESET: "/reset-password",
    MailPurpose.ALREADY_REGISTERED: "/sign-in",
    MailPurpose.PASSWORD_CHANGED: "/sign-in",
}
"""Of the store's pages, by what a mail about an account is for. A notice leads to its order."""


@dataclass(frozen=True)
class Store:
    """`url` is that of its pages."""

    name: str
    url: str

    def page(self, path: str) -> str:
        return f"{self.url.rstrip('/')}{path}"


@dataclass(frozen=True)
class Letter:
    """A mail's words. `details` are labels and values; `preferences`, where the recipient may decline such mails."""

    title: str
    text: Sequence[str]
    button: str
    link: str
    details: Sequence[tuple[str, str]] = ()
    token: str | None = None
    end: str | None = None
    preferences: str | None = None


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    html: str
    language: str
    unsubscribe: str | None


def of_account(purpose: MailPurpose, token: str | None, speech: Speech, store: Store) -> Rendered:
    """The token is behind a `#`: a browser keeps that part to itself, so that it stands in no log on the way."""
    words = speech.words["mails"][purpose.value]
    link = store.page(PATHS[purpose]) + (f"#token={token}" if token else "")
    return _set(Letter(**words, link=link, token=token), speech, store)


def of_notice(notification: Notification, order: Order, speech: Speech, store: Store) -> Rendered:
    said = speech.notice(NoticeKind(notification.kind), notification.facts, order.number)
    frame = speech.words["frame"]
    letter = Letter(
        title=said.title,
        text=said.text,
        button=frame["see_order"],
        link=store.page(f"/orders/{order.id}"),
        details=[(frame["order"], order.number), (frame["total"], speech.money(order.total, order.currency))],
        preferences=store.page("/preferences"),
    )
    return _set(letter, speech, store)


def _set(letter: Letter, speech: Speech, store: Store) -> Rendered:
    words = {"letter": letter, "frame": speech.words["frame"], "language": speech.language, "store": store}
    return Rendered(
        subject=f"{letter.title} – {store.name}",
        text=_environment.get_template("letter.txt.j2").render(words),
        html=_environment.get_template("letter.html.j2").render(words),
        language=speech.language,
        unsubscribe=letter.preferences,
    )
