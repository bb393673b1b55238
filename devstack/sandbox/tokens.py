"""The payment tokens and what each of them does. There are no others."""

from dataclasses import dataclass

from devstack.sandbox import errors


@dataclass(frozen=True)
class Token:
    meaning: str
    decline_code: str | None = None
    wants_shopper: bool = False
    """3-D Secure: the bank asks before anything is paid."""
    delay: float = 0
    """Seconds before anything happens."""
    drops_reply: bool = False
    """The connection is closed once the work is done."""
    refunds_wait: bool = False
    """Its refunds stay pending until somebody settles them."""
    outages: int = 0
    """So many tries of an intent are answered with 503 before anything happens."""


TOKENS = {
    "pm_card_visa": Token("pays"),
    "pm_card_chargeDeclined": Token("is declined", decline_code="generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": Token(
        "is declined for lack of funds", decline_code="insufficient_funds"
    ),
    "pm_card_authenticationRequired": Token("wants 3-D Secure, then pays", wants_shopper=True),
    "pm_card_pendingRefund": Token("pays, and its refunds stay pending until they are settled", refunds_wait=True),
    "pm_sandbox_slow": Token("pays after 3 seconds", delay=3),
    "pm_sandbox_unknown": Token("pays and drops the reply", drops_reply=True),
    "pm_sandbox_outage": Token("is answered with 503 twice, then pays", outages=2),
}


def token_named(name: str) -> Token:
    """Raises Refusal for any other."""
    try:
        return TOKENS[name]
    except KeyError:
        raise errors.unknown_token() from None
