"""Every setting of the API and the worker, read once from the environment (`TILLWRIGHT_*`) or `.env`.

Outside `local` and `test` the defaults that are secrets refuse to start: see `refuse_default_secrets`.
"""

import base64
import binascii
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(StrEnum):
    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_workshop(self) -> bool:
        """Whether known secrets and demo accounts are allowed here."""
        return self in (Environment.LOCAL, Environment.TEST)


DEFAULT_SIGNING_KEY = base64.b64encode(b"tillwright-local-signing-key-32b").decode()
DEFAULT_DATABASE_PASSWORD = "tillwright-local"  # noqa: S105 — refused outside the workshop
DEFAULT_STRIPE_KEY = "sk_test_tillwright_local"
DEFAULT_WEBHOOK_SECRET = "whsec_tillwright_local"  # noqa: S105 — refused outside the workshop


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="TILLWRIGHT_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    environment: Environment = Environment.LOCAL
    log_level: str = "INFO"
    log_json: bool = Field(default=False, description="One JSON object per line instead of readable text.")

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=1, le=65535)

    database_url: SecretStr = SecretStr(
        f"postgresql+asyncpg://tillwright:{DEFAULT_DATABASE_PASSWORD}@127.0.0.1:15432/tillwright"
    )
    database_pool_size: int = Field(default=20, ge=1)
    redis_url: SecretStr = SecretStr(f"redis://:{DEFAULT_DATABASE_PASSWORD}@127.0.0.1:16379/0")

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    task_queue: str = "checkout"
    worker_sandbox: bool = Field(
        default=False, description="Run workflows in the SDK's sandbox: a determinism guard, on in the tests."
    )
    worker_max_cached_workflows: int = Field(default=1000, ge=0)
    worker_graceful_shutdown: timedelta = timedelta(seconds=10)
    worker_sticky_timeout: timedelta = Field(
        default=timedelta(seconds=1), description="How long the orders cached by a worker that died wait for it."
    )

    token_signing_key: SecretStr = Field(
        default=SecretStr(DEFAULT_SIGNING_KEY), description="Ed25519 seed: 32 bytes in base64."
    )
    token_issuer: str = "tillwright"  # noqa: S105 — a name, not a secret
    access_token_lifetime: timedelta = timedelta(minutes=15)

    stripe_api_key: SecretStr = SecretStr(DEFAULT_STRIPE_KEY)
    stripe_api_base: str = Field(
        default="http://127.0.0.1:12111",
        description="The sandbox provider of the dev stack, or https://api.stripe.com.",
    )
    stripe_webhook_secret: SecretStr = SecretStr(DEFAULT_WEBHOOK_SECRET)
    payment_return_url: str = Field(
        default="http://127.0.0.1:8000/api/docs",
        description="Where the bank sends the shopper's browser after 3-D Secure.",
    )

    checkout_reply_deadline: timedelta = timedelta(seconds=10)
    card_hold: timedelta = timedelta(minutes=15)
    cod_hold: timedelta = timedelta(hours=72)
    cod_reminders: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=48))
    stuck_after: timedelta = Field(
        default=timedelta(seconds=60),
        description="When a step that keeps failing becomes visible as StuckStep.",
    )
    cart_lifetime: timedelta = timedelta(days=30)
    max_cart_lines: int = Field(default=100, ge=1)
    low_stock_threshold: int = Field(default=5, ge=0)

    @field_validator("token_signing_key")
    @classmethod
    def _a_seed_of_32_bytes(cls, value: SecretStr) -> SecretStr:
        try:
            seed = base64.b64decode(value.get_secret_value(), validate=True)
        except binascii.Error:
            seed = b""
        if len(seed) != 32:
            raise ValueError("must be 32 bytes in base64; make one with: openssl rand -base64 32")
        return value

    @model_validator(mode="after")
    def refuse_default_secrets(self) -> Self:
        """Outside the workshop no secret may be one that anybody can read in this repository."""
        if self.environment.is_workshop:
            return self
        defaults = {
            "TILLWRIGHT_TOKEN_SIGNING_KEY": self.token_signing_key.get_secret_value() == DEFAULT_SIGNING_KEY,
            "TILLWRIGHT_DATABASE_URL": DEFAULT_DATABASE_PASSWORD in self.database_url.get_secret_value(),
            "TILLWRIGHT_REDIS_URL": DEFAULT_DATABASE_PASSWORD in self.redis_url.get_secret_value(),
            "TILLWRIGHT_STRIPE_API_KEY": self.stripe_api_key.get_secret_value() == DEFAULT_STRIPE_KEY,
            "TILLWRIGHT_STRIPE_WEBHOOK_SECRET": (
                self.stripe_webhook_secret.get_secret_value() == DEFAULT_WEBHOOK_SECRET
            ),
        }
        if still_default := [name for name, is_default in defaults.items() if is_default]:
            raise ValueError(
                f"the environment is {self.environment}, and these still have their public default: "
                f"{', '.join(still_default)}. Set each to a secret of your own."
            )
        return self


@lru_cache
def get_settings() -> Settings:
    return Settings()
