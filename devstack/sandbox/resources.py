"""What one sandbox process is made of."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from devstack.sandbox.courier import Courier
from devstack.sandbox.faults import Faults
from devstack.sandbox.idempotency import Keys
from devstack.sandbox.intents import Intents
from devstack.sandbox.journal import Journal
from devstack.sandbox.objects import Doc
from devstack.sandbox.outbox import Outbox
from devstack.sandbox.refunds import Refunds

BANK_PATH = "/_sandbox/3d-secure"


@dataclass
class Sandbox:
    api_key: str
    journal: Journal
    intents: Intents
    refunds: Refunds
    keys: Keys
    faults: Faults
    outbox: Outbox
    courier: Courier | None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        address: str,
        api_key: str,
        webhook_secret: str,
        webhook_url: str | None,
        webhook_events: Collection[str] = (),
    ) -> "Sandbox":
        """`address` as browsers reach it. Without a `webhook_url` events are only listed; `webhook_events` are the
        types that are delivered, all where there are none. Raises JournalInUse.
        """
        journal, faults = Journal(folder), Faults()
        outbox = Outbox(journal)
        courier = Courier(outbox, faults, url=webhook_url, secret=webhook_secret) if webhook_url else None

        def announce(event: Doc, intent_id: str) -> None:
            if courier and (not webhook_events or event["type"] in webhook_events):
                outbox.add(event, intent_id)

        intents = Intents(journal, address + BANK_PATH, announce)
        return cls(api_key, journal, intents, Refunds(journal, intents), Keys(journal), faults, outbox, courier)
