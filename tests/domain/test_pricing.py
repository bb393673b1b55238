"""What a cart costs: the sum of its lines, however they are arranged, in one currency."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import EXPONENTS, Money
from domain.pricing import PricedLine, Totals, totals

prices = st.integers(min_value=0, max_value=10**9)
quantities = st.integers(min_value=1, max_value=999)
currencies = st.sampled_from(sorted(EXPONENTS))
priced = st.lists(st.tuples(prices, quantities), max_size=100)


def lines_of(bought: list[tuple[int, int]], currency: str) -> list[PricedLine]:
    return [
        PricedLine(f"SKU-{number}", "product", "A lamp", quantity, Money(price, currency))
        for number, (price, quantity) in enumerate(bought)
    ]


@given(bought=priced, currency=currencies)
def test_the_total_is_the_sum_of_the_lines(bought: list[tuple[int, int]], currency: str) -> None:
    cost = totals(lines_of(bought, currency), currency)
    assert cost.subtotal == cost.total == Money(sum(price * quantity for price, quantity in bought), currency)
    assert cost.discount == cost.shipping == cost.tax == Money(0, currency)


@given(bought=priced, currency=currencies, seed=st.integers())
def test_the_order_of_the_lines_does_not_matter(bought: list[tuple[int, int]], currency: str, seed: int) -> None:
    lines = lines_of(bought, currency)
    shuffled = lines.copy()
    Random(seed).shuffle(shuffled)
    assert totals(shuffled, currency) == totals(lines, currency)


@given(price=prices, left=quantities, right=quantities)
def test_a_line_costs_as_much_as_its_parts(price: int, left: int, right: int) -> None:
    whole = totals(lines_of([(price, left + right)], "USD"), "USD")
    assert whole == totals(lines_of([(price, left), (price, right)], "USD"), "USD")


@given(bought=priced)
def test_a_line_in_another_currency_is_refused(bought: list[tuple[int, int]]) -> None:
    lines = [*lines_of(bought, "USD"), PricedLine("SKU-EUR", "product", "A lamp", 1, Money(1, "EUR"))]
    with pytest.raises(ValueError, match="cannot mix"):
        totals(lines, "USD")


@given(amounts=st.tuples(prices, prices, prices, prices), currency=currencies)
def test_the_four_parts_make_the_total(amounts: tuple[int, int, int, int], currency: str) -> None:
    subtotal, discount, shipping, tax = (Money(amount, currency) for amount in amounts)
    assert Totals(subtotal, discount, shipping, tax).total + discount == subtotal + shipping + tax


def test_an_empty_cart_costs_nothing() -> None:
    assert totals([], "JPY").total == Money(0, "JPY")
