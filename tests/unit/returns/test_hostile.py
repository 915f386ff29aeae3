from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import cast

import pytest
from attrs import evolve, fields

from ordercore.errors import OrderCoreError
from ordercore.facts import Report
from ordercore.ids import Actor, ItemId
from ordercore.pricing.slots import SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns.decide import decide_unmatched
from ordercore.returns.model import Grade, ReturnsState, ReturnUnits, UnmatchedItem
from tests.unit.pricing.shop import loose
from tests.unit.returns.desk import (
    DOCK,
    NOW,
    R1,
    TEA,
    Command,
    after,
    decided,
    found,
    inspect,
    receive,
    request,
    units,
    wish,
)

SAMPLES: list[Command] = [
    request(wish()),
    cmd.ApproveReturn(return_id=R1),
    cmd.RejectReturn(return_id=R1, reason="x"),
    cmd.LabelReturn(return_id=R1),
    receive(units(TEA, 1)),
    inspect(found(units(TEA, 1))),
    cmd.CloseReturn(return_id=R1),
    cmd.ReportReturnMoved(return_id=R1, at=NOW),
]
VALUES = [
    wish(),
    units(TEA, 1),
    cmd.Finding(units=units(TEA, 1), grade=Grade.A_NEW),
    UnmatchedItem(item=ItemId("hat"), quantity=1),
    cmd.ReceiveUnmatchedReturn(items=(), location=DOCK),
]
HOSTILE: list[object] = [
    None,
    True,
    -1,
    0,
    10**40,
    1.5,
    "",
    "x" * 100_000,
    "\x00",
    b"bytes",
    (),
    (None,),
    [units(TEA, 1)],
    {"line": "1-tea"},
    units(TEA, 10**9),
    SlotSet.of(0, 10**9),
    Fraction(7, 2),
    Actor("customer:1"),
    tuple(wish() for _ in range(20_001)),
    datetime(2026, 1, 1),  # noqa: DTZ001 - that is what is wrong with it
    object(),
]


def refused(call: Callable[[], object]) -> OrderCoreError | None:
    """The error of ours that *call* raised; any other error goes on."""
    try:
        call()
    except OrderCoreError as error:
        return error
    return None


STATES = (ReturnsState(), after(request(wish())), after(receive(units(TEA, 2))))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: type(one).__name__)
def test_a_hostile_field_is_refused_with_an_error_of_ours(sample: Command) -> None:
    """Each field of each command, with each bad value, in each state."""
    for field in fields(type(sample)):
        for value in HOSTILE:
            try:
                command = cast("Command", loose(evolve, sample, **{field.name: value}))
            except OrderCoreError:
                continue
            for state in STATES:
                refusal = refused(partial(decided, state, command))
                assert refusal is None or not isinstance(command, Report), refusal


@pytest.mark.parametrize("sample", VALUES, ids=lambda one: type(one).__name__)
def test_a_hostile_part_is_refused_with_an_error_of_ours(sample: object) -> None:
    """The same for what commands are made of."""
    for field in fields(cast("type[ReturnUnits]", type(sample))):
        for value in HOSTILE:
            refusal = refused(partial(_used, sample, {field.name: value}))
            assert len(str(refusal)) < 500


def _used(sample: object, change: dict[str, object]) -> None:
    """Make the part with one field changed, and decide about it where that is possible."""
    part = loose(evolve, sample, **change)
    if isinstance(part, cmd.Finding):
        decided(after(receive(units(TEA, 2))), inspect(part))
    elif isinstance(part, cmd.ReturnWish):
        decided(ReturnsState(), request(part))
    elif isinstance(part, cmd.ReceiveUnmatchedReturn):
        decide_unmatched(part, NOW)
