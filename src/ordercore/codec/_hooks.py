"""
Writers and readers of values that are no objects: constants, members, lists, unions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias, cast

from attrs import frozen

from ordercore.codec._leaves import Json, Unfit, as_list, json_kind
from ordercore.codec.failures import PlaceNote, UnstorableTypeError, in_parts

__all__ = [
    "Hooks",
    "Reader",
    "Writer",
    "by_json_type",
    "constants",
    "enumerated",
    "first_that_writes",
    "fixed",
    "list_reader",
    "list_writer",
    "maybe",
    "noted",
]

Writer: TypeAlias = Callable[[object], Json]
Reader: TypeAlias = Callable[[object, object], object]


@frozen
class Hooks:
    """How one type is written, and how it is read (the second argument is the type, unused)."""

    write: Writer
    read: Reader


def constants(values: tuple[object, ...]) -> Hooks:
    allowed = {(type(value), value): value for value in values}

    def check(value: object) -> object:
        if (type(value), value) not in allowed:
            raise Unfit("is none of " + ", ".join(str(one) for one in values))
        return value

    return Hooks(lambda value: cast("Json", check(value)), lambda value, _: check(value))


def enumerated(cls: type[Enum]) -> Hooks:
    """A member by its value: text or a whole number, and no look-alike."""
    values: dict[object, Enum] = {member.value: member for member in cls}
    kinds: set[type] = {type(value) for value in values}
    if not kinds <= {str, int}:
        raise UnstorableTypeError(cls.__qualname__)

    def write(value: object) -> Json:
        if type(value) is not cls:
            first = next(iter(cls)).name
            name = cls.__name__
            raise Unfit(f"must be a {name} such as {name}.{first}, not {type(value).__name__}")
        return cast("Json", value.value)

    def read(plain: object, _: object) -> object:
        if type(plain) not in kinds or plain not in values:
            raise Unfit("is none of " + ", ".join(str(value) for value in values))
        return values[plain]

    return Hooks(write, read)


def maybe(inner: Hooks) -> Hooks:
    write, read = inner.write, inner.read
    return Hooks(
        lambda value: None if value is None else write(value),
        lambda value, declared: None if value is None else read(value, declared),
    )


def list_writer(write: Writer, make: type) -> Writer:
    def write_list(values: object) -> Json:
        if type(values) is not make:
            raise Unfit(f"must be a {make.__name__}, not a {type(values).__name__}")
        plain = [write(value) for value in cast("tuple[object, ...]", values)]
        return sorted(plain, key=json.dumps) if make is frozenset else plain

    return write_list


def list_reader(each: Callable[[list[object]], list[object]], make: type) -> Reader:
    def read_list(plain: object, _: object) -> object:
        values = each(as_list(plain))
        made = values if make is list else make(values)
        if make is frozenset and len(cast("frozenset[object]", made)) < len(values):
            raise Unfit("must not have a value twice")
        return made

    return read_list


def fixed(places: list[Hooks]) -> Hooks:
    def write(values: object) -> Json:
        if type(values) is not tuple or len(cast("tuple[object, ...]", values)) != len(places):
            raise Unfit(f"must be a tuple of {len(places)}")
        pairs = zip(places, cast("tuple[object, ...]", values), strict=True)
        return [place.write(value) for place, value in pairs]

    def read(plain: object, _: object) -> object:
        pairs = enumerate(zip(places, as_list(plain, len(places)), strict=True))
        return tuple(noted(place.read, value, None, index) for index, (place, value) in pairs)

    return Hooks(write, read)


def noted(read: Reader, value: object, declared: object, index: int | str) -> object:
    try:
        return read(value, declared)
    except Exception as error:
        error.add_note(PlaceNote.of(index))
        raise in_parts([error]) from error


def first_that_writes(members: list[Hooks]) -> Writer:
    def write(value: object) -> Json:
        for member in members:
            try:
                return member.write(value)
            except Unfit:
                continue
        raise Unfit(f"must be of another type, not {type(value).__name__}")

    return write


def by_json_type(members: Mapping[type, Hooks]) -> Reader:
    def read(plain: object, _: object) -> object:
        member = members.get(type(plain))
        if member is None:
            raise Unfit(f"must not be {json_kind(plain)}")
        return member.read(plain, None)

    return read
