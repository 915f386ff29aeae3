"""
Why an order refuses: each error says what the host can tell the person who asked.
"""

from __future__ import annotations

from attrs import define

from ordercore.errors import InvalidValueError, RefusedError
from ordercore.ids import HoldKind, LineId

__all__ = [
    "InvalidHoldError",
    "InvalidTextError",
    "InvalidUnitsError",
    "NotCompleteError",
    "NotToUndoError",
    "NothingToCancelError",
    "StageNotLeftError",
    "StageOfLifeError",
    "StillOpenError",
    "StockNotReadyError",
    "TendersDoNotFitError",
    "UnknownHoldKindError",
    "UnknownStageError",
]


@define
class InvalidHoldError(InvalidValueError):
    """A hold that stops nothing, or nothing that is known."""

    sentence = "A hold must name what it stops: a tuple of one or more of {known}."
    known: str


@define
class InvalidTextError(InvalidValueError):
    """A note, tag or reason is too long or empty."""

    sentence = "{name} must have 1 to {longest} characters."
    name: str
    longest: int


@define
class InvalidUnitsError(InvalidValueError):
    """Units of a line are not a whole number above zero, or a line is named twice."""

    sentence = "Name each line once, with a whole number of units above zero ({line})."
    line: str


@define
class NotCompleteError(RefusedError):
    """Something is still owed by somebody."""

    sentence = "The order cannot be completed: {problem}."
    problem: str


@define
class NotToUndoError(RefusedError):
    """A confirmed amendment cannot be taken back."""

    sentence = "The amendment {proposal} cannot be undone: {problem}."
    proposal: str
    problem: str


@define
class NothingToCancelError(RefusedError):
    """More units would be cancelled than are open."""

    sentence = "{wanted} units of line {line} cannot be cancelled: {possible} are still open."
    line: LineId
    wanted: int
    possible: int


@define
class StageOfLifeError(RefusedError):
    """The order exists already."""

    sentence = "The order {order} was placed already."
    order: str


@define
class StillOpenError(RefusedError):
    """Units would be credited in full that are still to be sent."""

    sentence = "Units of line {line} have not been sent; cancel them instead of crediting them."
    line: LineId


@define
class StockNotReadyError(RefusedError):
    """Units are neither held nor awaited: the shop cannot be bound yet."""

    sentence = "The order cannot be confirmed: stock is missing for some of its units."


@define
class TendersDoNotFitError(InvalidValueError):
    """The tenders pay more than is charged, or two of them want the rest."""

    sentence = "The tenders cannot pay this order: {problem}."
    problem: str


@define
class UnknownHoldKindError(RefusedError):
    """The order has no such hold."""

    sentence = "There is no hold {kind} on this order."
    kind: HoldKind


@define
class UnknownStageError(RefusedError):
    """
    The order cannot have that stage now.

    The terms do not know it, it is inside another status, no step leads to it from the one where
    the order is, or it gives stock back that a location works with.
    """

    sentence = "The order cannot have the stage {stage!r} now: {problem}."
    stage: str
    problem: str


@define
class StageNotLeftError(UnknownStageError):
    """The order cannot be in no stage now: the host's steps lead on from the one that it is in."""

    sentence = "The order cannot leave the stage {stage} now: {problem}."
