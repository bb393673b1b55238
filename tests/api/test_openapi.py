"""The document at /api/openapi.json: complete enough to write a client by."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from tests.api.conftest import Caller
from tests.api.test_access import PUBLIC, STAFF, bare, routes

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
    """The path and the schema of everything that takes a body."""
    for _, path, operation in operations(document):
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
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
        (method, path) for method, path in routes(app) if path.startswith(("/api/v1/", "/health/"))
    }


async def test_operations_have_ids_of_their_own_a_summary_and_a_tag(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for _, path, operation in operations(document):
        assert operation["summary"], path
        assert len(operation["tags"]) == 1, path


async def test_what_wants_a_token_says_so_and_what_is_public_does_not(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert ("security" in operation) is ((method, bare(path)) not in PUBLIC), path


async def test_what_is_for_staff_documents_that_others_are_refused(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if (method, bare(path)) in STAFF:
            assert "403" in operation["responses"], path


async def test_the_checkout_documents_each_of_its_answers(document: dict[str, Any]) -> None:
    responses = document["paths"]["/api/v1/orders/checkout"]["post"]["responses"]
    assert {"201", "202", "400", "402", "409", "422", "503"} <= set(responses)
    for status in ("400", "402", "409", "503"):
        schema = responses[status]["content"][PROBLEM_TYPE]["schema"]
        assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(schema["properties"])


async def test_the_checkouts_examples_are_checkouts(document: dict[str, Any]) -> None:
    examples = document["components"]["schemas"]["CheckoutBody"]["examples"]
    assert {example["payment_method"] for example in examples} == {"card", "cod"}


async def test_a_body_allows_no_field_that_it_does_not_name(document: dict[str, Any]) -> None:
    found = dict(bodies(document))
    assert len(found) >= 8
    assert [path for path, body in found.items() if body["additionalProperties"] is not False] == []


async def test_what_wants_a_token_documents_the_refusal_and_every_input_its_problems(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        responses = operation["responses"]
        assert ("401" in responses) is ("security" in operation or path.endswith("/auth/login")), path
        assert path.startswith("/health") or "422" in responses, path
        for status, response in responses.items():
            if int(status) >= 400:
                assert list(response["content"]) == [PROBLEM_TYPE], (path, status)


async def test_every_body_comes_with_an_example(document: dict[str, Any]) -> None:
    for path, body in bodies(document):
        shown = {field for field, about in body["properties"].items() if "examples" in about}
        assert "examples" in body or shown >= set(body.get("required") or body["properties"]), path
