"""Giving captured money back, never more of it than was captured."""

from devstack.sandbox import errors
from devstack.sandbox.intents import Intents
from devstack.sandbox.journal import Journal
from devstack.sandbox.objects import Doc, new_refund


class Refunds:
    def __init__(self, journal: Journal, intents: Intents) -> None:
        self._journal = journal
        self._intents = intents

    def create(self, charge: Doc, amount: int | None, reason: str | None, metadata: dict[str, str]) -> Doc:
        """All that is left without an `amount`. Raises Refusal."""
        if not charge["captured"]:
            raise errors.not_refundable("This charge has no captured money to give back.", "charge_not_refundable")
        released = charge["amount"] - charge["amount_captured"]
        left = charge["amount_captured"] - (charge["amount_refunded"] - released)
        if left == 0:
            raise errors.not_refundable("This charge is refunded already.", "charge_already_refunded")
        if amount is not None and amount > left:
            message = f"The refund of {amount} is above the {left} that this charge has left."
            raise errors.not_refundable(message, "amount_too_large", "amount")
        refund = new_refund(charge, amount or left, reason, metadata)
        charge["amount_refunded"] += refund["amount"]
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._journal.add(refund, charge["payment_intent"])
        self._journal.save(charge)
        self._intents.emit("refund.created", refund)
        self._intents.emit("charge.refunded", charge)
        return refund

    def charge_of(self, intent_id: str | None, charge_id: str | None) -> Doc:
        """The charge that a refund names by itself or by its intent. Raises Refusal."""
        if (intent_id is None) == (charge_id is None):
            raise errors.invalid("Name either payment_intent or charge.", "payment_intent", "parameter_missing")
        if intent_id is not None:
            intent = self._journal.find(intent_id, "payment_intent")
            if intent is None:
                raise errors.no_such("payment_intent", intent_id, "payment_intent")
            charge_id = intent["latest_charge"]
            if charge_id is None:
                raise errors.unexpected_state(intent, "This PaymentIntent has no charge to refund.")
        charge = self._journal.find(str(charge_id), "charge")
        if charge is None:
            raise errors.no_such("charge", str(charge_id), "charge")
        return charge
