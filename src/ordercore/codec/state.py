"""
Snapshots: an order's state as text, tagged with the shape it had.

A snapshot is a cache, never the truth: one whose shape is not exactly the present one is ignored
and the facts are folded anew, so a changed model can never misread an old snapshot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Final, TypeVar

import attrs

from ordercore.codec._kinds import (
    Choice,
    Constants,
    Enumerated,
    Fixed,
    Leaf,
    Many,
    Maybe,
    Open,
    Record,
    Slot,
    Table,
    kind_of,
)
from ordercore.codec.converter import from_plain, read_json, to_plain, write_json
from ordercore.codec.failures import DecodeError
from ordercore.codec.policies import classes_of, registrations

__all__ = ["decode_state", "encode_state", "shape_of"]

_State = TypeVar("_State")

FOLDS: Final = 1
"""Raised by whoever mends a fold: states that were folded wrongly are then folded anew."""

_SHAPES: dict[tuple[type, int], str] = {}


def encode_state(state: object) -> str:
    """
    The text of a snapshot, with the shape of its class.

    Raises:
        UnstorableValueError: A field holds what its type does not allow.
    """
    return write_json({"shape": shape_of(type(state)), "state": to_plain(state)})


def decode_state(text: str, kind: type[_State]) -> _State | None:
    """The state behind a snapshot; nothing when it has another shape or cannot be read."""
    try:
        plain = read_json(text)
        if not isinstance(plain, dict) or plain.get("shape") != shape_of(kind):
            return None
        return from_plain(plain.get("state"), kind)
    except DecodeError:
        return None


def shape_of(kind: type) -> str:
    """
    A digest of everything that decides what a stored state of this class means.

    Fields, their types, what they hold in turn, their order and their defaults; a host's
    registered policies count too, and so does the number of the folds that made it.
    """
    known = registrations()
    found = _SHAPES.get((kind, known))
    if found is None:
        text = json.dumps([FOLDS, *_lines(kind)])
        found = hashlib.sha256(text.encode()).hexdigest()[:32]
        _SHAPES[kind, known] = found
    return found


def _lines(kind: type) -> Iterator[str]:
    """One line for each field of each class that can be reached."""
    waiting: list[object] = [kind]
    seen: set[object] = set()
    while waiting:
        declared = waiting.pop()
        if declared in seen:
            continue
        seen.add(declared)
        yield f"{_name(declared)}: {_own(declared)}"
        waiting.extend(reversed(_parts(declared)))


def _name(declared: object) -> str:
    return declared.__qualname__ if isinstance(declared, type) else str(declared)


def _own(declared: object) -> str:
    """What is said about a type without its parts."""
    match kind_of(declared):
        case Enumerated(type=type_):
            return ", ".join(str(member.value) for member in type_)
        case Record(slots=slots):
            return ", ".join(f"{slot.name}: {_name(slot.type)}{_default(slot)}" for slot in slots)
        case Choice() | Open() as union:
            return ", ".join(sorted(classes_of(union)))
        case Constants(values=values):
            return str(values)
        case _:
            return ""


def _default(slot: Slot) -> str:
    default = slot.default
    if default is attrs.NOTHING:
        return ""
    factory = getattr(default, "factory", None)
    if factory is not None:
        return f" = {getattr(factory, '__qualname__', '')}()"
    return " = " + write_json(to_plain(default, declared=slot.type, full=True))


def _parts(declared: object) -> list[object]:
    match kind_of(declared):
        case Maybe(inner=inner) | Many(item=inner):
            return [inner]
        case Fixed(items=items):
            return list(items)
        case Table(key=key, value=value):
            return [key, value]
        case Record(slots=slots):
            return [slot.type for slot in slots]
        case Choice() | Open() as union:
            return _members(union)
        case Leaf() | Constants() | Enumerated():
            return []


def _members(union: Choice | Open) -> list[object]:
    classes = [found for _, found in sorted(classes_of(union).items())]
    return [*classes, *(union.plain if isinstance(union, Choice) else ())]
