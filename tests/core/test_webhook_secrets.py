"""The secrets of webhooks: one that signs, and those before it, none of them public outside the workshop."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from core.settings import DEFAULT_WEBHOOK_SECRET, Environment, Settings

OWN: dict[str, Any] = {
    "environment": Environment.PRODUCTION,
    "token_signing_key": base64.b64encode(b"k" * 32).decode(),
    "mail_token_secret": "m" * 32,
    "database_url": "postgresql+asyncpg://shop:own@db/shop",
    "redis_url": "redis://:own@redis/0",
    "stripe_api_key": "sk_live_own",
    "stripe_webhook_secret": "whsec_own",
}


def test_the_secret_that_signs_comes_before_the_retired_ones() -> None:
    settings = Settings(_env_file=None, **OWN | {"stripe_webhook_retired_secrets": ["whsec_before"]})
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == ["whsec_own", "whsec_before"]


@pytest.mark.parametrize(
    "changes",
    [{"stripe_webhook_secret": DEFAULT_WEBHOOK_SECRET}, {"stripe_webhook_retired_secrets": [DEFAULT_WEBHOOK_SECRET]}],
    ids=["signs", "retired"],
)
def test_in_production_a_public_secret_is_refused_even_when_it_is_retired(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="TILLWRIGHT_STRIPE_WEBHOOK_SECRET"):
        Settings(_env_file=None, **OWN | changes)
