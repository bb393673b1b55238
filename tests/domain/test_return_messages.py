"""What may be said to a return by a signal, in the shapes that people type."""

from typing import Any

import pytest

from domain.messages.returns import DecideReturn, ReturnDecision, parse_return_decision
from domain.orders import RETURN_MOVES, ReturnStatus

_D = ReturnDecision


@pytest.mark.parametrize(
    ("decision", "arguments", "heard"),
    [
        (_D.APPROVE, (), DecideReturn(_D.APPROVE)),
        (_D.REJECT, (None,), DecideReturn(_D.REJECT)),
        (_D.APPROVE, ({"by": "desk", "note": "fine"},), DecideReturn(_D.APPROVE, "desk", "fine")),
        (_D.RECEIVE, ({"restock": False},), DecideReturn(_D.RECEIVE, restock=False)),
        (_D.RECEIVE, ({"by": "desk", "restock": True},), DecideReturn(_D.RECEIVE, "desk")),
        (_D.APPROVE, ({"restock": False},), None),
        (_D.RECEIVE, ({"restock": "no"},), None),
        (_D.RECEIVE, ({"restock": None},), None),
        (_D.RECEIVE, ({"by": "\0"},), None),
        (_D.RECEIVE, ("garbage",), None),
        (_D.RECEIVE, ({"by": "a"}, {"by": "b"}), None),
    ],
)
def test_a_signal_is_understood_or_ignored(
    decision: ReturnDecision, arguments: tuple[Any, ...], heard: DecideReturn | None
) -> None:
    assert parse_return_decision(decision, arguments) == heard


def test_each_decision_leads_somewhere_that_a_move_leads_to() -> None:
    reached = {to for moves in RETURN_MOVES.values() for to in moves}
    assert {decision.leads_to for decision in _D} == reached - {ReturnStatus.REFUNDED, ReturnStatus.EXPIRED}
