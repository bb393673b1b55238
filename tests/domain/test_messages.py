"""What people type into a signal: three shapes are understood, and nothing else can do harm."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.messages.checkout import BY_TEMPORAL, NAME_LIMIT, NOTE_LIMIT, Decision, parse_decision

any_letters = st.characters(exclude_categories=())  # half a surrogate pair too: JSON can say it
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(any_letters, max_size=NOTE_LIMIT + 10)
keys = st.sampled_from(["by", "note", "By", "reason"]) | st.text(max_size=5)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)
letters = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
names = st.text(letters, min_size=1, max_size=NAME_LIMIT)
notes = st.text(letters, max_size=NOTE_LIMIT)


@given(arguments=st.lists(json_values, max_size=3).map(tuple))
@example(arguments=({"by": True},))
@example(arguments=({"by": ["staff"], "note": {}},))
@example(arguments=({1: 2, None: 3},))
def test_no_json_value_can_wedge_the_workflow(arguments: tuple[Any, ...]) -> None:
    decision = parse_decision(arguments)
    if decision is not None:
        assert isinstance(decision.by, str)
        assert 0 < len(decision.by) <= NAME_LIMIT
        assert decision.note is None or len(decision.note) <= NOTE_LIMIT


@pytest.mark.parametrize("arguments", [(), (None,), ({},)])
def test_no_argument_is_a_decision_of_whoever_may_talk_to_temporal(arguments: tuple[Any, ...]) -> None:
    assert parse_decision(arguments) == Decision(by=BY_TEMPORAL, note=None)


@given(by=names, note=notes)
def test_a_name_and_a_note_are_understood(by: str, note: str) -> None:
    assert parse_decision(({"by": by, "note": note},)) == Decision(by, note)
    assert parse_decision(({"by": by},)) == Decision(by, None)
    assert parse_decision(({"note": note},)) == Decision(BY_TEMPORAL, note)
    assert parse_decision(({"by": by, "note": None},)) == Decision(by, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("garbage",),
        (True,),
        (1,),
        ([1, 2],),
        ([],),
        ({"by": ""},),
        ({"by": None},),
        ({"by": 7},),
        ({"by": "x" * (NAME_LIMIT + 1)},),
        ({"note": 7},),
        ({"note": "x" * (NOTE_LIMIT + 1)},),
        ({"by": "sam", "confirm": True},),
        ({"BY": "sam"},),
        (None, None),
        ({"by": "sam"}, {"by": "sam"}),
    ],
)
def test_any_other_shape_decides_nothing(arguments: tuple[Any, ...]) -> None:
    assert parse_decision(arguments) is None


@pytest.mark.parametrize("field", ["by", "note"])
@pytest.mark.parametrize("unwritable", ["a\x00b", "\ud800"])
def test_text_that_postgres_cannot_hold_decides_nothing(field: str, unwritable: str) -> None:
    """A step that wrote it would fail for ever."""
    assert parse_decision(({field: unwritable},)) is None
