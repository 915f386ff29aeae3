"""
The stored form of every event as JSON Schema (2020-12): for readers in other languages, and docs.
"""

from __future__ import annotations

from typing import Final

import attrs

from ordercore.codec._compiler import TAG, type_name
from ordercore.codec._kinds import (
    Choice,
    Constants,
    Enumerated,
    Fixed,
    Kind,
    Leaf,
    Many,
    Maybe,
    Open,
    Record,
    Table,
    key_is_text,
    kind_of,
)
from ordercore.codec._leaves import LEAVES, Json
from ordercore.codec.policies import classes_of
from ordercore.codec.registry import EventCodec, event_codec

__all__ = ["describe", "event_schemas"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def describe(declared: object) -> dict[str, Json]:
    """
    The JSON Schema of a type's stored form; classes stand under ``$defs``.

    Raises:
        UnstorableTypeError: It, or a type that it holds, has no stored form.
    """
    book = _Book()
    schema = book.schema(declared)
    return {"$schema": DIALECT, **schema, "$defs": dict(sorted(book.classes.items()))}


def event_schemas(codec: EventCodec | None = None) -> dict[str, dict[str, Json]]:
    """The schema of every event's data, by ``<stored name>.v<version>``."""
    table = codec or event_codec()
    return {
        f"{name}.v{table.upcasters.current(name)}": describe(kind)
        for name, kind in sorted(table.types.items())
    }


def _simple(kind: Leaf | Enumerated | Constants) -> dict[str, Json]:
    match kind:
        case Leaf(type=type_):
            return dict(LEAVES[type_].schema)
        case Enumerated(type=type_):
            return {"enum": [member.value for member in type_]}
        case Constants(values=values):
            return {"enum": [value for value in values if isinstance(value, str | int)]}


class _Book:
    """The classes met so far, each described once."""

    def __init__(self) -> None:
        self.classes: dict[str, Json] = {}
        self._owners: dict[str, type] = {}

    def schema(self, declared: object) -> dict[str, Json]:
        return self._of(kind_of(declared))

    def _of(self, kind: Kind) -> dict[str, Json]:
        match kind:
            case Leaf() | Enumerated() | Constants():
                return _simple(kind)
            case Maybe(inner=inner):
                return {"anyOf": [self.schema(inner), {"type": "null"}]}
            case Many() | Fixed() | Table():
                return self._collection(kind)
            case Record():
                return self._class(kind)
            case Choice(plain=plain):
                simple: list[Json] = [self.schema(member) for member in plain]
                return {"anyOf": [*simple, *self._tagged(kind)]}
            case Open():
                return {"anyOf": self._tagged(kind)}

    def _collection(self, kind: Many | Fixed | Table) -> dict[str, Json]:
        match kind:
            case Many(item=item, make=make):
                unique: dict[str, Json] = {"uniqueItems": True} if make is frozenset else {}
                return {"type": "array", "items": self.schema(item), **unique}
            case Fixed(items=items):
                count = len(items)
                places: list[Json] = [self.schema(item) for item in items]
                return {
                    "type": "array",
                    "prefixItems": places,
                    "minItems": count,
                    "maxItems": count,
                }
            case Table(key=key, value=value) if key_is_text(key):
                return {
                    "type": "object",
                    "propertyNames": self.schema(key),
                    "additionalProperties": self.schema(value),
                }
            case Table(key=key, value=value):
                pair = self._of(Fixed((key, value)))
                return {"type": "array", "items": pair}

    def _tagged(self, union: Choice | Open) -> list[Json]:
        return [
            {
                "allOf": [self.schema(found)],
                "properties": {TAG: {"const": name}},
                "required": [TAG],
            }
            for name, found in sorted(classes_of(union).items())
        ]

    def _class(self, record: Record) -> dict[str, Json]:
        name = type_name(record.type)
        if self._owners.setdefault(name, record.type) is not record.type:
            name = f"{record.type.__module__.split('.')[-2]}.{name}"
            self._owners[name] = record.type
        if name not in self.classes:
            self.classes[name] = None  # it may hold itself
            self.classes[name] = self._object(record)
        return {"$ref": f"#/$defs/{name}"}

    def _object(self, record: Record) -> dict[str, Json]:
        slots = record.slots
        described: dict[str, Json] = {slot.name: self.schema(slot.type) for slot in slots}
        required: list[Json] = [slot.name for slot in slots if slot.default is attrs.NOTHING]
        return {
            "type": "object",
            "description": (record.type.__doc__ or "").strip().split("\n")[0],
            "properties": described,
            "required": required,
        }
