"""The states of an order, the moves between them, and the ids that follow from a click."""

from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import NotAllowedInState
from domain.orders import (
    FIRST_STATUS,
    MOVES,
    PENDING,
    OrderStatus,
    PaymentMethod,
    checkout_workflow_id,
    order_id_for,
    require_move,
)

CONTRACT = {
    "pending_payment": {"confirmed", "payment_failed", "cancelled"},
    "pending_confirmation": {"confirmed", "cancelled"},
    "payment_failed": {"pending_payment", "cancelled"},
    "confirmed": {"processing", "cancelled"},
    "processing": {"shipped", "cancelled"},
    "shipped": {"delivered", "cancelled"},
    "delivered": {"refunded"},
    "cancelled": set(),
    "refunded": set(),
}
"""Section 3 of the contract, once more and by hand: a slip in either shows."""

statuses = st.sampled_from(list(OrderStatus))


def test_the_moves_are_those_of_the_contract() -> None:
    assert {start.value: {to.value for to in ends} for start, ends in MOVES.items()} == CONTRACT


def test_nothing_leads_out_of_cancelled_and_refunded() -> None:
    assert {status for status, ends in MOVES.items() if not ends} == {OrderStatus.CANCELLED, OrderStatus.REFUNDED}


def test_an_order_can_be_cancelled_until_it_is_delivered() -> None:
    may_be = {status for status, ends in MOVES.items() if OrderStatus.CANCELLED in ends}
    assert set(OrderStatus) - may_be == {OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}


def test_only_a_pending_order_can_be_confirmed() -> None:
    leads_to_confirmed = {status for status, ends in MOVES.items() if OrderStatus.CONFIRMED in ends}
    assert leads_to_confirmed == PENDING - {OrderStatus.PAYMENT_FAILED}
    assert set(FIRST_STATUS) == set(PaymentMethod)
    assert set(FIRST_STATUS.values()) == leads_to_confirmed


@given(start=statuses, to=statuses)
def test_a_move_is_allowed_exactly_where_the_table_has_it(start: OrderStatus, to: OrderStatus) -> None:
    if to.value in CONTRACT[start.value]:
        require_move(start, to)
        return
    with pytest.raises(NotAllowedInState) as refused:
        require_move(start, to)
    assert refused.value.facts == {"order_status": start.value}


@given(first=st.sampled_from(list(FIRST_STATUS.values())), wishes=st.lists(statuses, max_size=40))
def test_no_walk_leaves_the_table_and_no_end_is_left(first: OrderStatus, wishes: list[OrderStatus]) -> None:
    walked = [first]
    for wish in wishes:
        try:
            require_move(walked[-1], wish)
        except NotAllowedInState:
            continue
        walked.append(wish)
    for start, to in pairwise(walked):
        assert to.value in CONTRACT[start.value]
    confirmed = OrderStatus.CONFIRMED in walked
    assert walked.count(OrderStatus.CONFIRMED) <= 1, "an order is sold once"
    assert confirmed or set(walked) <= PENDING | {OrderStatus.CANCELLED}, "nothing is shipped that was not sold"
    for end in (OrderStatus.CANCELLED, OrderStatus.REFUNDED):
        assert end not in walked[:-1]


@given(caller=st.uuids(), key=st.text(min_size=16, max_size=255))
def test_the_same_click_can_only_meet_the_same_order(caller: UUID, key: str) -> None:
    assert order_id_for(caller, key) == order_id_for(UUID(str(caller)), str(key))


@given(callers=st.tuples(st.uuids(), st.uuids()), keys=st.tuples(st.text(min_size=16), st.text(min_size=16)))
def test_another_caller_or_another_key_is_another_order(callers: tuple[UUID, UUID], keys: tuple[str, str]) -> None:
    ids = {order_id_for(caller, key) for caller in callers for key in keys}
    assert len(ids) == len(set(callers)) * len(set(keys))


def test_an_order_keeps_its_id_over_releases() -> None:
    """The ids of orders that exist follow from this: it must never change."""
    assert order_id_for(UUID(int=1), "the-click-0123456789") == UUID("5e786531-695b-5cc8-9282-6b6209c9f489")


def test_the_workflow_of_an_order_is_found_by_its_id() -> None:
    order_id = uuid4()
    assert checkout_workflow_id(order_id) == checkout_workflow_id(str(order_id)) == f"checkout-{order_id}"
