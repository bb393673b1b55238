"""What the demo catalogue's file promises."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.schemas.carts import ItemToAdd
from devstack.demo.catalogue import FILE, Catalogue, read_catalogue
from models.catalogue import ProductStatus


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue()


def test_there_are_300_products_in_12_categories_of_20_at_least(catalogue: Catalogue) -> None:
    counts = Counter(product.category for product in catalogue.products)
    assert len(catalogue.products) >= 300
    assert len(counts) == len(catalogue.categories) == 12
    assert min(counts.values()) >= 20


def test_every_category_has_several_brands(catalogue: Catalogue) -> None:
    for category in catalogue.categories:
        brands = {product.brand for product in catalogue.products if product.category == category.slug}
        assert len(brands) >= 3, category.slug
    assert len({product.brand for product in catalogue.products}) >= 30


def test_no_name_and_no_description_stands_there_twice(catalogue: Catalogue) -> None:
    assert len({product.name for product in catalogue.products}) == len(catalogue.products)
    assert len({product.description for product in catalogue.products}) == len(catalogue.products)


def test_no_sentence_of_a_description_is_a_template(catalogue: Catalogue) -> None:
    sentences = Counter(
        sentence for product in catalogue.products for sentence in re.split(r"(?<=[.!?]) ", product.description)
    )
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


def test_every_description_is_two_sentences_at_least(catalogue: Catalogue) -> None:
    short = [
        product.slug
        for product in catalogue.products
        if len(product.description) < 60 or len(re.findall(r"[.!?](?= |$)", product.description)) < 2
    ]
    assert short == []


def test_every_product_has_attributes_and_one_to_six_variants(catalogue: Catalogue) -> None:
    for product in catalogue.products:
        assert len(product.attributes) >= 2, product.slug
        assert 1 <= len(product.variants) <= 6, product.slug


def test_variants_of_a_product_differ_by_the_same_options(catalogue: Catalogue) -> None:
    for product in catalogue.products:
        options = [tuple(sorted(variant.options.items())) for variant in product.variants]
        assert len(set(options)) == len(options), product.slug
        assert len({tuple(variant.options) for variant in product.variants}) == 1, product.slug


def test_every_price_is_positive_and_some_have_no_or_three_decimals(catalogue: Catalogue) -> None:
    assert all(variant.price > 0 for product in catalogue.products for variant in product.variants)
    currencies = Counter(product.currency for product in catalogue.products)
    assert set(currencies) == {"USD", "EUR", "JPY", "KWD"}
    assert currencies["USD"] > len(catalogue.products) * 0.8


def test_some_stock_is_low_and_some_is_out(catalogue: Catalogue) -> None:
    stock = Counter(variant.stock for product in catalogue.products for variant in product.variants)
    assert stock[1] + stock[2] + stock[3] >= 8
    assert stock[0] >= 5
    assert any(not any(variant.stock for variant in product.variants) for product in catalogue.products)


def test_there_is_a_draft_and_an_archived_product(catalogue: Catalogue) -> None:
    states = Counter(product.status for product in catalogue.products)
    assert states[ProductStatus.DRAFT] == states[ProductStatus.ARCHIVED] == 1


def test_the_sku_of_the_interfaces_examples_is_there_with_plenty_of_stock(catalogue: Catalogue) -> None:
    example = ItemToAdd.model_json_schema()["properties"]["sku"]["examples"][0]
    stock = {variant.sku: variant.stock for product in catalogue.products for variant in product.variants}
    assert stock[example] >= 100


def test_the_file_has_one_product_a_line_and_stays_small() -> None:
    text = FILE.read_text()
    assert len(text.encode()) < 500_000
    lines = [line for line in text.splitlines() if line.startswith('{"')]
    assert len(lines) == sum(len(part) for part in json.loads(text).values())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"slug": "basic-tee"}, "product 'basic-tee' stands there twice"),
        ({"category": "unheard-of"}, "unknown category 'unheard-of'"),
        ({"currency": "QQQ"}, "unknown currency 'QQQ'"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"variants": []}, "at least 1 item"),
        ({"variants": [{"sku": "A", "price": -1, "stock": 1}]}, "greater than or equal to 0"),
        ({"variants": [{"sku": "A", "price": 9.99, "stock": 1}]}, "valid integer"),
        ({"variants": [{"sku": "TEE-BASIC-BLACK-M", "price": 1, "stock": 1}]}, "SKU 'TEE-BASIC-BLACK-M' stands there"),
    ],
)
def test_a_file_that_does_not_hang_together_is_refused(
    change: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    whole = json.loads(FILE.read_text())
    whole["products"][1] |= change
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(whole))
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        read_catalogue(file)
