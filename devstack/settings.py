"""Where the embedded servers of the dev stack live and listen: `TILLWRIGHT_DEV_*`, all with defaults."""

from pathlib import Path
from urllib.parse import quote

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.settings import DEFAULT_DATABASE_PASSWORD, DEFAULT_STRIPE_KEY, DEFAULT_WEBHOOK_SECRET


class DevstackSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TILLWRIGHT_DEV_", env_file=".env", extra="ignore")

    state_folder: Path = Field(
        default=Path(".tillwright"), description="All state of the stack; `make reset` empties it."
    )
    host: str = "127.0.0.1"
    api_port: int = 8000
    postgres_port: int = 15432
    redis_port: int = 16379
    temporal_port: int = 7233
    temporal_ui_port: int = 8233
    sandbox_port: int = 12111
    mailbox_port: int = 8025
    mailbox_smtp_port: int = 1025
    password: str = Field(default=DEFAULT_DATABASE_PASSWORD, description="Of Postgres and Redis, on loopback only.")
    stripe_api_key: str = DEFAULT_STRIPE_KEY
    stripe_webhook_secret: str = DEFAULT_WEBHOOK_SECRET

    @property
    def application_environment(self) -> dict[str, str]:
        """The `TILLWRIGHT_*` variables that point the API and the worker at this stack."""
        password = quote(self.password, safe="")
        database = f"postgresql+asyncpg://tillwright:{password}@{self.host}:{self.postgres_port}/tillwright"
        return {
            "TILLWRIGHT_API_HOST": self.host,
            "TILLWRIGHT_API_PORT": str(self.api_port),
            "TILLWRIGHT_DATABASE_URL": database,
            "TILLWRIGHT_REDIS_URL": f"redis://:{password}@{self.host}:{self.redis_port}/0",
            "TILLWRIGHT_TEMPORAL_ADDRESS": f"{self.host}:{self.temporal_port}",
            "TILLWRIGHT_TEMPORAL_WEB_URL": f"http://{self.host}:{self.temporal_ui_port}",
            "TILLWRIGHT_STRIPE_API_KEY": self.stripe_api_key,
            "TILLWRIGHT_STRIPE_API_BASE": f"http://{self.host}:{self.sandbox_port}",
            "TILLWRIGHT_STRIPE_WEBHOOK_SECRET": self.stripe_webhook_secret,
            "TILLWRIGHT_STORE_URL": f"http://{self.host}:{self.api_port}",
            "TILLWRIGHT_SMTP_HOST": self.host,
            "TILLWRIGHT_SMTP_PORT": str(self.mailbox_smtp_port),
            "TILLWRIGHT_PAYMENT_RETURN_URL": f"http://{self.host}:{self.api_port}/api/v1/payments/return",
        }
