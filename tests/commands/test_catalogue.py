"""The catalogue's command as an operator runs it: a process of its own, with an exit code, that may be killed."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from commands.catalogue_files import COMMAND_LINE, export_file, import_file
from core.settings import Settings
from domain.errors import FileRefused
from services.transfer.entries import Format
from services.transfer.importing import Writer
from tests.builders import Shop
from tests.services.transfer.files import csv_file, csv_of, jsonl_of, product

ROOT = Path(__file__).parent.parent.parent
WRITER = Writer(COMMAND_LINE, low_stock_threshold=5)

Run = Callable[..., Awaitable[Process]]


@pytest.fixture
def run(settings: Settings) -> Run:
    async def run(*arguments: object) -> Process:
        command = [sys.executable, "-m", "commands.catalogue", *[str(argument) for argument in arguments]]
        url = {"TILLWRIGHT_DATABASE_URL": settings.database_url.get_secret_value()}
        return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=os.environ | url, stdout=PIPE, stderr=PIPE)

    return run


async def ended(process: Process) -> tuple[int | None, str]:
    """Its exit code, and all that it said."""
    out, errors = await process.communicate()
    return process.returncode, out.decode() + errors.decode()


async def test_an_import_says_what_it_did_and_reports_what_it_refused(shop: Shop, run: Run, tmp_path: Path) -> None:
    file, report = tmp_path / "products.csv", tmp_path / "refused.jsonl"
    file.write_bytes(csv_file("lamp,Lamp,,LAMP,1,USD", "desk,Desk,,DESK,x,USD", "sofa,Sofa,,SOFA,1,QQQ").getvalue())
    code, said = await ended(await run("import", file, "--report", report))
    assert code == 3
    assert "3 products: 1 new, 0 changed, 0 unchanged, 2 refused." in said
    assert "Line 3, price: is not a whole number" in said
    refused = [orjson.loads(line) for line in report.read_text().splitlines()]
    assert [(one["line"], one["field"]) for one in refused] == [(3, "price"), (4, "currency")]
    assert await shop.rows("SELECT slug FROM products") == [("lamp",)]


async def test_a_file_that_breaks_off_is_refused_as_a_whole(shop: Shop, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_bytes(csv_file(*["lamp,Lamp,,LAMP,1,USD"] * 3, 'desk,"Desk,,DESK,1,USD').getvalue())
    code, said = await ended(await run("import", file))
    assert code == 1
    assert "The quoting is broken in the row that begins on line 5" in said
    assert "Traceback" not in said
    assert await shop.rows("SELECT slug FROM products") == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_an_import_that_is_killed_goes_on_where_it_stopped(
    shop: Shop, run: Run, tmp_path: Path, end: signal.Signals
) -> None:
    file = tmp_path / "products.jsonl"
    file.write_bytes(jsonl_of(*[product(f"p-{number}") for number in range(3000)], {"slug": "bad"}).getvalue())
    first = await run("import", file)
    async with asyncio.timeout(30):
        while not await shop.rows("SELECT 1 FROM catalogue_imports WHERE position > 0"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    first.send_signal(end)
    code, said = await ended(first)
    assert code == (130 if end is signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in said
    ((position,),) = await shop.rows("SELECT position FROM catalogue_imports")
    assert await shop.rows("SELECT count(*) FROM products") == [(position,)], "what is settled, and no more"
    assert 0 < position < 3000

    code, said = await ended(await run("import", file))
    assert code == 3
    assert f"Went on below line {position:,}" in said
    assert "3,001 products: 3,000 new, 0 changed, 0 unchanged, 1 refused." in said
    assert await shop.rows("SELECT count(*), max(version) FROM products") == [(3000, 1)]


async def test_progress_is_told_batch_by_batch_and_ends_with_all(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_bytes(csv_of(*[product(f"p-{number}") for number in range(450)]).getvalue())
    moves: list[tuple[int, int]] = []
    done = await import_file(shop.database, file, Format.CSV, WRITER, moved=lambda *move: moves.append(move))
    assert moves == [(0, 450), (200, 450), (400, 450), (450, 450)]
    assert (done.products, done.new, done.resumed_after) == (450, 450, 0)
    known = await shop.rows("SELECT reltuples::int FROM pg_class WHERE relname = 'products'")
    assert known == [(450,)], "Postgres plans for what there is now"


@pytest.mark.parametrize("form", list(Format))
async def test_an_export_takes_its_name_when_it_is_complete(shop: Shop, tmp_path: Path, form: Format) -> None:
    source, target = tmp_path / f"in.{form}", tmp_path / f"out.{form}"
    products = sorted((product(f"p-{number}") for number in range(1200)), key=lambda one: one["slug"])
    source.write_bytes((csv_of if form is Format.CSV else jsonl_of)(*products).getvalue())
    target.write_text("what was there before")
    await import_file(shop.database, source, form, WRITER)
    moves: list[tuple[int, int]] = []
    assert await export_file(shop.database, target, form, moved=lambda *move: moves.append(move)) == 1200
    assert moves == [(500, 1200), (1000, 1200), (1200, 1200)]
    assert target.read_bytes() == source.read_bytes()
    assert sorted(tmp_path.iterdir()) == [source, target]  # noqa: ASYNC240


async def test_an_empty_catalogue_is_a_header_in_csv_and_nothing_in_json_lines(shop: Shop, tmp_path: Path) -> None:
    for form, lines in ((Format.CSV, 1), (Format.JSONL, 0)):
        assert await export_file(shop.database, tmp_path / "out", form) == 0
        assert len((tmp_path / "out").read_text().splitlines()) == lines


async def test_a_file_that_cannot_be_read_leaves_no_import_behind(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_bytes("slug;name\n".encode("utf-16"))
    with pytest.raises(FileRefused):
        await import_file(shop.database, file, Format.CSV, WRITER)
    assert await shop.rows("SELECT 1 FROM catalogue_imports") == []


async def test_a_name_without_a_known_ending_is_refused_before_anything_is_read(run: Run, tmp_path: Path) -> None:
    code, said = await ended(await run("import", tmp_path / "products.xlsx"))
    assert code == 1
    assert "its name has to end in .csv, .jsonl or .ndjson" in said
