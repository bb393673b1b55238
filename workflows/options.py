"""How the steps are run: how long one attempt may take and how it is repeated."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.common import RetryPolicy

LOCAL_PATIENCE = timedelta(seconds=2)
"""A local step holds the workflow task open: past this the regular activity takes over, which the Web UI shows."""

LOCAL_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=1), maximum_attempts=5
)
"""Five tries in 1.5 s. The number ends a step that fails at once: the time limit starts anew at each of its retries."""


@dataclass(frozen=True)
class Terms:
    """Of a regular step: how long one attempt may take, start to close, and the provider whose queue it stands in."""

    limit: timedelta
    provider: str | None = None


DATABASE_STEP = Terms(timedelta(seconds=15))

PROVIDER_STEP = Terms(timedelta(seconds=50), provider="stripe")
"""Above twice the gateway's time limit: a step may call it twice. Its queue has a rate of its own, so that what an
outage held up does not fall upon the provider at once when it is back."""

HEARTBEAT_TIMEOUT = timedelta(seconds=5)
"""A worker that died in a step is noticed after this: within the time that the API waits for its reply."""

RETRY_FOR_EVER = RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30))

BANK_POLL = timedelta(seconds=60)
"""How often the provider is asked about 3-D Secure when no webhook comes: a lost one costs a minute, not the order."""

TASK_TIMEOUT = timedelta(seconds=3)
"""A worker killed inside a local activity stalls its order this long, instead of ten seconds."""
