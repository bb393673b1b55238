"""The table of docs/performance.md is what the wire says."""

from functools import partial

import pytest
from fastapi import FastAPI

from tests.api.performance import cases, table
from tests.api.performance.scene import CASES, Scene, prepare
from tests.api.performance.trips import Meters
from tests.api.test_access import bare, routes

_ = cases


@pytest.fixture
def is_to_be_written(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--write-round-trips"))


async def test_the_table_says_what_each_endpoint_costs(meters: Meters, scene: Scene, is_to_be_written: bool) -> None:
    measured = {endpoint: await meters.settled(partial(prepare, endpoint, scene)) for endpoint in CASES}
    if is_to_be_written:
        table.write(measured)
    assert table.read() == measured, 'make test ARGS="tests/api/performance --write-round-trips" writes it anew'


def test_every_endpoint_has_a_row(app: FastAPI) -> None:
    """Of the current version, and of those at the root."""
    documented = {
        f"{method} {bare(path)}"
        for method, path in routes(app)
        if path.startswith("/api/v1/") or not path.startswith("/api/")
    }
    assert documented - {" ".join(name.split(" ")[:2]) for name in table.read()} == set()


def test_an_add_to_a_cart_is_three_round_trips_at_most() -> None:
    assert table.read()["POST /carts/items"].all <= 3


def test_a_product_is_one_query() -> None:
    product = table.read()["GET /products/{id_or_slug}"]
    assert (product.postgres, product.queries) == (1, 1)
