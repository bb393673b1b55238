"""The catalogue as a file over HTTP, for staff."""

import asyncio
from io import BytesIO

import httpx
import pytest

from api.middleware import BODY_LIMIT
from services.transfer.entries import Format
from tests.api.conftest import Caller
from tests.api.shopping import keyed, refused
from tests.builders import Shop
from tests.services.transfer.files import csv_file, csv_of, jsonl_of, product

FILE = csv_file("lamp,Lamp,,LAMP,1,USD", "desk,Desk,,DESK,oops,USD", "sofa,Sofa,,SOFA,1,USD")


async def send(caller: Caller, file: BytesIO, form: str = "csv", key: str | None = None) -> httpx.Response:
    headers = keyed(key) if key else {}
    return await caller.post("/products/import", params={"format": form}, content=file.getvalue(), headers=headers)


async def slugs(shop: Shop) -> list[str]:
    return [str(slug) for (slug,) in await shop.rows("SELECT slug FROM products ORDER BY slug")]


@pytest.mark.parametrize("form", list(Format))
async def test_what_staff_export_staff_import(staff: Caller, shop: Shop, form: Format) -> None:
    products = [product("desk"), product("lamp", "LAMP-S", "LAMP-L", status="draft")]
    file = (csv_of if form is Format.CSV else jsonl_of)(*products)
    assert (await send(staff, file, form)).json()["new"] == 2
    exported = await staff.get("/products/export", params={"format": form})
    assert exported.status_code == 200
    assert exported.headers["Content-Type"].startswith(("text/csv", "application/jsonl"))
    assert exported.headers["Content-Disposition"] == f'attachment; filename="products.{form}"'
    assert exported.content == file.getvalue()


async def test_what_is_refused_is_in_the_answer_and_the_rest_is_imported(staff: Caller, shop: Shop) -> None:
    answer = await send(staff, FILE)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert {name: report[name] for name in ("products", "new", "changed", "unchanged", "refused")} == {
        "products": 3, "new": 2, "changed": 0, "unchanged": 0, "refused": 1,
    }  # fmt: skip
    (refusal,) = report["refusals"]
    assert (refusal["line"], refusal["field"]) == (3, "price")
    assert await slugs(shop) == ["lamp", "sofa"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"slug;name\n", 1),
        ("slug,name,description,sku,price,currency\ncafé,".encode("latin-1"), 2),
        (b'slug,name,description,sku,price,currency\nlamp,"Lamp,,LAMP,1,USD\n', 2),
    ],
)
async def test_a_file_that_cannot_be_read_is_a_problem_that_names_the_line(
    staff: Caller, shop: Shop, content: bytes, line: int
) -> None:
    problem = refused(await send(staff, BytesIO(content)), 422, "file-refused")
    assert problem["line"] == line
    assert await slugs(shop) == []
    assert await shop.rows("SELECT 1 FROM catalogue_imports") == []


async def test_what_is_too_large_for_a_request_is_refused_as_a_whole(staff: Caller, shop: Shop) -> None:
    refused(await send(staff, BytesIO(b"x" * (BODY_LIMIT + 1))), 413, "body-too-large")
    many = BytesIO(b"{}\n" * 2001)
    assert "2001 products" in refused(await send(staff, many, "jsonl"), 422, "file-refused")["detail"]
    assert await shop.rows("SELECT 1 FROM catalogue_imports") == []


@pytest.mark.parametrize("query", [{}, {"format": "xlsx"}])
async def test_a_format_that_is_not_known_is_refused(staff: Caller, query: dict[str, str]) -> None:
    refused(await staff.get("/products/export", params=query), 422, "validation-failed")
    refused(await staff.post("/products/import", params=query, content=FILE.getvalue()), 422, "validation-failed")


async def test_the_same_key_imports_once_and_tells_again_what_came_of_it(staff: Caller, shop: Shop) -> None:
    first = await send(staff, FILE, key="import-of-monday")
    await shop.rows("UPDATE variants SET price = 5 WHERE sku = 'LAMP'")
    second = await send(staff, FILE, key="import-of-monday")
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert await shop.rows("SELECT price FROM variants WHERE sku = 'LAMP'") == [(5,)]
    other = csv_file("lamp,Lantern,,LAMP,1,USD")
    refused(await send(staff, other, key="import-of-monday"), 422, "idempotency-key-reused")


async def test_the_same_key_goes_on_with_an_import_that_was_interrupted(staff: Caller, shop: Shop) -> None:
    whole = (await send(staff, FILE, key="import-of-monday")).json()
    await shop.rows("DELETE FROM import_refusals")
    await shop.rows("UPDATE catalogue_imports SET position = 2, new = 1, refused = 0, finished_at = NULL")
    resumed = await send(staff, FILE, key="import-of-monday")
    assert resumed.json() == whole | {"new": 1, "unchanged": 1}
    assert resumed.headers["Idempotent-Replayed"] == "true"


async def test_one_key_sent_twice_at_once_imports_once(staff: Caller, shop: Shop) -> None:
    file = jsonl_of(*[product(f"p-{number}") for number in range(300)])
    answers = await asyncio.gather(*(send(staff, file, "jsonl", "import-of-monday") for _ in range(4)))
    for answer in answers:
        if answer.status_code != 200:
            refused(answer, 409, "import-running")
    assert await shop.rows("SELECT count(*), max(version) FROM products") == [(300, 1)]
    done = (await send(staff, file, "jsonl", "import-of-monday")).json()
    assert (done["products"], done["new"]) == (300, 300)


async def test_an_import_is_audited_with_who_did_it(staff: Caller, shop: Shop) -> None:
    done = (await send(staff, FILE)).json()
    acts = await shop.rows("SELECT actor_id, subject_id FROM audit_entries WHERE action = 'catalogue.import'")
    assert acts == [(staff.user_id, done["id"])]
