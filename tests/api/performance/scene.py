"""Who asks, for what, and what has to be there before: a case for each endpoint of the table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import Client

from tests.api.conftest import Caller, SignIn
from tests.api.performance.trips import Send
from tests.api.shopping import keyed
from tests.api.test_access import SHOP, STREAMS
from tests.builders import Shop
from tests.fakes.payments import FakePayments


@dataclass
class Scene:
    """A shop with a product of three SKUs, and somebody of each kind. What else a case makes has names of its own."""

    shop: Shop
    gateway: FakePayments
    temporal: Client
    sign_in: SignIn
    customer: Caller
    staff: Caller
    admin: Caller
    anonymous: Caller
    product_id: UUID
    skus: list[str]

    async def sku(self) -> str:
        """Of a new product."""
        sku = f"SKU-{uuid4().hex[:12].upper()}"
        await self.shop.product(sku, stock=1000)
        return sku


@dataclass(frozen=True)
class Ask:
    """A request of `caller`: the values of its path, and what httpx takes beside it."""

    caller: Caller
    values: dict[str, Any]
    more: dict[str, Any]


def ask(caller: Caller, values: dict[str, Any] | None = None, *, is_keyed: bool = False, **more: Any) -> Ask:
    if is_keyed:
        more["headers"] = more.get("headers", {}) | keyed()
    return Ask(caller, values or {}, more)


AT_THE_ROOT = ("/health/", "/metrics", "/.well-known/")
"""Paths that stand outside /api/v1."""

Case = Callable[[Scene], Awaitable[Ask]]
CASES: dict[str, Case] = {}


def case(endpoint: str) -> Callable[[Case], Case]:
    """Of an endpoint, such as `POST /carts/items`, or of one in certain circumstances, which follow in words."""

    def register(case: Case) -> Case:
        assert endpoint not in CASES, f"{endpoint} has a case already"
        CASES[endpoint] = case
        return case

    return register


async def prepare(endpoint: str, scene: Scene) -> Send:
    """The request of this case, ready to be sent once."""
    asked = await CASES[endpoint](scene)
    method, path = endpoint.split(" ")[:2]
    method = "HEAD" if (method, path) in STREAMS else method
    where = (SHOP if path.startswith(AT_THE_ROOT) else "") + path.format_map(asked.values)
    return lambda: asked.caller.request(method, where, **asked.more)
