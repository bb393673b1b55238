"""The adapter's other side: the sandbox provider, a real process."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateways.stripe_payments import StripePayments
from tests.sandbox import SandboxServer, WebhookInbox, running_sandbox


@pytest.fixture(scope="session")
def inbox() -> Iterator[WebhookInbox]:
    with WebhookInbox().listening() as inbox:
        yield inbox


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory, inbox: WebhookInbox) -> Iterator[SandboxServer]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), webhook_url=inbox.url) as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    """Its knobs are as they were at the start; its journal holds the intents of other tests too."""
    sandbox_server.clear_faults()
    return sandbox_server


@pytest.fixture
async def payments(sandbox: SandboxServer) -> AsyncIterator[StripePayments]:
    payments = sandbox.payments()
    yield payments
    await payments.close()
