"""Giving captured money back, never more of it than was captured."""

from devstack.sandbox import errors
from devstack.sandbox.intents import Intents
from devstack.sandbox.journal import Journal
from devstack.sandbox.objects import Doc, new_refund
from devstack.sandbox.tokens import token_named


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
        is_pending = token_named(charge["payment_method"]).refunds_wait
        refund = new_refund(charge, amount or left, reason, metadata, is_pending=is_pending)
        self._journal.add(refund, charge["payment_intent"])
        self._count(charge, refund["amount"])
        self._intents.emit("refund.created", refund)
        self._intents.emit("charge.refunded", charge)
        return refund

    def settle(self, refund_id: str, *, is_paid: bool) -> Doc:
        """What becomes of a pending one: a refund that failed leaves its money with the shop. Raises Refusal."""
        refund = self._journal.find(refund_id, "refund")
        if refund is None:
            raise errors.no_such("refund", refund_id, "refund")
        if refund["status"] != "pending":
            raise errors.invalid(f"This refund is {refund['status']} already.", "refund")
        refund["status"] = "succeeded" if is_paid else "failed"
        self._journal.save(refund)
        if not is_paid:
            self._count(self.charge_of(None, refund["charge"]), -refund["amount"])
        for kind in ("refund.updated", "charge.refund.updated", *(() if is_paid else ("refund.failed",))):
            self._intents.emit(kind, refund)
        return refund

    def _count(self, charge: Doc, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._journal.save(charge)

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
