"""`python -m devstack.sandbox`: the sandbox payment provider until it is told to end."""

from typing import Annotated

import typer
import uvicorn

from devstack.sandbox.app import create_app
from devstack.sandbox.connections import HangingUpProtocol
from devstack.sandbox.journal import JournalInUse
from devstack.sandbox.resources import Sandbox
from devstack.settings import DevstackSettings

GRACE = 1
"""Seconds that a running request has when the sandbox ends."""


def main(
    webhook_url: Annotated[
        str | None,
        typer.Option(help="Where webhooks go; none sends none. Without it: the API of the settings."),
    ] = None,
    webhook_events: Annotated[
        str,
        typer.Option(
            help="Types that are delivered, with commas between them. Without it: all.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """A payment provider that speaks Stripe's wire format and keeps a journal on disk. Runs until Ctrl-C or SIGTERM.

    Address, state folder, API key and webhook secret: TILLWRIGHT_DEV_* (.env.example).
    GET /_sandbox shows the newest intents, the payment tokens and the knobs.
    GET /_sandbox/journal has every intent with its charges and refunds, as JSON.
    POST /_sandbox/intents/ID/approve or /decline finishes 3-D Secure without a browser.
    POST /_sandbox/refunds/ID/succeed or /fail settles a refund that is pending.

    POST /_sandbox/faults makes something go wrong, by one JSON object:
      "operation": create, confirm, capture, cancel, retrieve, list, refund,
        * for all of these, or webhook
      "kind": outage (503, nothing done), slow (done later),
        error_after (done, then 500), slow_reply (done, answered later),
        drop_reply (done, then the connection is closed);
        of webhooks: pause, lost, duplicate, reorder, slow
      "times": how often, 1 by default; null until DELETE /_sandbox/faults
      "delay_seconds": of slow, slow_reply and reorder, 3 by default

    These paths ask for no key: keep the sandbox on loopback.
    """
    settings = DevstackSettings()
    address = f"http://{settings.host}:{settings.sandbox_port}"
    target = webhook_url or f"http://{settings.host}:{settings.api_port}/api/v1/webhooks/payments/stripe"
    try:
        sandbox = Sandbox.open(
            settings.state_folder.resolve() / "sandbox",
            address=address,
            api_key=settings.stripe_api_key,
            webhook_secret=settings.stripe_webhook_secret,
            webhook_url=None if target == "none" else target,
            webhook_events=[name.strip() for name in webhook_events.split(",") if name.strip()],
        )
    except JournalInUse as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    print(f"The sandbox payment provider listens on {address}; webhooks: {target}.", flush=True)
    uvicorn.run(
        create_app(sandbox),
        host=settings.host,
        port=settings.sandbox_port,
        http=HangingUpProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
    )


if __name__ == "__main__":
    typer.run(main)
