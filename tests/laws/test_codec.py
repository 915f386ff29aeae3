"""
The laws of the codec, as functions that also judge a wrong implementation.

Each law takes the codec as its first argument, so that `tests/planted/test_codec.py` can hand it a
wrong one and see it fall.
"""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ordercore
from ordercore.codec._leaves import Json
from ordercore.codec.converter import decode, encode, fingerprint
from ordercore.codec.failures import DecodeError
from ordercore.codec.registry import event_codec
from ordercore.codec.schema import event_schemas
from ordercore.codec.state import decode_state, encode_state
from ordercore.errors import OrderCoreError
from ordercore.facts import Event, Numbered, Report, Request
from ordercore.ids import OrderId, Series
from ordercore.money import Money
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.testing.contracts._world import NOON, note, placed
from tests.golden.values import values_of

LAW: Final = settings(
    max_examples=max(60, settings().max_examples // 2),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)
TYPES: Final = sorted(event_codec().types.items())
EVENTS: Final = st.sampled_from([kind for _, kind in TYPES]).flatmap(values_of)

Path = tuple[str | int, ...]
Encode = Callable[[list[Event]], str]
Decode = Callable[[str], tuple[Event, ...]]


# --- the laws -----------------------------------------------------------------------------------


def shown(value: object) -> object:
    """A value with the type of everything in it, and what has no order in one order."""
    kind = type(value)
    if attrs.has(kind):
        inner = [shown(getattr(value, field.name)) for field in attrs.fields(kind)]
        return kind.__name__, inner
    match value:
        case tuple() | list():
            return kind.__name__, [shown(each) for each in cast("Sequence[object]", value)]
        case frozenset() | set():
            return kind.__name__, sorted(map(repr, cast("Iterable[object]", value)))
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return kind.__name__, [(shown(key), shown(each)) for key, each in items]
        case _:
            return kind.__name__, repr(value)


def law_of_return(write: Encode, read: Decode, events: list[Event]) -> None:
    """What is read is what was written, of exactly the same types."""
    back = read(write(events))
    assert tuple(events) == back
    for event, again in zip(events, back, strict=True):
        assert type(event) is type(again)
        assert shown(event) == shown(again)


def law_of_exactness(read: Decode, text: str, path: Path, wrong: object) -> None:
    """A value of another JSON type is refused."""
    plain = plain_of(text)
    place, step = at(plain, path[:-1]), path[-1]
    if type(inside(place, step)) is type(wrong):
        return
    put(place, step, wrong)
    try:
        read(json.dumps(plain))
    except OrderCoreError:
        return
    raise AssertionError(f"{wrong!r} was taken at {path}")


def law_of_nothing_extra(read: Decode, text: str, path: Path) -> None:
    """A key that no field has is refused, wherever it stands."""
    plain = plain_of(text)
    put(at(plain, path), "is_admin", True)
    try:
        read(json.dumps(plain))
    except OrderCoreError:
        return
    raise AssertionError(f"an extra key was taken at {path}")


def law_of_fingerprints(of: Callable[[object], str], one: object, two: object) -> None:
    """Equal commands have equal fingerprints, different ones different ones."""
    assert of(one) == of(copy.deepcopy(one))
    assert (one == two and type(one) is type(two)) == (of(one) == of(two))


# --- places in a text ---------------------------------------------------------------------------


def plain_of(text: str) -> Json:
    """What a JSON text holds."""
    return cast("Json", json.loads(text))


def inside(plain: Json, step: str | int) -> Json:
    """What stands one step further in."""
    if isinstance(plain, dict):
        return plain[str(step)]
    return plain[int(step)] if isinstance(plain, list) else None


def at(plain: Json, path: Path) -> Json:
    """What stands at the end of a path."""
    for step in path:
        plain = inside(plain, step)
    return plain


def put(plain: Json, step: str | int, value: object) -> None:
    """Change one value of a list or object."""
    if isinstance(plain, dict):
        plain[str(step)] = cast("Json", value)
    elif isinstance(plain, list):
        plain[int(step)] = cast("Json", value)


def parts(plain: Json) -> list[tuple[str | int, Json]]:
    """The steps into a list or object."""
    if isinstance(plain, dict):
        return list(plain.items())
    return list(enumerate(plain)) if isinstance(plain, list) else []


def places(plain: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every place of a document, with what stands there."""
    yield path, plain
    for step, inner in parts(plain):
        yield from places(inner, (*path, step))


def leaves(plain: Json) -> list[Path]:
    """The paths of everything that has no parts."""
    return [path for path, value in places(plain) if not parts(value)]


def classes_in(value: object, path: Path = ()) -> Iterator[Path]:
    """The paths of the values of classes inside a value."""
    if attrs.has(type(value)):
        yield path
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(value))):
            yield from classes_in(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, tuple):
        for index, inner in enumerate(cast("tuple[object, ...]", value)):
            yield from classes_in(inner, (*path, index))


# --- the codec obeys them -----------------------------------------------------------------------


def write(events: list[Event]) -> str:
    """As the stores do."""
    return event_codec().encode(events)


def read(text: str) -> tuple[Event, ...]:
    """As the stores do."""
    return event_codec().decode(text)


@LAW
@given(st.lists(EVENTS, max_size=3))
def test_every_event_comes_back(events: list[Event]) -> None:
    """decode(encode(x)) == x, for every type of event."""
    law_of_return(write, read, events)


@pytest.mark.parametrize(("name", "kind"), TYPES, ids=[name for name, _ in TYPES])
@settings(LAW, max_examples=4)
@given(data=st.data())
def test_each_type_comes_back(name: str, kind: type[Event], data: st.DataObject) -> None:
    """No type is left to chance."""
    event = data.draw(values_of(kind))
    assert name == json.loads(write([event]))[0]["type"]
    law_of_return(write, read, [event])


@LAW
@given(EVENTS, st.data())
def test_no_value_is_coerced(event: Event, data: st.DataObject) -> None:
    """Text for a number, true for one, 1.5, null for what must be there: all are refused."""
    text = write([event])
    path = data.draw(st.sampled_from(leaves(plain_of(text))))
    wrong = data.draw(st.sampled_from([True, 1.5, "³", {"x": 1}]))
    law_of_exactness(read, text, path, wrong)


@LAW
@given(EVENTS, st.data())
def test_no_extra_key_is_taken(event: Event, data: st.DataObject) -> None:
    """In the event, and in every class inside it."""
    text = write([event])
    objects = [path for path, plain in places(plain_of(text)) if isinstance(plain, dict)]
    classes = {(0, "data", *path) for path in classes_in(event)} | {(0,)}
    path = data.draw(st.sampled_from([path for path in objects if path in classes]))
    law_of_nothing_extra(read, text, path)


@LAW
@given(EVENTS, EVENTS)
def test_fingerprints_tell_values_apart(one: Event, two: Event) -> None:
    """The digest is a function of type and content."""
    law_of_fingerprints(fingerprint, one, two)


# --- the tables are whole -----------------------------------------------------------------------


def concrete(base: type[object]) -> set[type[object]]:
    """Every class of the library below *base* that is made by attrs and belongs to a room."""
    for found in pkgutil.walk_packages(ordercore.__path__, "ordercore."):
        if found.name.endswith((".events", ".commands")):
            importlib.import_module(found.name)
    waiting, seen = [base], set[type[object]]()
    kind: type[object]
    while waiting:
        for kind in type.__subclasses__(waiting.pop()):
            waiting.append(kind)
            if "__attrs_attrs__" in vars(kind) and kind.__module__.startswith("ordercore."):
                seen.add(kind)
    return {kind for kind in seen if kind.__module__ != "ordercore.facts"}


def test_the_table_of_events_is_complete() -> None:
    """Every concrete event of every room can be stored, under a name of its own."""
    assert concrete(Event) == set(event_codec().types.values())
    assert Numbered not in event_codec().types.values()


def test_every_event_can_be_described() -> None:
    """No event holds a float, an Any or a class that has no stored form."""
    assert len(TYPES) == len(event_schemas())


COMMANDS: Final = {
    f"{kind.__module__}.{kind.__name__}": kind for kind in concrete(Request) | concrete(Report)
}


@pytest.mark.parametrize("name", sorted(COMMANDS))
@settings(LAW, max_examples=5)
@given(data=st.data())
def test_every_command_has_a_fingerprint(name: str, data: st.DataObject) -> None:
    """Whatever a host may ask or report is known again when it comes twice."""
    kind = COMMANDS[name]
    command: object = data.draw(values_of(kind))
    assert fingerprint(command) == fingerprint(copy.deepcopy(command))
    assert command == decode(encode(command), kind)


@LAW
@given(values_of(Terms))
def test_terms_come_back(terms: Terms) -> None:
    """All that is frozen into an order, strategies and policies included."""
    assert terms == decode(encode(terms), Terms)


@settings(LAW, max_examples=5)
@given(values_of(Order))
def test_every_state_comes_back_from_its_snapshot(order: Order) -> None:
    """decode_state(encode_state(x)) == x, for any state, reachable or not."""
    assert order == decode_state(encode_state(order), Order)


def test_a_folded_order_comes_back_from_its_snapshot() -> None:
    """An order that was really placed."""
    order = replay([placed(OrderId("o-1")), note()])  # type: ignore[arg-type]
    assert order == decode_state(encode_state(order), Order)
    assert (OrderId("o-1"), NOON, Series("ORD")) == (
        order.id,
        order.placed_at,
        order.terms.order_series,
    )
    assert Money(1000, order.priced.currency) == order.priced.total


def test_no_decoded_event_is_half_built() -> None:
    """One wrong event in a list: none is given."""
    text = write([note("a")])[:-1] + ',{"type":"NoteAdded","version":1,"data":{}}]'
    with pytest.raises(DecodeError):
        read(text)
