"""Every error is a problem document with a request id, and none tells what is inside."""

import re
from uuid import UUID

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.dependencies import Resources
from core.settings import Settings
from tests.api.conftest import BASE, Caller
from tests.api.shopping import calling, fields_of, refused


@pytest.mark.parametrize("path", ["/nothing", "http://shop.test/", "http://shop.test/api/v2/products", "/orders/1/2/3"])
async def test_an_unknown_path_is_not_found(anonymous: Caller, path: str) -> None:
    refused(await anonymous.get(path), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/products"), ("GET", "/auth/login"), ("DELETE", "/orders")])
async def test_a_method_that_a_path_does_not_know_is_405_with_those_that_it_does(
    anonymous: Caller, method: str, path: str
) -> None:
    answer = await anonymous.request(method, path)
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"]


@pytest.mark.parametrize("content", [b"{", b'{"email": }', b"'", b"\n"])
async def test_a_body_that_is_no_json_is_refused(anonymous: Caller, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused(await anonymous.post("/auth/login", content=content, headers=headers), 422, "validation-failed")


@pytest.mark.parametrize("content", [b'{"email": "\xff"}', b"[" * 100_000, b'{"email": ' + b"9" * 5000 + b"}"])
async def test_json_that_no_parser_takes_is_refused_and_breaks_nothing(anonymous: Caller, content: bytes) -> None:
    answer = await anonymous.post("/auth/login", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    refused(answer, answer.status_code, answer.json()["code"])
    assert (await anonymous.get("/products")).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_a_body_of_another_type_is_refused(anonymous: Caller, content_type: str) -> None:
    content = b'{"email": "ada@example.com", "password": "analytical engine"}'
    answer = await anonymous.post("/auth/login", content=content, headers={"Content-Type": content_type})
    refused(answer, 422, "validation-failed")


async def test_a_refused_body_names_each_field_with_what_is_wrong_with_it(anonymous: Caller) -> None:
    problem = refused(await anonymous.post("/auth/register", json={"email": "x"}), 422, "validation-failed")
    assert fields_of(problem) == {"body.email", "body.password", "body.full_name"}
    assert all(set(error) == {"field", "message", "kind"} for error in problem["errors"])


@pytest.mark.parametrize("path", ["/orders/xyz", "/payments/1", "/orders/xyz/timeline"])
async def test_an_id_that_is_none_is_refused(customer: Caller, path: str) -> None:
    refused(await customer.get(path), 422, "validation-failed")


@pytest.mark.parametrize("request_id", ["a-request.of_mine-1", "x" * 128, "01a20f58-2e4b-741f-8e7d-678eece5d042"])
async def test_a_request_id_is_taken_and_given_back(anonymous: Caller, request_id: str) -> None:
    headers = {"X-Request-ID": request_id}
    assert (await anonymous.get("/products", headers=headers)).headers["X-Request-ID"] == request_id
    problem = refused(await anonymous.get("/nothing", headers=headers), 404, "not-found")
    assert problem["request_id"] == request_id


HARMFUL = [b"", b"x" * 129, b"a b", b"<script>", b"a\tb", b"\xc3\xa9", b"${jndi:ldap://x}", b"a;b", b"a\x1b[31m"]


@pytest.mark.parametrize("request_id", HARMFUL)
async def test_a_request_id_that_could_do_harm_is_replaced(anonymous: Caller, request_id: bytes) -> None:
    answer = await anonymous.get("/nothing", headers=[(b"X-Request-ID", request_id)])
    replaced = answer.headers["X-Request-ID"]
    assert str(UUID(replaced)) == replaced
    assert refused(answer, 404, "not-found")["request_id"] == replaced


async def test_each_request_gets_an_id_of_its_own(anonymous: Caller) -> None:
    ids = {(await anonymous.get("/products")).headers["X-Request-ID"] for _ in range(5)}
    assert len(ids) == 5


@pytest.fixture
def broken(api_settings: Settings, resources: Resources) -> FastAPI:
    """The application with a bug in it."""
    app = create_app(api_settings)
    app.state.resources = resources

    async def divide() -> None:
        raise ZeroDivisionError("the password is hunter2")

    app.add_api_route("/api/v1/broken", divide, methods=["GET", "POST"])
    return app


async def test_a_bug_is_a_500_that_tells_nothing_of_the_inside(broken: FastAPI) -> None:
    async with calling(broken, BASE) as caller:
        for answer in (await caller.get("/broken"), await caller.post("/broken")):
            assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
            assert answer.json()["request_id"]
            assert not re.search(r"hunter2|ZeroDivision|Traceback|\.py|line \d", answer.text)
        assert (await caller.get("/products")).status_code == 200, "it serves on"


async def test_a_bug_is_found_again_by_the_request_id_in_its_answer(broken: FastAPI) -> None:
    async with calling(broken, BASE) as caller:
        refused(await caller.get("/broken"), 500, "internal-error")
        named = await caller.get("/broken", headers={"X-Request-ID": "quote-me"})
        assert refused(named, 500, "internal-error")["request_id"] == "quote-me"
