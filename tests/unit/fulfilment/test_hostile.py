from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import cast

import pytest
from attrs import evolve, fields

from ordercore.errors import OrderCoreError
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment.model import (
    Booked,
    BookingDeclined,
    BookingUnknown,
    LineUnits,
    ParcelSize,
    ParcelStatus,
    ShortPolicy,
)
from ordercore.ids import FulfilmentId, LineId
from tests.unit.fulfilment.house import (
    F1,
    F2,
    NOW,
    P1,
    PACK,
    SOUTH,
    TEA,
    Command,
    decided,
    packed,
    planned,
    released,
    sent,
    units,
)
from tests.unit.pricing.shop import loose

UNITS = (units(TEA, 1),)
SAMPLES: list[Command] = [
    cmd.ReleaseFulfilment(fulfilment=F1),
    cmd.HoldFulfilment(fulfilment=F1, reason="x"),
    cmd.ResumeFulfilment(fulfilment=F1),
    cmd.MoveFulfilment(fulfilment=F1, location=SOUTH),
    cmd.SplitFulfilment(fulfilment=F1, into=F2, lines=UNITS),
    cmd.MergeFulfilments(fulfilment=F1, merged=F2),
    cmd.PickUnits(fulfilment=F1, lines=UNITS),
    cmd.PutBackUnits(fulfilment=F1, lines=UNITS),
    cmd.RecordShortPick(fulfilment=F1, lines=UNITS, policy=ShortPolicy.CLOSE),
    PACK,
    cmd.UnpackParcel(parcel=P1),
    cmd.RetryBooking(parcel=P1, carrier="post"),
    cmd.Dispatch(parcel=P1),
    cmd.DeliverDigital(lines=UNITS),
    cmd.CorrectParcel(parcel=P1, status=ParcelStatus.LOST, reason="x"),
    cmd.AcceptCancel(fulfilment=F1),
    cmd.RefuseCancel(fulfilment=F1),
    cmd.ReportTracking(parcel=P1, status=ParcelStatus.DELIVERED, at=NOW),
    cmd.ReportBooking(parcel=P1, answer=Booked(tracking_number="Z1"), at=NOW),
]
VALUES = [
    cmd.PackItem(line=TEA, quantity=1),
    LineUnits(line=TEA, quantity=1),
    ParcelSize(length_mm=1, width_mm=1, height_mm=1),
    Booked(tracking_number="Z1"),
    BookingDeclined(reason="x"),
    BookingUnknown(),
]
HOSTILE: list[object] = [
    None,
    True,
    -1,
    0,
    10**40,
    1.5,
    float("nan"),
    "",
    "x" * 100_000,
    "\x00",
    "a\u202eb",
    b"bytes",
    (),
    (None,),
    [units(TEA, 1)],
    {"line": "1-tea"},
    units(TEA, 10**9),
    tuple(LineUnits(line=LineId(str(n)), quantity=1) for n in range(20_001)),
    datetime(2026, 1, 1),  # noqa: DTZ001 - that is what is wrong with it
    FulfilmentId("nobody"),
    object(),
]


def refused(call: Callable[[], object]) -> OrderCoreError | None:
    """The error of ours that *call* raised; any other error goes on."""
    try:
        call()
    except OrderCoreError as error:
        return error
    return None


STATES = (planned(), released(), packed(), sent())


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
                assert refusal is None or not isinstance(command, cmd.FulfilmentReport), refusal


@pytest.mark.parametrize("sample", VALUES, ids=lambda one: type(one).__name__)
def test_a_hostile_part_is_refused_with_an_error_of_ours(sample: cmd.PackItem) -> None:
    """The same for what commands are made of."""
    for field in fields(type(sample)):
        for value in HOSTILE:
            refusal = refused(partial(loose, evolve, sample, **{field.name: value}))
            assert len(str(refusal)) < 500
