"""Money: whole minor units that add up, in one currency at a time, written with the currency's own digits."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import EXPONENTS, Money

CURRENCIES = sorted(EXPONENTS)

amounts = st.integers(min_value=-(10**15), max_value=10**15)
quantities = st.integers(min_value=0, max_value=999)
currencies = st.sampled_from(CURRENCIES)
two_currencies = st.permutations(CURRENCIES).map(lambda shuffled: (shuffled[0], shuffled[1]))


@given(a=amounts, b=amounts, c=amounts, currency=currencies)
def test_adding_does_not_care_about_order_or_grouping(a: int, b: int, c: int, currency: str) -> None:
    one, two, three = (Money(amount, currency) for amount in (a, b, c))
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one + Money(0, currency) == one


@given(a=amounts, b=amounts, currency=currencies)
def test_subtracting_undoes_adding(a: int, b: int, currency: str) -> None:
    one, two = Money(a, currency), Money(b, currency)
    assert (one + two) - two == one
    assert one - one == Money(0, currency)


@given(a=amounts, b=amounts, quantity=quantities, more=quantities, currency=currencies)
def test_multiplying_is_adding_again_and_again(a: int, b: int, quantity: int, more: int, currency: str) -> None:
    one, two = Money(a, currency), Money(b, currency)
    assert (one + two) * quantity == one * quantity + two * quantity
    assert one * (quantity + more) == one * quantity + one * more
    assert one * 3 == one + one + one
    assert one * 1 == one


@given(a=amounts, b=amounts, pair=two_currencies)
def test_two_currencies_never_mix(a: int, b: int, pair: tuple[str, str]) -> None:
    one, two = Money(a, pair[0]), Money(b, pair[1])
    with pytest.raises(ValueError, match=f"cannot mix {pair[0]} with {pair[1]}"):
        one + two
    with pytest.raises(ValueError, match=f"cannot mix {pair[0]} with {pair[1]}"):
        one - two
    assert one != two, "the same number in another currency is other money"


@given(currency=st.text(max_size=4).filter(lambda text: text not in EXPONENTS))
def test_a_currency_that_is_not_known_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, currency)


def test_the_lower_case_name_of_a_currency_is_not_its_code() -> None:
    with pytest.raises(ValueError, match="unknown currency 'usd'"):
        Money(1, "usd")


@given(amount=amounts, currency=currencies)
def test_what_is_written_reads_back_as_the_same_amount(amount: int, currency: str) -> None:
    number, code = str(Money(amount, currency)).split(" ")
    assert code == currency
    assert Decimal(number).scaleb(EXPONENTS[currency]) == amount


@given(amount=amounts, currency=currencies)
def test_a_number_has_exactly_the_digits_of_its_currency(amount: int, currency: str) -> None:
    digits = EXPONENTS[currency]
    number = str(Money(amount, currency)).split(" ")[0]
    assert re.fullmatch(r"-?\d+" + (rf"\.\d{{{digits}}}" if digits else ""), number)
    assert number.startswith("-") == (amount < 0)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1999, "USD", "19.99 USD"),
        (5, "USD", "0.05 USD"),
        (0, "EUR", "0.00 EUR"),
        (-5, "USD", "-0.05 USD"),
        (-1999, "EUR", "-19.99 EUR"),
        (20, "JPY", "20 JPY"),
        (-20, "JPY", "-20 JPY"),
        (1500, "KWD", "1.500 KWD"),
        (7, "KWD", "0.007 KWD"),
        (-1001, "KWD", "-1.001 KWD"),
    ],
)
def test_money_is_written_in_its_currency(amount: int, currency: str, written: str) -> None:
    assert str(Money(amount, currency)) == written


def test_money_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        Money(1, "USD").amount = 2  # type: ignore[misc]
    assert len({Money(1, "USD"), Money(1, "USD"), Money(2, "USD")}) == 2
