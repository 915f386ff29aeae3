"""What hostile code may hand to stock: every value is refused by an error of this library."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, Final

import pytest

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.ids import ItemId, LineId, LocationId, StreamId
from ordercore.inventory import commands as cmd
from ordercore.inventory.kits import Component, Kit
from ordercore.inventory.lots import Lot, LotShipment, pick_lots
from ordercore.inventory.model import (
    Allocation,
    Counters,
    MoveKind,
    StockMove,
    StockPlace,
    StockPolicy,
    WantedLine,
)
from ordercore.inventory.promise import Arrival, PromiseRule, promise
from ordercore.inventory.replenish import Demand, ReplenishRule, demand_of
from ordercore.inventory.reserve import Circumstances
from ordercore.inventory.sourcing import (
    Constraints,
    FewestParcels,
    InOrder,
    LeastCost,
    Nearest,
    Site,
    SourcingRequest,
    distance_m,
)

NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
FAST: Final = 0.05
CANARY: Final = "4111 1111 1111 1111"
BAD: Final[list[Any]] = [
    None,
    True,
    -1,
    2**63,
    10**30,
    0.5,
    float("nan"),
    "",
    " ",
    "cup\u202e",
    "cup\x00",
    "cup\ud800",
    "x" * 10_000,
    b"cup",
    [],
    {},
    object(),
    (CANARY, CANARY),
    [CANARY] * 50_000,
    datetime(2026, 1, 1),  # noqa: DTZ001 - on purpose
    date(2026, 1, 1),
]

GOOD: Final[dict[type, dict[str, Any]]] = {
    StockPlace: {"item": "cup", "location": "wien"},
    StockPolicy: {"safety_stock": 1, "backorder_limit": 1, "tracked": True, "allotment": False},
    Counters: {"on_hand": 1, "reserved": 1, "backorder_limit": 1, "tracked": True},
    StockMove: {
        "item": "cup",
        "location": "wien",
        "kind": MoveKind.RESERVE,
        "quantity": 1,
        "owner": "o-1",
        "line": "1",
        "reason": "",
        "partial": True,
    },
    Allocation: {"line": "1", "item": "cup", "location": "wien", "reserved": 1, "partial": True},
    WantedLine: {"line": "1", "item": "cup", "quantity": 1},
    cmd.StockLine: {"item": "cup", "location": "wien", "quantity": 1},
    cmd.ReceivedLine: {"item": "cup", "location": "wien", "quantity": 1, "expected": 1},
    cmd.AdjustedLine: {"item": "cup", "location": "wien", "quantity": 1},
    cmd.CountedLine: {"item": "cup", "location": "wien", "counted": 1},
    cmd.TransferLine: {"item": "cup", "origin": "wien", "target": "graz", "quantity": 1},
    cmd.PolicyLine: {"item": "cup", "location": "wien", "policy": StockPolicy()},
    cmd.ReceiveStock: {
        "lines": (cmd.ReceivedLine(item=ItemId("cup"), location=LocationId("wien"), quantity=1),),
        "reason": "",
    },
    cmd.CountStock: {
        "lines": (cmd.CountedLine(item=ItemId("cup"), location=LocationId("wien"), counted=1),),
        "reason": "year's end",
    },
    cmd.HoldStock: {
        "hold": "cart-1",
        "lines": (WantedLine(line=LineId("1"), item=ItemId("cup"), quantity=1),),
        "until": NOW,
    },
    cmd.RenewHold: {"until": NOW},
    cmd.TransferHold: {"to": "o-1"},
    cmd.ReportHoldExpiry: {"at": NOW},
    Component: {"item": "cup", "quantity": 1},
    Kit: {"item": "set", "components": (Component(item=ItemId("cup")),)},
    Lot: {
        "id": "a",
        "item": "cup",
        "location": "wien",
        "quantity": 1,
        "received_on": date(2026, 1, 1),
    },
    LotShipment: {"lot": "a", "owner": "o-1", "line": "1", "quantity": 1},
    Arrival: {"at": NOW, "quantity": 1},
    Demand: {"mean": Fraction(1), "deviation": Fraction(1)},
    ReplenishRule: {"lead_days": Fraction(1), "service_level": Fraction(1, 2), "pack": 1},
}

FIELDS: Final = [(kind, name) for kind, good in GOOD.items() for name in good]


def made(call: Callable[..., object], **values: Any) -> object:  # noqa: ANN401 - it is bad on purpose
    """Call without types, as hostile code would."""
    return call(**values)


def refusal_of(kind: type, values: dict[str, Any]) -> OrderCoreError | None:
    """The error that a value is refused with; None when it is taken."""
    try:
        made(kind, **values)
    except OrderCoreError as error:
        return error
    return None


def is_fair(name: str, value: object, good: object) -> bool:
    """Whether a value of the catalogue is what the field takes; a reason is any text."""
    if name == "reason":
        return isinstance(value, str) and len(value) <= 2_000
    if isinstance(good, bool):
        return isinstance(value, bool)
    if good is None or isinstance(good, int):
        return value is None or (type(value) is int and -1 <= value < 10**12)
    if isinstance(good, str):
        return value is None or value in {"", " "}
    return type(good) is type(value) and not isinstance(good, tuple)


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda it: getattr(it, "__name__", it))
def test_a_field_takes_nothing_else(kind: type, name: str) -> None:
    """Each field of each value meets each bad value: refused at once, or what the field means."""
    good = GOOD[kind]
    assert made(kind, **good) == made(kind, **good)
    for value in BAD:
        began = time.process_time()
        error = refusal_of(kind, {**good, name: value})
        if error is None:
            assert is_fair(name, value, good[name]), (name, value)
        else:
            assert isinstance(error, InvalidValueError), error
            assert CANARY not in str(error)
        assert time.process_time() - began < FAST


CALLS: Final[list[Callable[[Any], object]]] = [
    lambda bad: made(Site, point=bad),
    lambda bad: made(Constraints, closed=bad),
    lambda bad: made(Constraints, banned=bad),
    lambda bad: made(Constraints, whole_lines=bad),
    lambda bad: made(Nearest, sites=bad),
    lambda bad: made(InOrder, locations=bad),
    lambda bad: made(FewestParcels, effort=bad),
    lambda bad: made(LeastCost, per_km_minor=bad),
    lambda bad: made(SourcingRequest, wanted=bad, supply={}),
    lambda bad: made(SourcingRequest, wanted=(), supply={}, constraints=bad),
    lambda bad: made(Circumstances, constraints=bad),
    lambda bad: made(Circumstances, fill_partly=bad),
    lambda bad: made(PromiseRule, calendar=bad),
    lambda bad: made(PromiseRule, handling_days=bad),
    lambda bad: made(distance_m, one=bad, other=(0, 0)),
    lambda bad: made(pick_lots, lots=[], quantity=1, on=bad),
    lambda bad: made(demand_of, history=[bad]),
    lambda bad: promise(bad, Counters(), (), NOW),
    lambda bad: made(cmd.ReleaseHold, lines=bad),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_plan_is_made_of_nothing_else(call: Callable[[Any], object]) -> None:
    """Everything that steers a plan meets one bad thing: an object of nobody's kind."""
    with pytest.raises(OrderCoreError):
        call(object())


@pytest.mark.parametrize(
    "point", [(1,), (1, 2, 3), (0.5, 1), (True, 0), ("1", "2"), (90_001, 0), (0, -180_001), [0, 0]]
)
def test_a_place_lies_on_earth(point: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """Latitude and longitude are ints, and on earth."""
    with pytest.raises(InvalidValueError):
        Site(point=point)
    with pytest.raises(InvalidValueError):
        distance_m(point, (0, 0))


def test_units_kept_back_are_counts() -> None:
    """A mapping from locations to whole units."""
    for wrong in ({"wien": -1}, {"wien": True}, {"wien": "1"}, {7: 1}, [("wien", 1)]):
        with pytest.raises(InvalidValueError):
            made(Constraints, keep_back=wrong)
    assert {"wien": 1} == Constraints(keep_back={LocationId("wien"): 1}).keep_back


def test_an_owner_is_named_by_text() -> None:
    """The owner of a move is an id like all others."""
    with pytest.raises(InvalidValueError):
        StockMove(
            item=ItemId("cup"),
            location=LocationId("wien"),
            kind=MoveKind.RESERVE,
            quantity=1,
            owner=StreamId("o\u200b1"),
            line=LineId("1"),
        )
