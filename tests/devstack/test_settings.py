"""`.env.example` names every setting with its default."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from core.settings import Settings
from devstack.settings import DevstackSettings

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


def variables_of(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config["env_prefix"]
    return {f"{prefix}{name.upper()}" for name in settings.model_fields}


def example() -> dict[str, str]:
    return dict(re.findall(r"^#(TILLWRIGHT_\w+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def test_the_example_has_every_setting_and_no_other() -> None:
    assert set(example()) == variables_of(Settings) | variables_of(DevstackSettings)


@pytest.mark.parametrize("settings", [Settings, DevstackSettings])
def test_the_values_of_the_example_are_the_defaults(
    settings: type[BaseSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in example():
        monkeypatch.delenv(name, raising=False)
    copied = tmp_path / ".env"
    copied.write_text(re.sub(r"^#TILLWRIGHT", "TILLWRIGHT", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert settings(_env_file=copied) == settings(_env_file=None)


def test_the_application_is_pointed_at_the_stack() -> None:
    stack = DevstackSettings(
        _env_file=None,
        postgres_port=1,
        redis_port=2,
        temporal_port=3,
        sandbox_port=4,
        api_port=5,
        mailbox_smtp_port=6,
    )
    environment = stack.application_environment
    assert ":1/" in environment["TILLWRIGHT_DATABASE_URL"]
    assert ":2/" in environment["TILLWRIGHT_REDIS_URL"]
    assert environment["TILLWRIGHT_TEMPORAL_ADDRESS"].endswith(":3")
    assert environment["TILLWRIGHT_STRIPE_API_BASE"].endswith(":4")
    assert environment["TILLWRIGHT_API_PORT"] == "5"
    assert environment["TILLWRIGHT_SMTP_PORT"] == "6"
    assert set(environment) <= variables_of(Settings)
