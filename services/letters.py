"""What the mails say. The words stand here, once for plain text and HTML; how they are set, in `mail_templates/`.

No word of a letter comes from whoever asked for it: an address can be entered by anybody, and so can a name.
"""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from models.accounts import MailPurpose

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "mail_templates"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Store:
    """`url` is that of its pages."""

    name: str
    url: str


@dataclass(frozen=True)
class Letter:
    """A mail's words. `button` leads to `path` of the store's pages, with the token behind a `#`."""

    subject: str
    says: str
    ends: str
    button: str
    path: str


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    html: str


_LETTERS = {
    MailPurpose.VERIFY_EMAIL: Letter(
        "Confirm your address",
        "An account was opened with this address. Please confirm that it is yours.",
        "If it was not you, do nothing.",
        "Confirm the address",
        "/verify-email",
    ),
    MailPurpose.PASSWORD_RESET: Letter(
        "Choose a new password",
        "Somebody, hopefully you, wants to choose a new password for your account.",
        "If it was not you, do nothing: your password stays as it is.",
        "Choose a new password",
        "/reset-password",
    ),
    MailPurpose.ALREADY_REGISTERED: Letter(
        "You have an account already",
        "Somebody, hopefully you, wanted to open an account with this address. There is one already.",
        "If you do not know your password any more, choose a new one on the page where you sign in.",
        "Sign in",
        "/sign-in",
    ),
    MailPurpose.PASSWORD_CHANGED: Letter(
        "Your password was changed",
        "The password of your account was changed, and everybody who was signed in elsewhere is signed out.",
        "If it was not you, choose a new password at once, on the page where you sign in.",
        "Sign in",
        "/sign-in",
    ),
}


def render(purpose: MailPurpose, token: str | None, store: Store) -> Rendered:
    """The token is behind a `#`: a browser keeps that part to itself, so that it stands in no log on the way."""
    letter = _LETTERS[purpose]
    link = f"{store.url.rstrip('/')}{letter.path}" + (f"#token={token}" if token else "")
    words = {"letter": letter, "link": link, "token": token, "store": store}
    return Rendered(
        subject=f"{letter.subject} – {store.name}",
        text=_environment.get_template("letter.txt.j2").render(words),
        html=_environment.get_template("letter.html.j2").render(words),
    )
