"""
What a declared type means to the codec: a closed set of kinds, found by looking at the type.

`kind_of` looks one level deep. The converter, the schema and the shape of a snapshot all read the
same kinds, so they cannot disagree about what is stored.
"""

from __future__ import annotations

import inspect
import types
import typing
from abc import ABC
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final, Literal, TypeAlias, cast

import attrs
from attrs import frozen

from ordercore.codec._leaves import LEAVES
from ordercore.codec.failures import UnstorableTypeError

__all__ = [
    "Choice",
    "Constants",
    "Enumerated",
    "Fixed",
    "Kind",
    "Leaf",
    "Many",
    "Maybe",
    "Open",
    "Record",
    "Slot",
    "Table",
    "is_open",
    "json_type",
    "key_is_text",
    "kind_of",
]


@frozen
class Leaf:
    """A value without parts, such as text, an amount or an instant."""

    type: type


@frozen
class Constants:
    """One of a few written-out values (``typing.Literal``)."""

    values: tuple[object, ...]


@frozen
class Enumerated:
    """A member of an enumeration, stored by its value."""

    type: type[Enum]


@frozen
class Maybe:
    """A value or null."""

    inner: object


@frozen
class Many:
    """Any number of values of one type; ``make`` builds the collection."""

    item: object
    make: type


@frozen
class Fixed:
    """A tuple with a type for each place."""

    items: tuple[object, ...]


@frozen
class Table:
    """Values by key: an object where the keys are text, a list of pairs elsewhere."""

    key: object
    value: object


@frozen
class Slot:
    """One field of a record; ``default`` is `attrs.NOTHING` where it must be given."""

    name: str
    type: object
    default: object


@frozen
class Record:
    """An attrs class: an object with exactly its fields."""

    type: type
    slots: tuple[Slot, ...]


@frozen
class Choice:
    """A closed union: attrs classes told apart by ``$type``, other values by their JSON type."""

    tagged: tuple[type, ...]
    plain: tuple[object, ...]
    bases: tuple[type, ...]


@frozen
class Open:
    """An abstract class whose concrete values are told apart by ``$type``."""

    type: type


Kind: TypeAlias = (
    Leaf | Constants | Enumerated | Maybe | Many | Fixed | Table | Record | Choice | Open
)

_COLLECTIONS: Final[Mapping[object, type]] = {
    tuple: tuple,
    Sequence: tuple,
    list: list,
    frozenset: frozenset,
    AbstractSet: frozenset,
}


def kind_of(declared: object) -> Kind:
    """
    What *declared* means.

    Raises:
        UnstorableTypeError: It has no stored form.
    """
    declared = _without_names(declared)
    if isinstance(declared, type) and typing.get_origin(declared) is None:
        return _of_class(declared)
    return _of_form(declared)


def _without_names(declared: object) -> object:
    """The type behind ``NewType``, ``Annotated`` and ``Final``."""
    while True:
        if isinstance(declared, typing.NewType):
            declared = declared.__supertype__
        elif typing.get_origin(declared) in {typing.Annotated, typing.Final}:
            declared = typing.get_args(declared)[0]
        else:
            return declared


def _of_class(declared: type[object]) -> Kind:
    if declared in LEAVES:
        return Leaf(declared)
    if issubclass(declared, Enum):
        return Enumerated(declared)
    if is_open(declared):
        return Open(declared)
    if attrs.has(declared):
        return _record(declared)
    raise UnstorableTypeError(declared.__qualname__)


def is_open(declared: object) -> bool:
    """Whether values of this class are always values of one of its subclasses."""
    return isinstance(declared, type) and (
        inspect.isabstract(declared)
        or ABC in declared.__bases__
        or getattr(declared, "_is_protocol", False) is True
    )


def _record(declared: type) -> Record:
    attrs.resolve_types(declared)
    slots = tuple(
        Slot(field.name, cast("object", field.type), cast("object", field.default))
        for field in attrs.fields(declared)
        if field.init
    )
    return Record(declared, slots)


def _of_form(declared: object) -> Kind:
    origin, args = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Union or origin is types.UnionType:
        return _of_union(args)
    if origin is Literal:
        return Constants(args)
    if origin is tuple and Ellipsis not in args:
        return Fixed(args)
    if origin in _COLLECTIONS:
        return Many(args[0], _COLLECTIONS[origin])
    if origin in {dict, Mapping}:
        return Table(*args)
    raise UnstorableTypeError(str(declared))


def _of_union(args: tuple[object, ...]) -> Kind:
    members = tuple(arg for arg in args if arg is not type(None))
    if len(members) < len(args):
        return Maybe(typing.Union[members])  # noqa: UP007
    kinds = [(member, kind_of(member)) for member in members]
    tagged = tuple(kind.type for _, kind in kinds if isinstance(kind, Record))
    bases = tuple(kind.type for _, kind in kinds if isinstance(kind, Open))
    plain = tuple(member for member, kind in kinds if not isinstance(kind, Record | Open))
    if len({member.__name__ for member in tagged}) < len(tagged):
        raise UnstorableTypeError("a union of classes of one name")
    return Choice(tagged, plain, bases)


def key_is_text(key: object) -> bool:
    """Whether a mapping with these keys can be a JSON object."""
    return isinstance(kind_of(key), Leaf | Enumerated | Constants) and json_type(key) is str


def json_type(declared: object) -> type:
    """Which JSON type values of *declared* have."""
    match kind_of(declared):
        case Leaf(type=type_):
            return LEAVES[type_].json
        case Constants(values=values):
            return str if isinstance(values[0], str) else int
        case Enumerated(type=type_):
            return str if isinstance(next(iter(type_)).value, str) else int
        case Many() | Fixed():
            return list
        case Table(key=key):
            return dict if key_is_text(key) else list
        case Maybe() | Record() | Choice() | Open():
            return dict
