"""Who may call what: every route wants a token but for a short, named list, and staff's routes want staff."""

from collections.abc import Iterator
from uuid import uuid4

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from api.policies import POLICIES, Requires
from tests.api.conftest import Caller, SignIn
from tests.api.shopping import calling, refused
from tests.builders import Shop

SHOP = "http://shop.test"

PUBLIC = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("GET", "/products"),
    ("GET", "/products/{id_or_slug}"),
    ("POST", "/webhooks/payments/{provider}"),  # signed
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/docs/oauth2-redirect"),  # Swagger UI's own
}
STAFF = {
    ("GET", "/inventory/{sku}"),
    ("GET", "/ops/invariants"),
    ("POST", "/orders/{order_id}/confirm"),
    ("POST", "/orders/{order_id}/reject"),
}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and whole path of everything that the application answers, the undocumented included."""
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or set()) - {"HEAD"}:
            yield method, str(route.path)


def bare(path: str) -> str:
    return path.removeprefix("/api/v1").removeprefix("/api")


def filled(path: str) -> str:
    for name in ("order_id", "payment_id"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    return path.replace("{sku}", "LAMP")


async def test_every_route_but_the_public_ones_wants_a_token(app: FastAPI) -> None:
    guarded = [(method, path) for method, path in routes(app) if (method, bare(path)) not in PUBLIC]
    assert len(guarded) >= 30, "the shop's routes, under both prefixes"
    async with calling(app, SHOP) as anonymous:
        for method, path in guarded:
            refused(await anonymous.request(method, filled(path)), 401, "not-signed-in")


def policies(dependant: Dependant) -> Iterator[object]:
    """What decides who may call a route, however deep it stands among its dependencies."""
    for dependency in dependant.dependencies:
        if dependency.call in POLICIES or isinstance(dependency.call, Requires):
            yield dependency.call
        yield from policies(dependency)


def test_every_route_declares_who_may_call_it(app: FastAPI) -> None:
    declared = {
        str(route.path): list(policies(dependant))
        for route in iter_route_contexts(app.routes)
        if isinstance(dependant := getattr(route, "dependant", None), Dependant)
    }
    assert len(declared) >= 30
    assert [path for path, found in declared.items() if not found] == []


async def test_the_public_list_names_nothing_that_is_gone(app: FastAPI) -> None:
    assert {(method, bare(path)) for method, path in routes(app)} >= PUBLIC | STAFF


async def test_customers_are_refused_by_staffs_routes_and_by_no_other(app: FastAPI, customer: Caller) -> None:
    refusing = set()
    for method, path in routes(app):
        if (method, bare(path)) not in PUBLIC:
            answer = await customer.request(method, f"{SHOP}{filled(path)}")
            if answer.status_code == 403:
                refused(answer, 403, "forbidden")
                refusing.add((method, bare(path)))
    assert refusing == STAFF


async def test_an_admin_may_what_staff_may(sign_in: SignIn, shop: Shop) -> None:
    await shop.product("LAMP")
    for role in ("staff", "admin"):
        answer = await (await sign_in(role)).get("/inventory/LAMP")
        assert answer.status_code == 200


async def test_the_path_without_a_version_answers_as_the_current_one(app: FastAPI, customer: Caller) -> None:
    documented = {path for _, path in routes(app) if path.startswith("/api/v1/")}
    unversioned = {path for _, path in routes(app) if path.startswith("/api/") and not path.startswith("/api/v1/")}
    assert {bare(path) for path in documented} == {bare(path) for path in unversioned} - {"/docs", "/openapi.json"}
    for path in ("/products", "/orders", "/auth/me", "/carts/current"):
        versioned = (await customer.get(f"{SHOP}/api/v1{path}")).json()
        plain = (await customer.get(f"{SHOP}/api{path}")).json()
        assert versioned | {"expires_at": ""} == plain | {"expires_at": ""}
