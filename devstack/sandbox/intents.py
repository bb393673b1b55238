"""The life of a payment intent. Each verb runs inside one journal transaction and raises Refusal where it cannot be.

requires_payment_method → (requires_action →) requires_capture → succeeded; a decline leads back to
requires_payment_method, and canceled can be reached until the capture.
"""

import time
from collections.abc import Callable

from devstack.sandbox import errors
from devstack.sandbox.journal import Journal
from devstack.sandbox.objects import Doc, declined_card, failed_authentication, new_charge, new_event, new_id
from devstack.sandbox.tokens import token_named

CONFIRMABLE = ("requires_payment_method", "requires_confirmation")
CANCELLABLE = (*CONFIRMABLE, "requires_action", "requires_capture", "processing")


class Intents:
    def __init__(self, journal: Journal, bank_url: str, announce: Callable[[Doc, str], None]) -> None:
        """`bank_url` is where the 3-D Secure page is; `announce(event, intent_id)` sends an event on its way."""
        self._journal = journal
        self._bank_url = bank_url
        self._announce = announce

    def create(self, new: Doc, token: str | None) -> Doc:
        """With a token it waits for its confirmation."""
        if token is not None:
            token_named(token)
            new |= {"payment_method": token, "status": "requires_confirmation"}
        self._journal.add(new, new["id"])
        self.emit("payment_intent.created", new)
        return new

    def load(self, intent_id: str) -> Doc:
        intent = self._journal.find(intent_id, "payment_intent")
        if intent is None:
            raise errors.no_such("payment_intent", intent_id, "intent")
        return intent

    def confirm(self, intent: Doc, token: str | None, return_url: str | None) -> Doc:
        """A declined one is saved before it raises: the decline is a fact of the intent, not a failed request."""
        _require(intent, CONFIRMABLE, "confirmed")
        name = token or intent["payment_method"]
        if name is None:
            raise errors.unexpected_state(intent, "This PaymentIntent has no payment method to be confirmed with.")
        behaviour = token_named(name)
        intent |= {"payment_method": name, "last_payment_error": None}
        if behaviour.wants_shopper:
            return self._ask_shopper(intent, return_url)
        if behaviour.decline_code:
            self._decline(intent, declined_card(name, behaviour.decline_code))
            raise errors.declined(intent)
        return self._pay(intent)

    def authenticate(self, intent: Doc, *, is_approved: bool) -> Doc:
        """The shopper at the bank: 3-D Secure is passed or failed."""
        _require(intent, ("requires_action",), "authenticated")
        intent["next_action"] = None
        if is_approved:
            return self._pay(intent)
        self._fail(intent, failed_authentication(intent["payment_method"]))
        return intent

    def capture(self, intent: Doc, amount: int | None) -> Doc:
        """What is not captured is given back at once."""
        _require(intent, ("requires_capture",), "captured")
        if amount is not None and amount > intent["amount_capturable"]:
            message = "amount_to_capture is above the amount that is set aside."
            raise errors.invalid(message, "amount_to_capture", "amount_too_large")
        taken = amount or intent["amount_capturable"]
        charge = self._charge(intent)
        charge |= {"captured": True, "amount_captured": taken}
        self._release(charge, intent["amount_capturable"] - taken)
        intent |= {"status": "succeeded", "amount_received": taken, "amount_capturable": 0}
        self._journal.save(intent)
        self.emit("charge.captured", charge)
        self.emit("payment_intent.succeeded", intent)
        return intent

    def cancel(self, intent: Doc, reason: str | None) -> Doc:
        """Money that was set aside is given back; the charge then reads as refunded, with nothing captured."""
        _require(intent, CANCELLABLE, "canceled")
        if intent["status"] == "requires_capture":
            charge = self._charge(intent)
            self._release(charge, intent["amount_capturable"])
            self.emit("charge.refunded", charge)
        now = int(time.time())
        intent |= {"status": "canceled", "canceled_at": now, "cancellation_reason": reason}
        intent |= {"amount_capturable": 0, "next_action": None}
        self._journal.save(intent)
        self.emit("payment_intent.canceled", intent)
        return intent

    def emit(self, kind: str, subject: Doc) -> None:
        event = new_event(kind, subject)
        intent_id = subject.get("payment_intent") or subject["id"]
        self._journal.add(event, intent_id)
        self._announce(event, intent_id)

    def _ask_shopper(self, intent: Doc, return_url: str | None) -> Doc:
        """Each asking has an id of its own, so that the page of an earlier one decides nothing."""
        asking = new_id("src")
        url = f"{self._bank_url}/{intent['id']}/{asking}"
        redirect = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": return_url}}
        intent |= {"status": "requires_action", "next_action": redirect, "_return_url": return_url}
        intent["_askings"] = [*intent.get("_askings", ()), asking]
        self._journal.save(intent)
        self.emit("payment_intent.requires_action", intent)
        return intent

    def _pay(self, intent: Doc) -> Doc:
        is_automatic = intent["capture_method"] != "manual"
        charge = new_charge(intent, captured=intent["amount"] if is_automatic else 0)
        self._journal.add(charge, intent["id"])
        intent["latest_charge"] = charge["id"]
        if is_automatic:
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        else:
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        self._journal.save(intent)
        self.emit("payment_intent.succeeded" if is_automatic else "payment_intent.amount_capturable_updated", intent)
        return intent

    def _decline(self, intent: Doc, error: Doc) -> None:
        """The bank was asked for the money and said no: that leaves a failed charge."""
        charge = new_charge(intent, captured=0, failure=error)
        self._journal.add(charge, intent["id"])
        intent["latest_charge"] = charge["id"]
        self._fail(intent, error | {"charge": charge["id"]})

    def _fail(self, intent: Doc, error: Doc) -> None:
        intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
        self._journal.save(intent)
        self.emit("payment_intent.payment_failed", intent)

    def _charge(self, intent: Doc) -> Doc:
        charge = self._journal.find(intent["latest_charge"], "charge")
        assert charge is not None, "an intent that was paid has its charge"  # noqa: S101
        return charge

    def _release(self, charge: Doc, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._journal.save(charge)


def _require(intent: Doc, statuses: tuple[str, ...], done: str) -> None:
    if intent["status"] not in statuses:
        raise errors.unexpected_state(intent, f"This PaymentIntent is {intent['status']} and cannot be {done}.")
