"""Every refusal is a fact with a code of its own, and each has its HTTP status in one place."""

import json
import re
from http import HTTPStatus
from typing import Any

import pytest

from api import problems
from domain import errors
from domain.errors import Fact, Unavailable
from domain.orders import CancelReason

FACTS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
]


def test_each_fact_has_a_code_of_its_own() -> None:
    codes = [fact.code for fact in FACTS] + [Unavailable.code, Fact.code]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_named_in_kebab_case_and_in_words(fact: type[Fact]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", fact.code)
    assert fact.title[0].isupper()
    assert fact.title != Fact.title


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_has_a_status_of_a_refusal(fact: type[Fact]) -> None:
    assert HTTPStatus.BAD_REQUEST <= problems.STATUS[fact] < HTTPStatus.INTERNAL_SERVER_ERROR


def test_nothing_but_facts_has_a_status() -> None:
    assert set(problems.STATUS) == set(FACTS)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_that_crossed_a_process_comes_back_as_itself(fact: type[Fact]) -> None:
    known = {"status": "confirmed"}
    back = problems.fact_named(fact.code, "why", json.loads(json.dumps(known)))
    assert isinstance(back, Fact)
    assert (type(back), back.detail, back.facts) == (fact, "why", known)


@pytest.mark.parametrize("code", [None, "AcceptedUpdateCompletedWorkflow", "no-such-code"])
def test_what_is_no_fact_says_that_nothing_is_known_yet(code: str | None) -> None:
    """A checkout that was terminated has undone nothing: it must not read as cancelled."""
    assert isinstance(problems.fact_named(code, "why", {}), errors.Unavailable)


def test_a_fact_says_its_title_when_it_knows_nothing_better() -> None:
    assert str(errors.OutOfStock()) == errors.OutOfStock().detail == "Not enough stock"
    assert str(errors.OutOfStock("Not enough lamps.", lines=[])) == "Not enough lamps."


def test_every_reason_to_cancel_is_the_code_of_a_fact() -> None:
    assert {reason.value for reason in CancelReason} <= {fact.code for fact in FACTS}


@pytest.mark.parametrize("facts", [{}, {"lines": [{"sku": "LAMP", "requested": 3, "available": 1}]}])
def test_what_a_fact_knows_is_kept_as_it_was_given(facts: dict[str, Any]) -> None:
    assert errors.OutOfStock("no", **facts).facts == facts
