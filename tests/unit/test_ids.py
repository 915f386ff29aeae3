from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from ordercore.errors import InvalidValueError
from ordercore.ids import InvalidIdentifierError, LineId, OrderId, Sku, checked_id

Anything = Any  # what hosts may hand over by mistake, past every type checker

visible = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \u0958\ufb2d\u0344\u0301"),
    min_size=1,
    max_size=60,
).filter(lambda text: text == text.strip(" "))


def line_id(value: LineId) -> LineId:
    """A named converter, which is the kind that mypy's plugin for attrs knows."""
    return LineId(checked_id(value, "line id"))


def sku(value: Sku) -> Sku:
    """The same for another kind of id."""
    return Sku(checked_id(value, "sku"))


@frozen
class Line:
    """A value with ids, as the rooms have them."""

    id: LineId = field(converter=line_id)
    sku: Sku = field(converter=sku)


@pytest.mark.parametrize(
    "text", ["IPOD2008GREEN", "4711", "a b", "grün", "注文-1", "..", "%", "'; DROP TABLE", "=1+1"]
)
def test_any_visible_text_is_an_identifier(text: str) -> None:
    """Ids are opaque: letters of any script, blanks inside, and signs that mean nothing here."""
    assert text == checked_id(text)


@pytest.mark.parametrize("value", [None, 5, 5.0, True, b"id", ["id"], object], ids=repr)
def test_identifiers_are_text(value: Anything) -> None:
    """Abuse 18: numbers and bytes are not turned into text."""
    with pytest.raises(InvalidIdentifierError, match="must be text"):
        checked_id(value)


@pytest.mark.parametrize("text", ["", "x" * 201, "x" * 10_000, "é" * 201])
def test_identifiers_have_a_length(text: str) -> None:
    """Abuse 18 and 73: 1 to 200 characters, unless a shorter limit is asked for."""
    with pytest.raises(InvalidIdentifierError, match="1 to 200 characters"):
        checked_id(text)


def test_the_limit_may_be_another() -> None:
    """The longest text that is allowed passes, one more does not."""
    assert "x" * 5 == checked_id("x" * 5, longest=5)
    assert "x" * 200 == checked_id("x" * 200)
    with pytest.raises(InvalidIdentifierError, match="1 to 5 characters"):
        checked_id("x" * 6, longest=5)


@pytest.mark.parametrize("text", [" a", "a ", " ", "  a  "])
def test_blanks_around_are_refused(text: str) -> None:
    """A blank at the beginning or the end is a slip of the pen."""
    with pytest.raises(InvalidIdentifierError, match="begins or ends with a blank"):
        checked_id(text)


@pytest.mark.parametrize(
    "text",
    [
        *("a\x00b", "a\nb", "a\tb", "\x7f", "a\x1b[31m", "a\u200bb", "a\u202eb", "\ufeffa"),
        *("a\ud800b", "a\u00a0b", "a\u2028b", "a\ue000b", "a\u0378b", "é\x00", "a\u00adb"),
    ],
    ids=ascii,
)
def test_invisible_characters_are_refused(text: str) -> None:
    """Abuse 18: NUL, zero width, right-to-left override, surrogates, odd blanks, unassigned."""
    with pytest.raises(InvalidIdentifierError, match="invisible character"):
        checked_id(text)


def test_twins_become_one() -> None:
    """Abuse 18: composed and decomposed letters are the same id."""
    composed, decomposed = "gru\u0308n", "gr\u00fcn"
    assert composed != decomposed
    assert "gr\u00fcn" == checked_id(composed) == checked_id(decomposed)


@given(visible)
def test_the_normal_form_is_normal(text: str) -> None:
    """What comes out is NFC and comes out of a second pass unchanged."""
    once = checked_id(text)
    assert unicodedata.is_normalized("NFC", once)
    assert once == checked_id(once)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("\u0958" * 100, 200),  # composed on paper, two characters in the normal form
        ("e\u0301" * 200, 200),  # two characters on paper, one in the normal form
        ("\u1e69" * 200, 200),
        ("s\u0323\u0307" * 200, 200),  # three for one
    ],
    ids=ascii,
)
def test_the_length_is_that_of_the_normal_form(text: str, length: int) -> None:
    """What was accepted once is accepted again, however it was spelt."""
    once = checked_id(text)
    assert length == len(once)
    assert once == checked_id(once)


@pytest.mark.parametrize("text", ["\u0958" * 101, "e\u0301" * 201, "e\u0301" * 10**6], ids=len)
def test_too_long_in_the_normal_form_is_refused(text: str) -> None:
    """Abuse 18: 200 characters of the normal form; endless spellings are not even normalised."""
    with pytest.raises(InvalidIdentifierError, match="1 to 200 characters"):
        checked_id(text)


def test_values_check_their_ids() -> None:
    """A converter normalises the field and names it when it refuses."""
    line = Line(LineId("1"), Sku("gru\u0308n"))
    assert ("1", "gr\u00fcn") == (line.id, line.sku)
    with pytest.raises(InvalidIdentifierError) as caught:
        Line(LineId("1"), Sku("a\x00"))
    assert {"name": "sku", "problem": "it has an invisible character"} == caught.value.facts
    assert "sku is not a usable identifier: it has an invisible character." == str(caught.value)


def test_messages_do_not_repeat_the_text() -> None:
    """A secret in an id's place does not reach the message."""
    with pytest.raises(InvalidIdentifierError) as caught:
        checked_id("hunter2\x00", "order id")
    assert "hunter2" not in f"{caught.value}{caught.value!r}"


def test_ids_are_their_text() -> None:
    """An id costs nothing at run time and is a wrong value's family when it is wrong."""
    assert "4711" == OrderId("4711")
    assert issubclass(InvalidIdentifierError, InvalidValueError)
