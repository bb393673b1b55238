"""What is measured. Each yields calls; `bench/timing.py` takes their time."""

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from random import Random
from urllib.parse import urlencode

from bench import catalogue
from bench.shop import Shop
from bench.timing import WARM_UP, Client, Taken, at_once, one_after_another

ADDRESS = {
    "full_name": "Ada Shopper", "line1": "1 Analytical Way", "city": "Portland",
    "region": "OR", "postal_code": "97201", "country": "US",
}  # fmt: skip
CARD = {"payment_method": "card", "payment_token": "pm_card_visa", "shipping_address": ADDRESS}
COD = {"payment_method": "cod", "shipping_address": ADDRESS}

CART_LINES = 20
"""Different SKUs that adds go to: a cart as long as carts get."""
SHOPPERS = 16

Call = Callable[[], object]


def searches(shop: Shop, count: int) -> Taken:
    """A page of 20 with facets, by words, the start of a word, a filter, or a misspelt word."""
    random = Random(1)  # noqa: S311 — not a secret
    with shop.client() as nobody:
        return one_after_another(_get(nobody, f"/products?{_query(random)}") for _ in range(count + WARM_UP))


def _query(random: Random) -> str:
    quality, kind = random.choice(catalogue.QUALITIES), random.choice(catalogue.KINDS)
    asked: dict[str, object] = random.choice(
        [
            {"q": f"{quality} {kind}"},
            {"q": kind},
            {"q": kind[:3], "sort": "price"},
            {"q": f"{quality[1:]} {kind}"},
            {"category": kind, "brand": random.choice(catalogue.BRANDS)},
            {"q": quality, "price_min": 2000, "price_max": 20_000, "in_stock": "true"},
        ]
    )
    return urlencode(asked | {"facets": "true", "limit": 20})


def lists(shop: Shop, count: int) -> Taken:
    """The newest of a category, without facets."""
    with shop.client() as nobody:
        kinds = islice(cycle(catalogue.KINDS), count + WARM_UP)
        return one_after_another(_get(nobody, f"/products?category={kind}&facets=false") for kind in kinds)


def details(shop: Shop, count: int, products: int) -> Taken:
    with shop.client() as nobody:
        return one_after_another(_get(nobody, f"/products/{slug}") for slug in _some_slugs(count, products))


def details_at_once(shop: Shop, count: int, products: int) -> Taken:
    slugs = _some_slugs(count, products)
    rows = [(shop.client(), slugs[place::SHOPPERS]) for place in range(SHOPPERS)]
    return at_once([[_get(one, f"/products/{slug}") for slug in some] for one, some in rows])


def _some_slugs(count: int, products: int) -> list[str]:
    random = Random(2)  # noqa: S311 — not a secret
    return [catalogue.product(random.randrange(products))["slug"] for _ in range(count + WARM_UP)]


def adds(shop: Shop, count: int) -> Taken:
    """To carts that get CART_LINES lines."""
    shoppers = cycle(shop.shoppers(SHOPPERS))
    return one_after_another(_add(next(shoppers), place // SHOPPERS) for place in range(count + WARM_UP))


def adds_at_once(shop: Shop, count: int) -> Taken:
    return at_once([[_add(one, place) for place in range(count // SHOPPERS)] for one in shop.shoppers(SHOPPERS)])


def checkouts(shop: Shop, count: int, body: Mapping[str, object]) -> Taken:
    """Of one line each; the click's answer is what the shopper waits for."""
    return one_after_another([_check_out(one, body) for one in _with_a_cart(shop, count + WARM_UP)])


def checkouts_at_once(shop: Shop, count: int, body: Mapping[str, object]) -> Taken:
    calls = [_check_out(one, body) for one in _with_a_cart(shop, count)]
    return at_once([calls[place::SHOPPERS] for place in range(SHOPPERS)])


def _with_a_cart(shop: Shop, count: int) -> Sequence[Client]:
    shoppers = shop.shoppers(count)
    for place, one in enumerate(shoppers):
        _add(one, place)()
    return shoppers


def _get(client: Client, path: str) -> Call:
    return lambda: client.call("GET", path)


def _add(client: Client, place: int) -> Call:
    sku = catalogue.product(place % CART_LINES)["variants"][0]["sku"]
    return lambda: client.call("POST", "/carts/items", {"sku": sku, "quantity": 1})


def _check_out(client: Client, body: Mapping[str, object]) -> Call:
    return lambda: client.call("POST", "/orders/checkout", body, is_keyed=True)
