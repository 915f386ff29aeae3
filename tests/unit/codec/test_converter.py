"""Values to JSON and back: exact types, and a path for each problem."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, StrEnum, unique
from fractions import Fraction
from typing import Any, Final, Literal, cast

import pytest
from attrs import define, evolve, field, frozen

from ordercore.codec._leaves import Json
from ordercore.codec.converter import (
    decode,
    encode,
    fingerprint,
    from_plain,
    read_json,
    to_plain,
)
from ordercore.codec.failures import DecodeError, UnstorableTypeError, UnstorableValueError
from ordercore.codec.policies import InvalidPolicyError, register_policy
from ordercore.ids import HoldKind, LineId, checked_id
from ordercore.inventory import commands
from ordercore.money import BHD, EUR, Currency, Money
from ordercore.order import commands as order_commands
from ordercore.pricing.slots import NO_SLOTS, SlotSet

NOON: Final = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)


@unique
class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@unique
class Level(Enum):
    LOW = 1
    HIGH = 2


def line_id(value: LineId) -> LineId:
    return LineId(checked_id(value, "part"))


@frozen(kw_only=True)
class Part:
    id: LineId = field(converter=line_id)
    units: int = 1
    colour: Colour = Colour.RED


@frozen
class Cat:
    lives: int


@frozen
class Dog:
    name: str


class Shape(ABC):
    @abstractmethod
    def sides(self) -> int: ...


@register_policy
@frozen
class Polygon(Shape):
    corners: int = 3

    def sides(self) -> int:
        return self.corners


@frozen
class Unregistered(Shape):
    def sides(self) -> int:
        return 0


@frozen(kw_only=True)
class Base:
    at: int


@frozen
class Derived(Base):
    """Its own field may be given by position, the inherited one comes first."""

    lines: tuple[int, ...]
    note: str = ""


@frozen(kw_only=True)
class Node:
    name: str
    children: tuple[Node, ...] = ()


@frozen(kw_only=True)
class Everything:
    """One field of each kind."""

    text: str
    amount: Money
    when: datetime
    flag: bool = False
    count: int = 0
    currency: Currency = EUR
    rate: Fraction = Fraction(0)
    day: date | None = None
    clock: time | None = None
    lasts: timedelta = timedelta()
    slots: SlotSet = NO_SLOTS
    colour: Colour | None = None
    level: Level = Level.LOW
    mode: Literal["fast", "slow"] = "fast"
    parts: tuple[Part, ...] = ()
    pair: tuple[LineId, int] | None = None
    tags: frozenset[str] = frozenset()
    by_line: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    by_pair: Mapping[tuple[str, int], Money] = field(factory=dict[tuple[str, int], Money])
    pet: Cat | Dog | None = None
    price: Money | Fraction | Cat | None = None
    shape: Shape = field(factory=Polygon)
    tree: Node | None = None


SMALL: Final = Everything(text="a", amount=Money(-5, BHD), when=NOON)
FULL: Final = Everything(
    text="é\x00\ud800",
    amount=Money(1, EUR),
    when=NOON,
    flag=True,
    count=-(2**70),
    currency=BHD,
    rate=Fraction(-19, 100),
    day=date(2026, 2, 28),
    clock=time(15, 30),
    lasts=timedelta(days=2, microseconds=1),
    slots=SlotSet(((0, 2), (5, 6))),
    colour=Colour.BLUE,
    level=Level.HIGH,
    mode="slow",
    parts=(Part(id=LineId("1")), Part(id=LineId("2"), units=7, colour=Colour.BLUE)),
    pair=(LineId("x"), 3),
    tags=frozenset({"b", "a"}),
    by_line={LineId("1"): SlotSet.of(0, 3)},
    by_pair={("b", 2): Money(2, EUR), ("a", 1): Money(1, EUR)},
    pet=Dog("Rex"),
    price=Fraction(1, 3),
    shape=Polygon(4),
    tree=Node(name="root", children=(Node(name="leaf"),)),
)


@pytest.mark.parametrize("value", [SMALL, FULL], ids=["small", "full"])
def test_every_kind_of_field_comes_back(value: Everything) -> None:
    """What is read is what was written, with all fields or without those at their default."""
    assert value == decode(encode(value), Everything)
    assert value == from_plain(json.loads(json.dumps(to_plain(value, full=True))), Everything)


def test_a_class_below_a_keyword_only_one_comes_back() -> None:
    """Fields by position and by keyword are read alike."""
    for value in (Derived((1, 2), at=3), Derived((1,), "n", at=3)):
        assert value == decode(encode(value), Derived)
    with pytest.raises(DecodeError):
        from_plain({"lines": [1]}, Derived)


def test_defaults_are_left_out() -> None:
    """A small value has a small text."""
    assert {"text": "a", "amount": [-5, "BHD"], "when": "2026-01-31T12:00:00.250000Z"} == to_plain(
        SMALL
    )


def test_the_stored_forms_are_these() -> None:
    """Amounts, rates, slots, tagged values and tables are written so and never otherwise."""
    plain = to_plain(FULL)
    assert isinstance(plain, dict)
    assert {
        "rate": "-19/100",
        "currency": "BHD",
        "day": "2026-02-28",
        "clock": "15:30:00.000000",
        "lasts": 172_800_000_001,
        "slots": [[0, 2], [5, 6]],
        "pair": ["x", 3],
        "tags": ["a", "b"],
        "by_line": {"1": [[0, 3]]},
        "by_pair": [[["a", 1], [1, "EUR"]], [["b", 2], [2, "EUR"]]],
        "pet": {"$type": "Dog", "name": "Rex"},
        "price": "1/3",
        "shape": {"$type": "Polygon", "corners": 4},
        "level": 2,
    }.items() <= plain.items()


def test_an_amount_may_be_an_object() -> None:
    """Both written forms of money are read."""
    assert Money(5, EUR) == from_plain({"minor": 5, "currency": "EUR"}, Money)


def test_an_instant_is_stored_in_utc() -> None:
    """An aware instant of another zone is the same instant."""
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert to_plain(NOON) == to_plain(berlin)


WRONG: Final[list[tuple[str, Json, str]]] = [
    ("text", 1, "$.text"),
    ("text", None, "$.text"),
    ("amount", [True, "EUR"], "$.amount"),
    ("amount", ["1", "EUR"], "$.amount"),
    ("amount", [1, "eur"], "$.amount"),
    ("amount", [1, "EUR", 2], "$.amount"),
    ("amount", {"minor": 1, "currency": "EUR", "x": 1}, "$.amount"),
    ("amount", [2**63, "EUR"], "$.amount"),
    ("when", "2026-01-31T12:00:00.250000", "$.when"),
    ("when", "2026-01-31T12:00:00.250000+00:00", "$.when"),
    ("when", "2026-02-30T12:00:00.250000Z", "$.when"),
    ("when", "٢٠٢٦-01-31T12:00:00.250000Z", "$.when"),
    ("flag", 1, "$.flag"),
    ("count", True, "$.count"),
    ("count", "3", "$.count"),
    ("rate", "1/0", "$.rate"),
    ("rate", "0.19", "$.rate"),
    ("rate", "1e9", "$.rate"),
    ("day", "2026-02-30", "$.day"),
    ("clock", "25:00:00.000000", "$.clock"),
    ("lasts", 10**30, "$.lasts"),
    ("slots", [[3, 1]], "$.slots"),
    ("slots", [[0, True]], "$.slots"),
    ("slots", {"0": 1}, "$.slots"),
    ("colour", "green", "$.colour"),
    ("level", True, "$.level"),
    ("level", "1", "$.level"),
    ("mode", "medium", "$.mode"),
    ("parts", {"id": "1"}, "$.parts"),
    ("parts", "ab", "$.parts"),
    ("parts", [{"id": "1"}, {"id": "2", "units": "3"}], "$.parts[1].units"),
    ("parts", [{"units": 1}], "$.parts[0].id"),
    ("parts", [{"id": "1", "is_admin": True}], "$.parts[0].is_admin"),
    ("parts", [{"id": " "}], "$.parts[0]"),
    ("pair", ["x"], "$.pair"),
    ("pair", ["x", "3"], "$.pair[1]"),
    ("tags", ["a", "a"], "$.tags"),
    ("by_line", {"1": [[0, 0]]}, "$.by_line.1"),
    ("by_line", [], "$.by_line"),
    ("by_pair", [[["a", 1], [1, "EUR"]], [["a", 1], [2, "EUR"]]], "$.by_pair"),
    ("pet", {"name": "Rex"}, "$.pet"),
    ("pet", {"$type": "Part", "id": "1"}, "$.pet"),
    ("pet", {"$type": "ordercore.money.Money"}, "$.pet"),
    ("pet", {"$type": ["Dog"]}, "$.pet"),
    ("pet", "Rex", "$.pet"),
    ("shape", {"$type": "Unregistered"}, "$.shape"),
    ("shape", {"__class__": "os.system"}, "$.shape"),
    ("price", 5, "$.price"),
    ("__class__", "os.system", "$.__class__"),
]


@pytest.mark.parametrize(("name", "value", "path"), WRONG)
def test_a_wrong_value_is_named_by_its_path(name: str, value: Json, path: str) -> None:
    """Nothing is coerced, no extra key is ignored; the error says where and not what (ABUSE 59)."""
    plain = to_plain(SMALL)
    assert isinstance(plain, dict)
    with pytest.raises(DecodeError) as caught:
        from_plain({**plain, name: value}, Everything, stream="o-1")
    assert [path] == [at for at, _ in caught.value.problems]
    assert "o-1 cannot be read: " + path in str(caught.value)


def test_every_problem_is_listed() -> None:
    """One look tells all that is wrong."""
    parts: list[object] = [{"units": 1.5}, 3]
    plain: object = {"amount": [1, "EUR"], "when": 7, "parts": parts, "is_admin": True}
    with pytest.raises(DecodeError) as caught:
        from_plain(plain, Everything)
    assert [
        ("$.text", "is missing"),
        ("$.when", "must be text, not a whole number"),
        ("$.parts[0].id", "is missing"),
        ("$.parts[0].units", "must be a whole number, not float"),
        ("$.parts[1]", "must be an object, not a whole number"),
        ("$.is_admin", "is not known here"),
    ] == list(caught.value.problems)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": 1',
        '{"a": 1, "a": 2}',
        "[1.5]",
        "[1e5]",
        "[NaN]",
        "[-Infinity]",
        "[" * 100_000,
        "[" + "9" * 5000 + "]",
        "\ufeff[]",
    ],
    ids=lambda text: text[:12],
)
def test_text_that_is_no_strict_json_is_refused(text: str) -> None:
    """Truncated text, a key twice, a number that is not whole, endless nesting (ABUSE 54, 59)."""
    with pytest.raises(DecodeError):
        read_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 1.5),
        ("count", True),
        ("text", 3),
        ("flag", 1),
        ("when", datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
        ("colour", "blue"),
        ("parts", [Part(id=LineId("1"))]),
        ("parts", (Cat(9),)),
        ("pet", Polygon()),
        ("shape", Unregistered()),
        ("amount", 5),
        ("amount", None),
        ("slots", ((0, 1),)),
        ("rate", 0.5),
        ("day", NOON),
        ("by_line", [("1", 2)]),
        ("pair", ("x", 1, 2)),
        ("price", "5"),
        ("tags", {"a"}),
    ],
)
def test_a_value_that_could_not_be_read_again_is_not_written(name: str, value: object) -> None:
    """Python does not check the types of fields; the writer does."""
    whole: dict[str, Any] = {"text": "a", "amount": Money(1, EUR), "when": NOON, name: value}
    with pytest.raises(UnstorableValueError):
        encode(Everything(**whole))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("text", None, "Everything.text must be text, not NoneType."),
        ("parts", "x", "Everything.parts must be a tuple, not str."),
        (
            "parts",
            (Part(id=LineId("1")), Part(id=LineId("2"), colour=cast("Any", "blue"))),
            "Everything.parts[1].colour must be a Colour such as Colour.RED, not str.",
        ),
        ("pair", ("x", 1, 2), "Everything.pair must be a tuple of 2."),
        ("by_line", {LineId("1"): "2"}, "Everything.by_line[] must be a set of slots, not str."),
        (
            "shape",
            Unregistered(),
            "Everything.shape must be a Shape known here (see register_policy), not Unregistered.",
        ),
    ],
)
def test_what_cannot_be_written_is_named_with_its_path(name: str, value: object, told: str) -> None:
    """The message leads to the innermost field, and says nothing of its content."""
    whole: dict[str, Any] = {"text": "a", "amount": Money(1, EUR), "when": NOON, name: value}
    with pytest.raises(UnstorableValueError) as caught:
        encode(Everything(**whole))
    assert told == str(caught.value)


@pytest.mark.parametrize(
    "declared",
    [float, complex, object, Any, list, tuple[float, ...], Mapping[str, float], type[int], bytes],
)
def test_a_type_without_a_stored_form_is_refused(declared: object) -> None:
    """No float, no Any, no bare container has a place in what is stored."""
    with pytest.raises(UnstorableTypeError):
        to_plain(None, declared=declared)


def test_a_union_must_be_told_apart() -> None:
    """Two members of one JSON type cannot be told apart, two classes of one name neither."""
    with pytest.raises(UnstorableTypeError):
        to_plain("a", declared=Fraction | str)
    with pytest.raises(UnstorableTypeError):
        to_plain({}, declared=Mapping[str, int] | Cat)


def test_equal_commands_have_one_fingerprint() -> None:
    """The order of a mapping does not matter, the type and each field do."""
    one = LineId("1")
    two = LineId("2")
    first = evolve(SMALL, by_line={one: SlotSet(), two: SlotSet()})
    second = evolve(SMALL, by_line={two: SlotSet(), one: SlotSet()})
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(SMALL) != fingerprint(FULL)
    assert fingerprint(Cat(1)) != fingerprint(Polygon(1))


def test_a_fingerprint_is_the_same_on_every_machine() -> None:
    """It is stored, so it may never change: the digest of the type's name and the content."""
    text = '["Cat",{"lives":9}]'
    assert hashlib.sha256(text.encode()).hexdigest() == fingerprint(Cat(9))


def test_commands_of_two_rooms_are_not_mistaken() -> None:
    """Both an order and a cart have a hold that is released."""
    assert fingerprint(commands.ReleaseHold()) != fingerprint(
        order_commands.ReleaseHold(kind=HoldKind("fraud"))
    )
    text = '["inventory.ReleaseHold",{}]'
    assert hashlib.sha256(text.encode()).hexdigest() == fingerprint(commands.ReleaseHold())


def test_a_policy_must_be_a_frozen_attrs_class_of_its_own_name() -> None:
    """A host's value is checked when it is registered."""
    with pytest.raises(InvalidPolicyError, match="attrs class"):
        register_policy(type("Plain", (Shape,), {"sides": Polygon.sides}))
    with pytest.raises(InvalidPolicyError, match="another class"):
        register_policy(frozen(type("Polygon", (Shape,), {"sides": Polygon.sides})))
    with pytest.raises(InvalidPolicyError, match="frozen"):
        register_policy(define(type("Soft", (Shape,), {"sides": Polygon.sides})))
    assert Polygon is register_policy(Polygon)
