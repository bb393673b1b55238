"""Every setting of the API and the worker, read once from the environment (`TILLWRIGHT_*`) or `.env`.

Outside `local` and `test` the defaults that are secrets refuse to start: see `refuse_default_secrets`.
"""

import base64
import binascii
import re
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.orders import CaptureAt


class Environment(StrEnum):
    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_workshop(self) -> bool:
        """Whether known secrets and demo accounts are allowed here."""
        return self in (Environment.LOCAL, Environment.TEST)


class SmtpSecurity(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


DEFAULT_SIGNING_KEY = base64.b64encode(b"tillwright-local-signing-key-32b").decode()
DEFAULT_DATABASE_PASSWORD = "tillwright-local"  # noqa: S105 — refused outside the workshop
DEFAULT_MAIL_SECRET = "tillwright-local-secret-of-mail-tokens"  # noqa: S105 — refused outside the workshop
DEFAULT_STRIPE_KEY = "sk_test_tillwright_local"
DEFAULT_WEBHOOK_SECRET = "whsec_tillwright_local"  # noqa: S105 — refused outside the workshop

WORKSHOP_ADDRESS_LIMIT = 1_000_000
"""Requests per minute."""


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
    temporal_web_url: str = Field(
        default="http://127.0.0.1:8233", pattern="^https?://", description="Temporal's Web UI, which staff are led to."
    )
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
    token_retired_keys: tuple[str, ...] = Field(
        default=(),
        description="Public keys (`x` in /.well-known/jwks.json) whose tokens are still good: the one before, or the "
        "next one before it signs.",
    )
    session_lifetime: timedelta = Field(
        default=timedelta(days=30), description="A sign-in is over after this, however often it was refreshed."
    )

    store_name: str = "Tillwright"
    store_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern="^https?://",
        description="The shop's pages, which the links in mails lead to.",
    )
    mail_from: str = "Tillwright <store@tillwright.example>"
    mail_token_secret: SecretStr = Field(
        default=SecretStr(DEFAULT_MAIL_SECRET),
        min_length=32,
        description="Makes the tokens in mails. A change ends those that wait to be sent.",
    )
    verify_email_lifetime: timedelta = timedelta(days=3)
    password_reset_lifetime: timedelta = timedelta(hours=1)
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    smtp_security: SmtpSecurity = SmtpSecurity.NONE
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")

    mails_at_once: int = Field(
        default=50, ge=1, description="Mails on their way to the relay; while that is down, the others wait as rows."
    )

    stripe_api_key: SecretStr = SecretStr(DEFAULT_STRIPE_KEY)
    stripe_api_base: str = Field(
        default="http://127.0.0.1:12111",
        description="The sandbox provider of the dev stack, or https://api.stripe.com.",
    )
    stripe_webhook_secret: SecretStr = SecretStr(DEFAULT_WEBHOOK_SECRET)
    stripe_webhook_retired_secrets: tuple[SecretStr, ...] = Field(
        default=(), description="Accepted beside it: the one before, while the provider still signs with it."
    )
    payment_return_url: str = Field(
        default="http://127.0.0.1:8000/api/v1/payments/return",
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
    return_window: timedelta = Field(
        default=timedelta(days=30), description="How long after the delivery a return may be asked for."
    )
    return_decision_deadline: timedelta = Field(
        default=timedelta(days=7), description="When a return that nobody decided about expires; half of it reminds."
    )
    return_receipt_deadline: timedelta = Field(
        default=timedelta(days=30), description="When an approved return whose goods did not come expires."
    )
    capture_at: CaptureAt = Field(
        default=CaptureAt.CONFIRMATION, description="When a card's money is taken: confirmation or shipping."
    )
    provider_calls_per_second: float = Field(
        default=50, gt=0, description="Steps at the payment provider, of all workers together."
    )
    reconciliation_interval: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(minutes=1),
        description="How often our payments are compared with the provider's journal.",
    )
    reconciliation_window: timedelta = Field(
        default=timedelta(days=3), gt=timedelta(0), description="How far back the journal is read."
    )
    reconciliation_settling: timedelta = Field(
        default=timedelta(minutes=2),
        ge=timedelta(0),
        description="A payment that was touched within this and differs is looked at again after it.",
    )
    cart_lifetime: timedelta = timedelta(days=30)
    guest_cart_lifetime: timedelta = timedelta(days=7)
    max_cart_lines: int = Field(default=100, ge=1)
    low_stock_threshold: int = Field(default=5, ge=0)

    reads_per_minute: int = Field(default=1200, ge=1)
    writes_per_minute: int = Field(default=300, ge=1)
    checkouts_per_minute: int = Field(default=60, ge=1)
    logins_per_minute: int = Field(default=10, ge=1)
    address_reads_per_minute: int = Field(default=1200, ge=1)
    address_writes_per_minute: int = Field(default=300, ge=1)
    address_sign_ins_per_minute: int = Field(default=60, ge=1)
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Origins of the web pages that may call the API, such as https://shop.example."
    )

    @property
    def webhook_secrets(self) -> tuple[SecretStr, ...]:
        return (self.stripe_webhook_secret, *self.stripe_webhook_retired_secrets)

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
    def _load_may_come_from_one_machine(self) -> Self:
        """In the workshop all callers share an address: its limits are out of the way unless they are set."""
        limits = {name for name in type(self).model_fields if name.startswith("address_")}
        if self.environment.is_workshop:
            for name in limits - self.model_fields_set:
                setattr(self, name, WORKSHOP_ADDRESS_LIMIT)
        return self

    @field_validator("token_retired_keys")
    @classmethod
    def _public_keys_of_32_bytes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not re.fullmatch(r"[A-Za-z0-9_-]{43}", value):
                raise ValueError("each must be 32 bytes in base64url without padding, as `x` in /.well-known/jwks.json")
        return values

    @model_validator(mode="after")
    def refuse_default_secrets(self) -> Self:
        """Outside the workshop no secret may be one that anybody can read in this repository."""
        if self.environment.is_workshop:
            return self
        defaults = {
            "TILLWRIGHT_TOKEN_SIGNING_KEY": self.token_signing_key.get_secret_value() == DEFAULT_SIGNING_KEY,
            "TILLWRIGHT_MAIL_TOKEN_SECRET": self.mail_token_secret.get_secret_value() == DEFAULT_MAIL_SECRET,
            "TILLWRIGHT_DATABASE_URL": DEFAULT_DATABASE_PASSWORD in self.database_url.get_secret_value(),
            "TILLWRIGHT_REDIS_URL": DEFAULT_DATABASE_PASSWORD in self.redis_url.get_secret_value(),
            "TILLWRIGHT_STRIPE_API_KEY": self.stripe_api_key.get_secret_value() == DEFAULT_STRIPE_KEY,
            "TILLWRIGHT_STRIPE_WEBHOOK_SECRET": any(
                secret.get_secret_value() == DEFAULT_WEBHOOK_SECRET for secret in self.webhook_secrets
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
