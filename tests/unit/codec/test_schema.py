"""The stored form of events, described."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Final, Literal

from attrs import frozen

from ordercore.codec.policies import register_policy
from ordercore.codec.registry import EventCodec
from ordercore.codec.schema import describe, event_schemas
from ordercore.codec.upcasters import Upcasters
from ordercore.facts import Event
from ordercore.ids import LineId
from ordercore.money import Money


class Colour(StrEnum):
    RED = "red"


@frozen
class Cat:
    """A cat."""

    lives: int = 9


@frozen
class Dog:
    """A dog."""

    name: str


class Rule(ABC):
    """A rule."""

    @property
    @abstractmethod
    def strict(self) -> bool:
        """Whether it is."""


@register_policy
@frozen
class Never(Rule):
    """Never."""

    @property
    def strict(self) -> bool:
        return False


@frozen(kw_only=True)
class Opened(Event):
    """Something was opened.

    In more words.
    """

    colour: Colour | None = None
    total: Money
    mode: Literal["a", "b"] = "a"
    pets: tuple[Cat | Dog | Fraction, ...] = ()
    pair: tuple[LineId, int] = (LineId("1"), 1)
    counts: Mapping[LineId, int]
    pairs: Mapping[tuple[str, int], bool]
    tags: frozenset[str] = frozenset()
    rule: Rule = Never()
    again: tuple[Opened, ...] = ()


SCHEMA: Final = describe(Opened)


def test_a_class_is_described_once() -> None:
    """Classes stand under $defs and are referred to, so that they may hold themselves."""
    assert "#/$defs/Opened" == SCHEMA["$ref"]
    classes = SCHEMA["$defs"]
    assert isinstance(classes, dict)
    assert ["Cat", "Dog", "Never", "Opened"] == list(classes)
    assert {
        "type": "object",
        "description": "A cat.",
        "properties": {"lives": {"type": "integer"}},
        "required": [],
    } == classes["Cat"]


def test_every_kind_of_field_has_its_schema() -> None:
    """What stands in the text is what the schema says."""
    classes = SCHEMA["$defs"]
    assert isinstance(classes, dict)
    opened = classes["Opened"]
    assert isinstance(opened, dict)
    assert "Something was opened." == opened["description"]
    assert ["at", "total", "counts", "pairs"] == opened["required"]
    fields = opened["properties"]
    assert isinstance(fields, dict)
    assert {"type": "string", "format": "date-time"} == fields["at"]
    assert {"anyOf": [{"enum": ["red"]}, {"type": "null"}]} == fields["colour"]
    assert {"enum": ["a", "b"]} == fields["mode"]
    assert {"type": "array", "items": {"$ref": "#/$defs/Opened"}} == fields["again"]
    assert {"type": "array", "items": {"type": "string"}, "uniqueItems": True} == fields["tags"]
    counts = fields["counts"]
    assert isinstance(counts, dict)
    assert {"type": "integer"} == counts["additionalProperties"]
    pair = fields["pair"]
    assert isinstance(pair, dict)
    assert 2 == pair["minItems"] == pair["maxItems"]
    rule = fields["rule"]
    assert {
        "anyOf": [
            {
                "allOf": [{"$ref": "#/$defs/Never"}],
                "properties": {"$type": {"const": "Never"}},
                "required": ["$type"],
            }
        ]
    } == rule


def test_events_are_described_by_name_and_version() -> None:
    """The key is what the outbox calls the type."""
    codec = EventCodec((Opened,), Upcasters({"Opened": 2}, {("Opened", 1): lambda data: data}))
    assert ["Opened.v2"] == list(event_schemas(codec))
