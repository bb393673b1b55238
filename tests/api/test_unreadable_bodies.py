"""A body that is no JSON is the sender's mistake, and told as every mistake in a body is."""

import pytest

from tests.api.conftest import Caller
from tests.api.shopping import fields_of, refused


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\x00", b'{"email": "\xc3\x28"}', b"[" * 200_000, b'{"email": ', b"", b"NaN", b'{"email": "\\ud800"}'],
    ids=["no text", "half a character", "nested without end", "cut off", "nothing", "no number", "half a pair"],
)
async def test_what_is_no_json_is_refused_as_a_body_that_is_not_valid(anonymous: Caller, body: bytes) -> None:
    answer = await anonymous.post("/auth/login", content=body, headers={"Content-Type": "application/json"})
    fields = fields_of(refused(answer, 422, "validation-failed"))
    assert fields
    assert all(field.startswith("body") for field in fields)


async def test_a_body_that_says_it_is_something_else_is_refused(anonymous: Caller) -> None:
    answer = await anonymous.post("/auth/login", content=b"{}", headers={"Content-Type": "text/plain"})
    refused(answer, 422, "validation-failed")
