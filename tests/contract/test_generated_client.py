"""A client that a public generator makes from the document, used against the running API."""

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from tests.builders import Shop

FILES = dict.fromkeys(("text/csv", "application/jsonl"), "application/octet-stream")
PACKAGE = "tillwright_client"


@pytest.fixture
async def client(app: FastAPI, tmp_path: Path) -> AsyncIterator[ModuleType]:
    """The package as generated, importable for as long as the test runs. A warning of the generator fails."""
    document, settings = tmp_path / "openapi.json", tmp_path / "settings.json"
    document.write_text(json.dumps(app.openapi()))
    settings.write_text(json.dumps({"post_hooks": [], "content_type_overrides": FILES}))
    generate = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--config", settings,
        "--meta", "none", "--output-path", tmp_path / PACKAGE, "--fail-on-warning",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await generate.communicate()
    assert generate.returncode == 0, told.decode()
    sys.path.insert(0, str(tmp_path))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


async def test_a_generated_client_registers_shops_and_orders(
    client: Any, served: str, shop: Shop, worker: object
) -> None:
    await shop.product("LAMP", price=1999)
    models = importlib.import_module(f"{PACKAGE}.models")

    async def call(tag: str, operation: str, **arguments: Any) -> Any:
        """What the operation answers, parsed into the client's own types."""
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        answer = await module.asyncio_detailed(**arguments)
        assert 200 <= answer.status_code < 300, answer.content
        return answer.parsed

    async with client.Client(base_url=served) as guest:
        account = {"email": "ada@example.com", "password": "correct-horse-battery"}
        body = models.Registration.from_dict(account | {"full_name": "Ada Shopper"})
        registered = await call("accounts", "register", client=guest, body=body)
        assert registered.full_name == "Ada Shopper"
        session = await call("accounts", "login", client=guest, body=models.Credentials.from_dict(account))
        page = await call("catalogue", "list_products", client=guest, limit=5)
        assert [product.name for product in page.items] == ["The LAMP"]

    async with client.AuthenticatedClient(base_url=served, token=session.access_token) as shopper:
        item = models.ItemToAdd(sku=page.items[0].variants[0].sku, quantity=2)
        cart = await call("carts", "add_to_cart", client=shopper, body=item)
        assert (cart.items[0].quantity, cart.totals.total.amount) == (2, 3998)
        body = models.CheckoutBody.from_dict(
            {
                "payment_method": "cod",
                "shipping_address": {
                    "full_name": "Ada Shopper", "line1": "1 Analytical Way", "city": "Portland",
                    "region": "OR", "postal_code": "97201", "country": "US",
                },
            }
        )  # fmt: skip
        order = await call("orders", "check_out", client=shopper, body=body, idempotency_key=uuid4().hex)
        assert isinstance(order, models.OrderView)
        assert (order.status, order.totals.total.amount) == ("pending_confirmation", 3998)
        assert [found.id for found in (await call("orders", "list_orders", client=shopper)).items] == [order.id]


async def test_a_generated_client_reads_a_refusal_as_a_problem(client: Any, served: str) -> None:
    get_me = importlib.import_module(f"{PACKAGE}.api.accounts.get_me")
    async with client.AuthenticatedClient(base_url=served, token="stale") as stranger:
        answer = await get_me.asyncio_detailed(client=stranger)
    assert answer.status_code == 401
    assert (answer.parsed.code, answer.parsed.status) == ("not-signed-in", 401)
