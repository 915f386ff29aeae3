"""
May this happen? Deciding about fulfilment, and folding what was decided.

`decide_fulfilment` refuses requests with a reason and never refuses a report. `evolve_fulfilment`
is total. Planning is a task, not a wish: `ordercore.fulfilment.planning`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar, cast

from ordercore.facts import Event
from ordercore.fulfilment import _parcels_decide as parcels
from ordercore.fulfilment import _work_decide as work
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment._basis import (
    AlreadyThereError,
    FulfilmentBasis,
    MissingSerialsError,
    NotShippableError,
    TooManyUnitsError,
    UnknownFulfilmentError,
    UnknownParcelError,
    UnknownWorkLineError,
)
from ordercore.fulfilment._evolve import evolve_fulfilment
from ordercore.fulfilment._parcels_decide import allotted
from ordercore.fulfilment.model import FulfilmentState

__all__ = [
    "AlreadyThereError",
    "FulfilmentBasis",
    "MissingSerialsError",
    "NotShippableError",
    "TooManyUnitsError",
    "UnknownFulfilmentError",
    "UnknownParcelError",
    "UnknownWorkLineError",
    "allotted",
    "decide_fulfilment",
    "evolve_fulfilment",
]

_Command = cmd.FulfilmentRequest | cmd.FulfilmentReport
_C = TypeVar("_C", bound=_Command)
_Decide = Callable[[FulfilmentState, _Command, datetime, FulfilmentBasis], tuple[Event, ...]]


def decide_fulfilment(
    state: FulfilmentState, command: _Command, now: datetime, *, basis: FulfilmentBasis
) -> tuple[Event, ...]:
    """
    The facts that a command adds; none where it says nothing new.

    Raises:
        NotAllowedError: The work or parcel is in a status in which it cannot be.
        TooManyUnitsError: More units are named than there are for it.
        NotShippableError: Money or a hold forbids it.
        MissingSerialsError, AlreadyThereError, UnknownFulfilmentError, UnknownParcelError,
        UnknownWorkLineError, InvalidFulfilmentError: What is named is wrong.

    A report raises none of them.

    Source:
        RULES F-1 to F-5.
    """
    return _DECISIONS[type(command)](state, command, now, basis)


def _on(
    kind: type[_C],
    decide: Callable[[FulfilmentState, _C, datetime, FulfilmentBasis], tuple[Event, ...]],
) -> tuple[type[object], _Decide]:
    """One row of the table; the kind of command and its decision belong together."""
    return kind, cast("_Decide", decide)


_DECISIONS: Final[Mapping[type[object], _Decide]] = dict(
    (
        _on(cmd.ReleaseFulfilment, work.release),
        _on(cmd.HoldFulfilment, work.hold),
        _on(cmd.ResumeFulfilment, work.resume),
        _on(cmd.MoveFulfilment, work.move),
        _on(cmd.SplitFulfilment, work.split),
        _on(cmd.MergeFulfilments, work.merge),
        _on(cmd.PickUnits, work.pick),
        _on(cmd.PutBackUnits, work.put_back),
        _on(cmd.RecordShortPick, work.record_short_pick),
        _on(cmd.AcceptCancel, work.accept_cancel),
        _on(cmd.RefuseCancel, work.refuse_cancel),
        _on(cmd.PackParcel, parcels.pack),
        _on(cmd.UnpackParcel, parcels.unpack),
        _on(cmd.RetryBooking, parcels.retry_booking),
        _on(cmd.Dispatch, parcels.dispatch),
        _on(cmd.DeliverDigital, parcels.deliver_digital),
        _on(cmd.CorrectParcel, parcels.correct_parcel),
        _on(cmd.ReportTracking, parcels.report_tracking),
        _on(cmd.ReportBooking, parcels.report_booking),
    )
)
