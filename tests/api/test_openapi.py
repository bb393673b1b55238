"""The document at /api/openapi.json: complete enough to write a client by."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator

from api.problems import STATUS
from api.schemas.common import Problem
from tests.api.conftest import Caller
from tests.api.test_access import PUBLIC, STAFF, bare, routes

STATUS_OF = {fact.code: status for fact, status in STATUS.items()}
PROBLEM_TYPE = "application/problem+json"


@pytest.fixture
async def document(anonymous: Caller) -> dict[str, Any]:
    answer = await anonymous.get("http://shop.test/api/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The path and the schema of everything that takes a body, but for files."""
    for _, path, operation in operations(document):
        if content := operation.get("requestBody", {}).get("content", {}).get("application/json"):
            schema = content["schema"]
            [name] = [part["$ref"] for part in (schema, *schema.get("anyOf", [])) if "$ref" in part]
            yield path, document["components"]["schemas"][name.rpartition("/")[2]]


async def test_swagger_ui_is_served_and_points_at_the_document(anonymous: Caller) -> None:
    page = await anonymous.get("http://shop.test/api/docs")
    assert page.status_code == 200
    assert "/api/openapi.json" in page.text


async def test_every_route_of_the_current_version_is_documented_once(app: FastAPI, document: dict[str, Any]) -> None:
    documented = [(method, path) for method, path, _ in operations(document)]
    assert len(documented) == len(set(documented))
    assert set(documented) == {
        (method, path) for method, path in routes(app) if path.startswith("/api/v1/") or not path.startswith("/api/")
    }


async def test_operations_have_ids_that_make_a_client_a_summary_and_a_tag_that_is_described(
    document: dict[str, Any],
) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    for _, path, operation in operations(document):
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", operation["operationId"]), path
        assert operation["summary"], path
        assert len(operation["tags"]) == 1, path
        assert set(operation["tags"]) <= described, f"{path}: describe the tag in api/openapi.py"


async def test_the_document_says_where_it_holds_and_how_to_sign_in(document: dict[str, Any]) -> None:
    assert document["servers"]
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    guest = document["components"]["securitySchemes"]["cartToken"]
    assert (guest["type"], guest["in"], guest["name"]) == ("apiKey", "header", "X-Cart-Token")
    assert {"cartToken": []} in document["paths"]["/api/v1/carts/items"]["post"]["security"]


async def test_what_wants_a_token_says_so_and_what_is_public_does_not(document: dict[str, Any]) -> None:
    """A route that is open to all may look at a token; then it says that it works without."""
    for method, path, operation in operations(document):
        if (method, bare(path)) in PUBLIC:
            assert {} in operation.get("security", [{}]), path
        else:
            assert operation["security"], path


async def test_what_is_for_staff_documents_that_others_are_refused(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if (method, bare(path)) in STAFF:
            assert "403" in operation["responses"], path


async def test_the_checkout_documents_each_of_its_answers(document: dict[str, Any]) -> None:
    responses = document["paths"]["/api/v1/orders/checkout"]["post"]["responses"]
    assert {"201", "202", "400", "402", "409", "422", "503"} <= set(responses)
    examples = document["components"]["schemas"]["CheckoutBody"]["examples"]
    assert {example["payment_method"] for example in examples} == {"card", "cod"}


async def test_a_body_allows_no_field_that_it_does_not_name(document: dict[str, Any]) -> None:
    found = dict(bodies(document))
    assert len(found) >= 8
    assert [path for path, body in found.items() if body["additionalProperties"] is not False] == []


async def test_what_wants_a_token_documents_the_refusal_and_every_input_its_problems(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        responses = operation["responses"]
        assert "security" not in operation or "401" in responses, path
        if path.startswith("/api/"):
            assert {"422", "503"} <= set(responses), path
            assert "429" in responses or path.startswith("/api/v1/webhooks/"), path
        assert "requestBody" not in operation or "413" in responses, path


def problems(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                yield f"{method} {path}", status, response


async def test_every_problem_has_an_example_for_each_code_with_its_own_status(document: dict[str, Any]) -> None:
    """A status that means several things wants its facts named: `problems(OutOfStock, s409=…)`."""
    for route, status, response in problems(document):
        content = response["content"][PROBLEM_TYPE]
        assert list(response["content"]) == [PROBLEM_TYPE]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert content["examples"], f"{route}: name the facts of its {status}"
        for code, example in content["examples"].items():
            Problem.model_validate(example["value"])
            assert (example["value"]["code"], example["value"]["status"]) == (code, int(status)), route
            assert code not in STATUS_OF or STATUS_OF[code] == int(status), route
        assert response["description"], route


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each JSON that goes in or out well."""
    for method, path, operation in operations(document):
        sides = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [side.get("content", {}).get("application/json") for side in sides]:
            if content:
                yield f"{method} {path}", content


async def test_everything_that_goes_in_or_out_has_an_example_that_its_schema_allows(document: dict[str, Any]) -> None:
    shown = 0
    for route, content in contents(document):
        examples = [content["example"]] if "example" in content else [e["value"] for e in content["examples"].values()]
        schema = content["schema"] | {"components": document["components"]}
        checker = Draft202012Validator(schema, validate_formats=True)
        for example in examples:
            assert [error.message for error in checker.iter_errors(example)] == [], route
            shown += 1
    assert shown >= 20


async def test_answers_tell_their_limits_and_their_id(document: dict[str, Any]) -> None:
    limits = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            headers = set(response["headers"])
            assert "X-Request-ID" in headers, path
            assert (limits <= headers) is ("429" in operation["responses"]), path
            assert ("Retry-After" in headers) is (status in ("202", "429", "503")), path
            assert ("WWW-Authenticate" in headers) is (status == "401"), path


async def test_a_key_or_a_version_brings_its_refusals(document: dict[str, Any]) -> None:
    found = {"Idempotency-Key": 0, "If-Match": 0}
    for _, path, operation in operations(document):
        named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
        responses = operation["responses"]
        if "Idempotency-Key" in named:
            found["Idempotency-Key"] += 1
            assert "idempotency-key-missing" in responses["400"]["content"][PROBLEM_TYPE]["examples"], path
            assert "idempotency-key-reused" in responses["422"]["content"][PROBLEM_TYPE]["examples"], path
        if "If-Match" in named:
            found["If-Match"] += 1
            assert "stale" in responses["412"]["content"][PROBLEM_TYPE]["examples"], path
        assert not [name for name in named if name != "-".join(part.capitalize() for part in name.split("-"))], path
    assert all(found.values())


async def test_every_body_comes_with_an_example(document: dict[str, Any]) -> None:
    for path, body in bodies(document):
        shown = {field for field, about in body["properties"].items() if "examples" in about}
        assert {"example", "examples"} & set(body) or shown >= set(body.get("required") or body["properties"]), path
