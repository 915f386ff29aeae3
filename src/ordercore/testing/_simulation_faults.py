"""
What can go wrong at one effect, and schedules that say where it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from typing import Final

from attrs import define, frozen

from ordercore.errors import UnavailableError
from ordercore.service.effects import (
    AskGateway,
    BookParcelCall,
    Commit,
    Effect,
    FindKey,
    Load,
    NewId,
    Now,
    ReadAllocations,
    ReadCounters,
    RecordFailure,
    SendToGateway,
    Sleep,
    TakeDue,
)
from ordercore.testing.sandbox import Fate

__all__ = [
    "FATES",
    "FAULTS",
    "LATE",
    "UNSURE",
    "CrashedError",
    "Fault",
    "Schedule",
    "boundary_of",
    "faults_at",
    "is_read",
    "name_of",
]


@unique
class Fault(StrEnum):
    """What goes wrong at one effect."""

    CRASH_BEFORE = "crash_before"
    """The process dies, and the effect does not happen."""
    CRASH_AFTER = "crash_after"
    """The process dies after the effect has happened."""
    STORE_DOWN = "store_down"
    """The store cannot be reached; nothing is written."""
    COMMIT_RAISED_BUT_SUCCEEDED = "commit_raised_but_succeeded"
    """The store writes it, and the connection breaks before it says so."""
    STALE_READ = "stale_read"
    """A read answers as before the last commit: it began a little earlier."""
    REQUEST_DROPPED = "request_dropped"
    """The call never reaches the gateway, and no answer comes."""
    ANSWER_DROPPED = "answer_dropped"
    """The gateway does it, and its answer never comes."""
    DUPLICATED = "duplicated"
    """The call reaches the gateway twice; the second answer comes."""
    DELAYED = "delayed"
    """No answer; the call reaches the gateway minutes later, past others."""
    GATEWAY_ERROR = "gateway_error"
    """The gateway fails (5xx) and does nothing."""
    KEPT_ERROR = "kept_error"
    """The gateway does it, fails (5xx), and replays that error for its key for ever."""
    WRONG_AMOUNT = "wrong_amount"
    """The gateway does it, and answers with another amount."""
    PENDING = "pending"
    """The gateway takes it, and knows only later what became of it."""
    WEBHOOK_FIRST = "webhook_first"
    """The webhook about it is served before the answer comes."""
    WEBHOOK_TWICE = "webhook_twice"
    """The same, and the webhook comes twice."""
    WEBHOOK_AT_ONCE = "webhook_at_once"
    """Another process serves all webhooks just before the effect."""
    ACTOR_FIRST = "actor_first"
    """Somebody else changes the order, and drives it, just before the effect."""
    SAME_KEY_FIRST = "same_key_first"
    """The client's second try, with the same key, is served just before the effect."""
    ZOMBIE = "zombie"
    """The process is paused past its lease; a worker does all; then it goes on."""
    PAST_WINDOW = "past_window"
    """Time passes until nothing may be sent any more."""
    PAST_KEY = "past_key"
    """Time passes until the gateway has forgotten the key."""
    PAST_RESERVATION = "past_reservation"
    """Time passes until an order that is not confirmed expires."""
    CLOCK_BACK = "clock_back"
    """The clock is read as a minute earlier than it is."""
    CLOCK_AHEAD = "clock_ahead"
    """The clock is read as a minute later than it is."""
    SKEW_BACK = "skew_back"
    """The whole call reads the clock as a minute earlier than it is."""
    SKEW_AHEAD = "skew_ahead"
    """The whole call reads the clock as a minute later than it is."""
    OWN_CLOCK = "own_clock"
    """The process's own clock is an hour ahead of the store's, which alone counts."""
    GATEWAY_BACK = "gateway_back"
    """The gateway's clock is a minute behind the store's, from its first call on."""
    GATEWAY_AHEAD = "gateway_ahead"
    """From here on the gateway's clock is a minute ahead of the store's."""
    SLOW_CALL = "slow_call"
    """The answer takes as long as it may; other workers look for what is due meanwhile."""


LATE: Final = frozenset({Fault.PAST_WINDOW, Fault.PAST_KEY, Fault.PAST_RESERVATION})
"""Faults after which an order may rightly have expired."""

UNSURE: Final = frozenset(
    {
        Fault.CRASH_AFTER,
        Fault.COMMIT_RAISED_BUT_SUCCEEDED,
        Fault.STALE_READ,
        Fault.WRONG_AMOUNT,
        Fault.PENDING,
        Fault.WEBHOOK_FIRST,
        Fault.WEBHOOK_TWICE,
        Fault.WEBHOOK_AT_ONCE,
        Fault.ACTOR_FIRST,
        Fault.SAME_KEY_FIRST,
        Fault.SKEW_BACK,
        Fault.SKEW_AHEAD,
        Fault.GATEWAY_BACK,
        Fault.GATEWAY_AHEAD,
    }
)
"""Faults that may find nothing to strike: the world says whether they did."""

_OTHERS: Final = (Fault.ACTOR_FIRST, Fault.SAME_KEY_FIRST, Fault.ZOMBIE, Fault.WEBHOOK_AT_ONCE)
_SKEWS: Final = (Fault.SKEW_BACK, Fault.SKEW_AHEAD)
FAULTS: Final[Mapping[type[Effect[object]], tuple[Fault, ...]]] = {
    Commit: (
        Fault.CRASH_BEFORE,
        Fault.CRASH_AFTER,
        Fault.STORE_DOWN,
        Fault.COMMIT_RAISED_BUT_SUCCEEDED,
        *_OTHERS,
        Fault.PAST_WINDOW,
        Fault.PAST_KEY,
        Fault.PAST_RESERVATION,
    ),
    SendToGateway: (
        Fault.CRASH_BEFORE,
        Fault.CRASH_AFTER,
        Fault.REQUEST_DROPPED,
        Fault.ANSWER_DROPPED,
        Fault.DUPLICATED,
        Fault.DELAYED,
        Fault.GATEWAY_ERROR,
        Fault.KEPT_ERROR,
        Fault.WRONG_AMOUNT,
        Fault.PENDING,
        Fault.WEBHOOK_FIRST,
        Fault.WEBHOOK_TWICE,
        *_OTHERS,
        Fault.SLOW_CALL,
    ),
    BookParcelCall: (
        Fault.CRASH_BEFORE,
        Fault.CRASH_AFTER,
        Fault.REQUEST_DROPPED,
        Fault.ANSWER_DROPPED,
        Fault.DUPLICATED,
        Fault.DELAYED,
        Fault.GATEWAY_ERROR,
        *_OTHERS,
    ),
    AskGateway: (
        Fault.CRASH_BEFORE,
        Fault.CRASH_AFTER,
        Fault.REQUEST_DROPPED,
        Fault.GATEWAY_ERROR,
        Fault.WEBHOOK_FIRST,
        *_OTHERS,
        Fault.PAST_KEY,
    ),
    FindKey: (
        Fault.CRASH_BEFORE,
        Fault.STALE_READ,
        Fault.SAME_KEY_FIRST,
        *_SKEWS,
        Fault.GATEWAY_BACK,
        Fault.GATEWAY_AHEAD,
    ),
    Load: (Fault.CRASH_BEFORE, Fault.STORE_DOWN, Fault.STALE_READ, Fault.SAME_KEY_FIRST),
    ReadCounters: (Fault.CRASH_BEFORE, Fault.STALE_READ),
    ReadAllocations: (Fault.CRASH_BEFORE, Fault.ACTOR_FIRST),
    Sleep: (
        Fault.CRASH_BEFORE,
        Fault.CRASH_AFTER,
        Fault.ACTOR_FIRST,
        Fault.WEBHOOK_AT_ONCE,
        Fault.PAST_WINDOW,
    ),
    TakeDue: (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, *_SKEWS, Fault.OWN_CLOCK),
    RecordFailure: (Fault.CRASH_BEFORE, Fault.CRASH_AFTER),
    Now: (Fault.CRASH_BEFORE, Fault.CLOCK_BACK, Fault.CLOCK_AHEAD),
}
"""What can go wrong at which kind of effect; at any other, the process dies before it."""

FATES: Final = {
    Fault.REQUEST_DROPPED: Fate.LOST_CALL,
    Fault.ANSWER_DROPPED: Fate.LOST_ANSWER,
    Fault.DELAYED: Fate.LATE_CALL,
    Fault.GATEWAY_ERROR: Fate.ERROR,
    Fault.KEPT_ERROR: Fate.KEPT_ERROR,
    Fault.WRONG_AMOUNT: Fate.WRONG_AMOUNT,
    Fault.PENDING: Fate.PENDING,
}
"""Faults that a gateway or a carrier has by itself, as it calls them."""


@define
class CrashedError(UnavailableError):
    """The simulated process died; what it had not written is gone."""

    sentence = "The process died at effect {index}."
    index: int


@frozen
class Schedule:
    """
    Which fault strikes at the effect with which number, counted from 0 over a whole life.

    >>> print(Schedule(((3, Fault.CRASH_AFTER), (9, Fault.ANSWER_DROPPED))))
    effect 3: crash_after
    effect 9: answer_dropped
    """

    strikes: tuple[tuple[int, Fault], ...] = ()

    @property
    def last(self) -> int:
        """The number of the last effect that is struck; -1 where none is."""
        return max((index for index, _ in self.strikes), default=-1)

    def fault_at(self, index: int) -> Fault | None:
        """The fault at this effect, if any."""
        return dict(self.strikes).get(index)

    def then(self, index: int, fault: Fault) -> Schedule:
        """The same with one fault more."""
        return Schedule((*self.strikes, (index, fault)))

    def without(self, nth: int) -> Schedule:
        """The same without its nth fault."""
        return Schedule(self.strikes[:nth] + self.strikes[nth + 1 :])

    def between(self, start: int, stop: int) -> Schedule:
        """The faults at effects *start* to *stop* - 1, counted from *start*."""
        return Schedule(
            tuple((index - start, fault) for index, fault in self.strikes if start <= index < stop)
        )

    def __str__(self) -> str:
        return "\n".join(f"effect {index}: {fault}" for index, fault in self.strikes) or "no fault"


def faults_at(effect: Effect[object]) -> tuple[Fault, ...]:
    """What can go wrong at an effect; to die after a mere read is to die before the next one."""
    return FAULTS.get(type(effect), (Fault.CRASH_BEFORE,))


def is_read(effect: Effect[object]) -> bool:
    """Whether an effect changes nothing outside."""
    return isinstance(effect, Now | NewId | FindKey | Load | ReadCounters | ReadAllocations)


def boundary_of(effect: Effect[object]) -> str:
    """The kind of boundary that an effect is, as the table of pairs counts it."""
    return type(effect).__name__


def name_of(effect: Effect[object]) -> str:
    """An effect in a printed schedule."""
    name = boundary_of(effect)
    if isinstance(effect, SendToGateway | AskGateway):
        return f"{name}({effect.request.operation})"
    if isinstance(effect, Commit):
        events = (event for change in effect.changes.streams for event in change.events)
        return f"{name}({', '.join(_types(events))})"
    return name


def _types(values: Iterator[object]) -> Iterator[str]:
    return (type(value).__name__ for value in values)
