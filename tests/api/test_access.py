"""Who may call what: every route wants a token but for a short, named list, and staff's routes want staff."""

import re
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
    ("GET", "/metrics"),
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/password-reset"),
    ("POST", "/auth/password-reset/confirm"),
    ("POST", "/auth/verify-email"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/products"),
    ("GET", "/products/suggest"),
    ("GET", "/products/{id_or_slug}"),
    ("GET", "/categories"),
    ("GET", "/categories/{id_or_slug}"),
    ("POST", "/webhooks/payments/{provider}"),  # signed
    ("GET", "/payments/return"),  # the shopper's browser, which shows no token
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
}
GUESTS = {
    ("POST", "/carts"),
    ("GET", "/carts/current"),
    ("DELETE", "/carts/current"),
    ("POST", "/carts/items"),
    ("PATCH", "/carts/items/{sku}"),
    ("DELETE", "/carts/items/{sku}"),
}
"""A guest's cart does without an access token, but not with a bad one."""
STAFF = {
    ("POST", "/products"),
    ("PATCH", "/products/{id_or_slug}"),
    ("DELETE", "/products/{id_or_slug}"),
    ("POST", "/products/{id_or_slug}/variants"),
    ("PATCH", "/products/{id_or_slug}/variants/{sku}"),
    ("DELETE", "/products/{id_or_slug}/variants/{sku}"),
    ("POST", "/categories"),
    ("PATCH", "/categories/{id_or_slug}"),
    ("DELETE", "/categories/{id_or_slug}"),
    ("GET", "/inventory"),
    ("GET", "/inventory/{sku}"),
    ("PATCH", "/inventory/{sku}"),
    ("GET", "/inventory/{sku}/movements"),
    ("POST", "/inventory/{sku}/adjustments"),
    ("POST", "/inventory/{sku}/transfers"),
    ("GET", "/inventory/events"),
    ("GET", "/inventory/locations"),
    ("POST", "/inventory/locations"),
    ("GET", "/inventory/locations/{code}"),
    ("PATCH", "/inventory/locations/{code}"),
    ("GET", "/inventory/sessions"),
    ("POST", "/inventory/sessions"),
    ("GET", "/inventory/sessions/{session_id}"),
    ("PUT", "/inventory/sessions/{session_id}/lines/{sku}"),
    ("DELETE", "/inventory/sessions/{session_id}/lines/{sku}"),
    ("POST", "/inventory/sessions/{session_id}/apply"),
    ("POST", "/inventory/sessions/{session_id}/discard"),
    ("GET", "/search/synonyms"),
    ("POST", "/search/synonyms"),
    ("GET", "/search/synonyms/{group_id}"),
    ("PUT", "/search/synonyms/{group_id}"),
    ("DELETE", "/search/synonyms/{group_id}"),
    ("POST", "/search/rebuild"),
    ("GET", "/products/export"),
    ("POST", "/products/import"),
    ("GET", "/ops/invariants"),
    ("GET", "/ops/reconciliations"),
    ("POST", "/ops/reconciliations"),
    ("GET", "/ops/reconciliations/{reconciliation_id}"),
    ("GET", "/customers"),
    ("GET", "/customers/{user_id}"),
    ("POST", "/customers/{user_id}/activate"),
    ("POST", "/customers/{user_id}/deactivate"),
    ("GET", "/staff"),
    ("POST", "/staff/{user_id}/role"),
    ("GET", "/audit"),
    ("POST", "/api-keys"),
    ("GET", "/api-keys"),
    ("DELETE", "/api-keys/{key_id}"),
    ("GET", "/payments"),
    ("POST", "/payments/{payment_id}/capture"),
    ("POST", "/payments/{payment_id}/refunds"),
    ("POST", "/orders/{order_id}/confirm"),
    ("POST", "/orders/{order_id}/reject"),
    ("POST", "/orders/{order_id}/process"),
    ("POST", "/orders/{order_id}/ship"),
    ("POST", "/orders/{order_id}/deliver"),
    ("GET", "/orders/{order_id}/workflow"),
    ("POST", "/orders/{order_id}/retry"),
    ("POST", "/orders/{order_id}/extend-hold"),
    ("GET", "/ops/orders"),
    ("POST", "/ops/orders/actions"),
    ("POST", "/returns/{return_id}/approve"),
    ("POST", "/returns/{return_id}/reject"),
    ("POST", "/returns/{return_id}/receive"),
}
STREAMS = {("GET", "/notifications/stream"), ("GET", "/orders/{order_id}/events")}
"""Have no end that a test could wait for: a HEAD is judged alike, and answered when they begin."""


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and whole path of everything that the application answers, the undocumented included."""
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or set()) - {"HEAD"}:
            yield method, str(route.path)


def bare(path: str) -> str:
    return re.sub(r"^/api(/v1)?(?=/)", "", path)


def filled(path: str) -> str:
    things = ("order", "payment", "refund", "return", "user", "address", "session", "notification", "reconciliation")
    for thing in things:
        path = path.replace(f"{{{thing}_id}}", str(uuid4()))
    return path.replace("{sku}", "LAMP")


async def test_every_route_but_the_public_ones_wants_a_token(app: FastAPI) -> None:
    guarded = [(method, path) for method, path in routes(app) if (method, bare(path)) not in PUBLIC | GUESTS]
    assert len(guarded) >= 30, "the shop's routes, under both prefixes"
    async with calling(app, SHOP) as anonymous:
        for method, path in guarded:
            refused(await anonymous.request(method, filled(path)), 401, "not-signed-in")


async def test_a_guest_needs_no_token_but_a_bad_one_makes_no_guest(app: FastAPI) -> None:
    guests = [(method, path) for method, path in routes(app) if (method, bare(path)) in GUESTS]
    async with calling(app, SHOP) as anonymous:
        for method, path in guests:
            assert (await anonymous.request(method, filled(path))).status_code not in (401, 403)
            for bad in ("Bearer x", "Bearer", "Basic dTpw", "x"):
                answer = await anonymous.request(method, filled(path), headers={"Authorization": bad})
                refused(answer, 401, "not-signed-in")


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
    assert {(method, bare(path)) for method, path in routes(app)} >= PUBLIC | STAFF | GUESTS | STREAMS


async def test_customers_are_refused_by_staffs_routes_and_by_no_other(app: FastAPI, customer: Caller) -> None:
    refusing = set()
    for method, path in sorted(routes(app), key=lambda route: "logout" in route[1]):  # which no request comes after
        if (method, bare(path)) not in PUBLIC:
            asked = "HEAD" if (method, bare(path)) in STREAMS else method
            answer = await customer.request(asked, f"{SHOP}{filled(path)}")
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
