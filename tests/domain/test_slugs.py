"""Slugs made from names, whatever the name."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.slugs import LONGEST, ROOM, is_slug, numbered, slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Basic Tee", "basic-tee"),
        ("  Café — Crème (2) ", "cafe-creme-2"),
        ("Straße & Söhne", "strasse-sohne"),
        ("ＦＵＬＬ　width", "full-width"),
        ("日本茶", "日本茶"),
        ("がら Bowl", "がら-bowl"),
        ("हिन्दी", "हिन्दी"),
        ("snake_case", "snake-case"),
        ("!!!", "product"),
        ("/../etc", "etc"),
    ],
)
def test_a_name_becomes_a_slug_that_can_be_read(name: str, slug: str) -> None:
    assert slug_of(name, fallback="product") == slug
    assert is_slug(slug)


def test_a_name_that_is_an_id_makes_a_slug_that_is_none() -> None:
    name = str(uuid4())
    assert slug_of(name, fallback="product") == f"product-{name}"
    assert not is_slug(name)
    assert not is_slug(name.replace("-", ""))


@given(st.text())
def test_whatever_the_name_its_slug_may_be_chosen_and_leaves_room_for_a_number(name: str) -> None:
    slug = slug_of(name, fallback="product")
    assert is_slug(slug), (name, slug)
    assert is_slug(numbered(slug, 10**5))


@pytest.mark.parametrize("text", ["", "A", "a b", "-a", "a--b", "a_b", "é", "a/b", "a%00", "x" * (LONGEST + 1)])
def test_what_is_no_slug_is_not_taken_for_one(text: str) -> None:
    assert not is_slug(text)


def test_the_first_of_a_name_has_no_number() -> None:
    assert [numbered("lamp", number) for number in (1, 2, 3)] == ["lamp", "lamp-2", "lamp-3"]
    assert len(slug_of("x" * 500, fallback="product")) == LONGEST - ROOM
