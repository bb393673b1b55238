"""Whatever Schemathesis makes up from the document, each answer is one that the document allows."""

import asyncio
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.api.conftest import SignIn
from tests.api.test_access import STAFF, bare
from tests.api.test_openapi import operations
from tests.builders import Shop

FOLDER = Path(__file__).parent
ENDS_THE_CALLER = {"logout", "logout_all", "erase_account"}
"""What a caller does not come back from. Who is not signed in tries these."""

STREAMS = {"stream_notifications", "stream_order_events"}
"""What Schemathesis would wait for the end of. What they answer is the promise of tests/api/live."""


@pytest.fixture
async def furnished(shop: Shop) -> None:
    """Something to find, so that not every path leads to a 404."""
    await shop.product("TEE-BASIC-BLACK-M", stock=100_000)
    await shop.product("LAMP-OAK", stock=5)


async def schemathesis(address: str, operation_ids: Iterable[str], token: str | None) -> str:
    """What it found; empty where everything held."""
    only = f"^({'|'.join(map(re.escape, sorted(operation_ids)))})$"
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", "schemathesis.toml",
        "run", f"{address}/api/openapi.json", "--include-operation-id-regex", only,
        *(["--header", f"Authorization: {token}"] if token else []),
        cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await run.communicate()
    return told.decode() if run.returncode else ""


@pytest.mark.timeout(300)  # some six thousand requests, half a minute on two idle cores
@pytest.mark.usefixtures("furnished", "worker")
async def test_every_answer_is_one_that_the_document_allows(served: str, sign_in: SignIn, app: FastAPI) -> None:
    """Anyone tries what is open to all, a customer what wants a token and is not for staff, and an admin, who may all
    that staff may, what is. That the others are refused is the promise of tests/api/test_access.py."""
    everything, open_to_all, for_a_token, for_staff = set(), set(), set(), set()
    for method, path, operation in operations(app.openapi()):
        known = operation["operationId"]
        if known in STREAMS:
            continue
        everything.add(known)
        if {} in operation.get("security", [{}]):
            open_to_all.add(known)
        if (method, bare(path)) in STAFF:
            for_staff.add(known)
        elif "security" in operation and known not in ENDS_THE_CALLER:
            for_a_token.add(known)
    assert everything == open_to_all | for_a_token | for_staff | ENDS_THE_CALLER
    customer, admin = await sign_in("customer"), await sign_in("admin")
    found = await asyncio.gather(
        schemathesis(served, open_to_all | ENDS_THE_CALLER, None),
        schemathesis(served, for_a_token, customer.headers["Authorization"]),
        schemathesis(served, for_staff, admin.headers["Authorization"]),
    )
    assert not any(found), "\n".join(found)
