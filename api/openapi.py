"""The document at /api/openapi.json: what FastAPI finds out, and what holds of every operation said once, here.

A route declares what is its own: its bodies, and by `problems(…)` what it can refuse with. From its parameters and
dependencies follow its security, the refusals that come with a key, a version or a limit, the headers of its answers,
and an example of each.
"""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from api.dependencies import get_person_or_machine, get_presented
from api.examples import example_of
from api.gate import Kind, kind_of, pass_gate
from api.headers import HEADERS
from api.problem_examples import problem_response
from api.schemas.common import Problem
from api.shoppers import HEADER, get_shopper

TAGS = {
    "accounts": "Opening an account, signing in and out, and who one is.",
    "api-keys": "Keys of machines, for integrations. For admins.",
    "customers": "One's own profile, addresses and preferences; for staff, everybody's accounts.",
    "staff": "Who is staff, and who an admin. For admins.",
    "audit": "What staff, admins and machines did: to whom or what, when, from where. For admins.",
    "catalogue": "Products, their variants and categories; searching them.",
    "inventory": "Stock per SKU and location, with a ledger of every movement. For staff.",
    "carts": "The cart of a signed-in caller, or of a guest who sends `X-Cart-Token`.",
    "orders": "Checking out, reading orders, and what staff decide about them.",
    "returns": "Goods on their way back: asked for, decided about, received, refunded.",
    "payments": "What was paid, and the news from the payment provider.",
    "notifications": "What one was told of one's orders, or of what staff look after: an inbox, and the same live.",
    "operations": "Health, figures, whether everything still adds up, and which orders are under way.",
}

JSON, BEARER, CART_TOKEN = "application/json", "bearer", "cartToken"
_OF_A_KEY = ("idempotency-key-missing", "idempotency-key-reused", "idempotency-key-in-use")

Operation = dict[str, Any]


def describe(app: FastAPI) -> None:
    """Has the application answer with the completed document, made on first use."""
    found = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(found(), app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _complete(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    components = document["components"]
    components["schemas"]["Problem"] = Problem.model_json_schema()
    components["headers"] = {name: header.described for name, header in HEADERS.items()}
    components["securitySchemes"][CART_TOKEN] = {
        "type": "apiKey", "in": "header", "name": HEADER, "description": "The `cart_token` of a guest's cart.",
    }  # fmt: skip
    document["servers"] = [{"url": "/", "description": "Where this document was read."}]
    used = set()
    for route, method, operation in _operations(document, app):
        used.update(operation["tags"])
        for parameter in operation.get("parameters", ()):
            _plain(parameter)
        calls = set(_calls(route.dependant))
        _secure(operation, calls)
        kind = kind_of(route.endpoint, method) if route.endpoint and pass_gate in calls else Kind.FREE
        _refuse(operation, kind, has_gate=pass_gate in calls)
        _show(operation, components["schemas"], kind)
    document["tags"] = [{"name": name, "description": about} for name, about in TAGS.items() if name in used]
    return document


def _operations(document: dict[str, Any], app: FastAPI) -> Iterator[tuple[RouteContext, str, Operation]]:
    for route in iter_route_contexts(app.routes):
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                yield route, method, operation


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    """What the route depends on, however deep; what the gate needs is its own affair."""
    for dependency in dependant.dependencies:
        yield dependency.call
        if dependency.call is not pass_gate:
            yield from _calls(dependency)


def _plain(parameter: dict[str, Any]) -> None:
    """A header by its usual name, and what may be left out as just that: there is no null in a URL or a header."""
    schema = parameter["schema"]
    if parameter["in"] == "header":
        parameter["name"] = "-".join(part.capitalize() for part in parameter["name"].split("-"))
    if (alternatives := schema.get("anyOf")) and {"type": "null"} in alternatives:
        rest = [part for part in alternatives if part != {"type": "null"}]
        del schema["anyOf"]
        schema.update(rest[0] if len(rest) == 1 else {"anyOf": rest})
    if parameter["name"] == "Idempotency-Key":
        schema.update(minLength=16, maxLength=255, example="checkout-0199f0c2-7a41")


def _secure(operation: Operation, calls: set[Callable[..., Any] | None]) -> None:
    """A token where a caller is needed, with or without one where the route looks at it, and nothing elsewhere."""
    operation.pop("security", None)
    if get_person_or_machine in calls:
        operation["security"] = [{BEARER: []}]
    elif get_shopper in calls:
        operation["security"] = [{}, {BEARER: []}, {CART_TOKEN: []}]
    elif get_presented in calls:
        operation["security"] = [{}, {BEARER: []}]


def _refuse(operation: Operation, kind: Kind, *, has_gate: bool) -> None:
    """Complete what the route can refuse with, each with an example."""
    named = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    responses = operation["responses"]
    expected: dict[str, list[str]] = {}
    if "security" in operation:
        expected["401"] = ["not-signed-in"]
        if {} not in operation["security"] or {CART_TOKEN: []} in operation["security"]:
            expected["403"] = ["forbidden"]  # at least to a machine, which has named permissions and no cart
    if "idempotency-key" in named:
        for code, status in zip(_OF_A_KEY, ("400", "422", "409"), strict=True):
            expected.setdefault(status, []).append(code)
    if "if-match" in named:
        expected["412"] = ["stale"]
    if "requestBody" in operation:
        expected["413"] = ["body-too-large"]
    if has_gate:
        expected["503"] = ["unavailable"]
    if kind is not Kind.FREE:
        expected["429"] = ["rate-limited"]
    for status in sorted(set(expected) | {status for status in responses if status >= "400"}):
        responses[status] = problem_response(status, responses.get(status, {}), expected.get(status, []))


def _show(operation: Operation, schemas: dict[str, Any], kind: Kind) -> None:
    """Headers and examples of the answers, and an example of the body."""
    has_key = any(parameter["name"].lower() == "idempotency-key" for parameter in operation.get("parameters", ()))
    for status, response in operation["responses"].items():
        shown = [
            name
            for name, header in HEADERS.items()
            if header.belongs(status) and (has_key or not header.is_of_a_key) and (kind != Kind.FREE or header.is_free)
        ]
        response.setdefault("headers", {}).update({name: {"$ref": f"#/components/headers/{name}"} for name in shown})
        _exemplify(response.get("content", {}).get(JSON), schemas)
    _exemplify(operation.get("requestBody", {}).get("content", {}).get(JSON), schemas)


def _exemplify(content: dict[str, Any] | None, schemas: dict[str, Any]) -> None:
    if content and "example" not in content and "examples" not in content:
        content["example"] = example_of(content["schema"], schemas)
