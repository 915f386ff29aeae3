"""
Which part of a value has no stored form: looked for only after the whole could not be written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, cast

import attrs

from ordercore.codec._hooks import Hooks
from ordercore.codec._kinds import Choice, Fixed, Kind, Many, Maybe, Open, Record, Table, kind_of
from ordercore.codec._leaves import Unfit
from ordercore.codec.failures import UnstorableTypeError
from ordercore.codec.policies import classes_of

__all__ = ["misfit"]

_Part: TypeAlias = tuple[str, object, object]
"""A step of the path, the value there and its declared type."""


def misfit(
    hooks: Callable[[object], Hooks], value: object, declared: object, error: Exception
) -> tuple[str, str]:
    """
    The path to the innermost part that cannot be written, and why, without a word of its content.

    Args:
        hooks: How a type is written.
        value: What could not be written as *declared*, by this *error*.
    """
    path = type(value).__name__
    while True:
        inner = _first(hooks, _parts(kind_of(declared), value))
        if inner is None:
            return path, _problem(error, value)
        (step, value, declared), error = inner
        path += step


def _first(
    hooks: Callable[[object], Hooks], parts: Iterable[_Part]
) -> tuple[_Part, Exception] | None:
    """The first part that cannot be written, with its error."""
    for part in parts:
        try:
            hooks(part[2]).write(part[1])
        except (Unfit, UnstorableTypeError, AttributeError, TypeError) as error:
            return part, error
    return None


def _parts(kind: Kind, value: object) -> Iterator[_Part]:
    match kind:
        case Maybe(inner=inner) if value is not None:
            yield "", value, inner
        case Record(type=cls, slots=slots) if type(value) is cls:
            for slot in slots:
                yield f".{slot.name}", getattr(value, slot.name, attrs.NOTHING), slot.type
        case Open() | Choice() if classes_of(kind).get(type(value).__name__) is type(value):
            yield "", value, type(value)
        case Many() | Fixed() | Table():
            yield from _items(kind, value)
        case _:
            return


def _items(kind: Many | Fixed | Table, value: object) -> Iterator[_Part]:
    match kind:
        case Many(item=item, make=make) if type(value) is make:
            for index, part in enumerate(cast("Iterable[object]", value)):
                yield ("[]" if make is frozenset else f"[{index}]"), part, item
        case Fixed(items=items) if type(value) is tuple:
            parts = cast("tuple[object, ...]", value)
            if len(parts) == len(items):
                yield from ((f"[{at}]", parts[at], item) for at, item in enumerate(items))
        case Table(key=key, value=item) if isinstance(value, Mapping):
            for name, part in cast("Mapping[object, object]", value).items():
                yield "[]", name, key
                yield "[]", part, item
        case _:
            return


def _problem(error: Exception, value: object) -> str:
    """In the words of Python where the value is of another type."""
    if not isinstance(error, Unfit):
        return f"is refused ({type(error).__name__})"
    wanted, found, _ = str(error).rpartition(", not ")
    return f"{wanted}, not {type(value).__name__}" if found else str(error)
