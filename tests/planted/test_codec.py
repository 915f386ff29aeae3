"""
Wrong codecs, each of which a law must notice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, cast

import attrs
import pytest
from attrs import frozen

from ordercore.codec.converter import fingerprint
from ordercore.codec.failures import DecodeError
from ordercore.codec.registry import EventCodec
from ordercore.facts import Event
from ordercore.ids import StreamId
from ordercore.order.events import NoteAdded, TagsChanged
from ordercore.testing.contracts._world import NOON, allocation, note, placed, reserved
from tests.laws.test_codec import (
    law_of_exactness,
    law_of_fingerprints,
    law_of_nothing_extra,
    law_of_return,
    read,
    write,
)

ONE: Final = StreamId("o-1")
EVENTS: Final[list[Event]] = [
    placed(ONE),
    reserved(ONE, allocation(2, 1)),
    note("a"),
    TagsChanged(at=NOON, added=("b", "a")),
]


def _changed(change: Callable[[str], str]) -> Callable[[list[Event]], str]:
    """A writer whose text is changed afterwards."""
    return lambda events: change(write(events))


WRITERS: Final[dict[str, Callable[[list[Event]], str]]] = {
    "cuts microseconds": _changed(lambda text: text.replace(".000000Z", ".000001Z")),
    "sorts lists": _changed(lambda text: text.replace('["b","a"]', '["a","b"]')),
    "forgets a field": _changed(lambda text: text.replace(',"text":"a"', "")),
    "swaps figures": _changed(lambda text: text.replace('"reserved":2', '"reserved":3')),
    "loses a cent": _changed(lambda text: text.replace('[1000,"EUR"]', '[999,"EUR"]')),
    "forgets an event": lambda events: write(events[:-1]),
}


def _coerced(plain: object) -> object:
    """What a lenient reader makes of a value."""
    if isinstance(plain, dict):
        fields = cast("dict[str, object]", plain)
        return {key: _coerced(value) for key, value in fields.items() if key != "is_admin"}
    if isinstance(plain, list):
        return [_coerced(value) for value in cast("list[object]", plain)]
    return int(plain) if isinstance(plain, bool | float) else plain


def lenient(text: str) -> tuple[Event, ...]:
    """True is one, 1.9 is one, and what nobody knows is left out."""
    return read(json.dumps(_coerced(json.loads(text))))


@pytest.mark.parametrize("name", WRITERS)
def test_a_wrong_writer_is_noticed(name: str) -> None:
    """What it wrote is not what comes back."""
    law_of_return(write, read, EVENTS)
    with pytest.raises((AssertionError, DecodeError)):
        law_of_return(WRITERS[name], read, EVENTS)


@frozen(kw_only=True)
class Plain(Event):
    """An event whose values are equal to values of another type."""

    units: int


def test_a_changed_type_is_noticed() -> None:
    """True equals one, but is not one."""

    def wrong(text: str) -> tuple[Event, ...]:
        return tuple(attrs.evolve(cast("Plain", event), units=True) for event in codec.decode(text))

    codec = EventCodec((Plain,))
    events: list[Event] = [Plain(at=NOON, units=1)]
    law_of_return(codec.encode, codec.decode, events)
    with pytest.raises(AssertionError):
        law_of_return(codec.encode, wrong, events)


@pytest.mark.parametrize("wrong", [True, 1.5])
def test_a_lenient_reader_is_noticed(wrong: object) -> None:
    """A number that is none, and a key that nobody knows."""
    text = write(EVENTS)
    path = (1, "data", "allocations", 0, "reserved")
    law_of_exactness(read, text, path, wrong)
    with pytest.raises(AssertionError):
        law_of_exactness(lenient, text, path, wrong)
    law_of_nothing_extra(read, text, (2, "data"))
    with pytest.raises(AssertionError):
        law_of_nothing_extra(lenient, text, (2, "data"))


def _one_for_all(command: object) -> str:
    return "the same for everything" if command else ""


def _by_identity(command: object) -> str:
    return str(id(command))


def _without_the_type(command: object) -> str:
    return str(attrs.asdict(cast("attrs.AttrsInstance", command)))


def _all_equal(of: Callable[[object], str]) -> None:
    """The law for commands that differ in content, and for such that differ in their type."""
    twin = frozen(kw_only=True)(type("Twin", (NoteAdded,), {}))
    for one, two in ((note("a"), note("b")), (note("a"), twin(at=NOON, text="a"))):
        law_of_fingerprints(of, one, two)


@pytest.mark.parametrize("wrong", [_one_for_all, _by_identity, _without_the_type])
def test_a_wrong_fingerprint_is_noticed(wrong: Callable[[object], str]) -> None:
    """The same for different commands, or another for the same."""
    _all_equal(fingerprint)
    with pytest.raises(AssertionError):
        _all_equal(wrong)
