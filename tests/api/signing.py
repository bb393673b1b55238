"""Signing in as a person does, by password, and what is then sent along."""

from typing import Any

import httpx

from core.database import Database
from services.passwords import hash_password
from tests.api.conftest import Caller
from tests.builders import Shop

EMAIL, PASSWORD = "ada@example.com", "analytical engine"

Tokens = dict[str, Any]


async def ada(shop: Shop, role: str = "customer") -> str:
    """Opens her account; its id."""
    return str(await shop.user(role, email=EMAIL, password_hash=await hash_password(PASSWORD)))


async def log_in(caller: Caller, password: str = PASSWORD, email: str = EMAIL) -> httpx.Response:
    return await caller.post("/auth/login", json={"email": email, "password": password})


async def logged_in(caller: Caller, password: str = PASSWORD) -> Tokens:
    answer = await log_in(caller, password)
    assert answer.status_code == 200, answer.text
    tokens: Tokens = answer.json()
    return tokens


async def refresh(caller: Caller, tokens: Tokens) -> httpx.Response:
    return await caller.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


def bearing(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def is_in(caller: Caller, tokens: Tokens) -> bool:
    """Whether the access token opens anything: a route that does not look at the account."""
    answer = await caller.get("/orders", headers=bearing(tokens))
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def mails_to(database: Database, email: str = EMAIL) -> list[str]:
    """The purposes of those that were written to this address, the oldest first."""
    shop = Shop(database, None)  # type: ignore[arg-type]
    found = await shop.rows("SELECT purpose FROM mails WHERE recipient = :email ORDER BY created_at", email=email)
    return [purpose for (purpose,) in found]
