"""
Duty: a worker that goes on until somebody says stop, for a process of its own.

`work` takes due streams one by one. A wish to stop is looked at between two of them, so a call that
is under way ends, its answer is written, and the order rests before the process does. A store that
does not answer is asked again after a while; nothing is lost meanwhile, because what is due is due
until it is done.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, current_thread, main_thread
from types import FrameType
from typing import Final, TypeAlias

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError, UnavailableError
from ordercore.service.aio import AsyncOrderService
from ordercore.service.sync import OrderService
from ordercore.service.worker import Round

__all__ = [
    "OUTAGE",
    "Duty",
    "InvalidPauseError",
    "SignalNotTakenError",
    "Stop",
    "stopping",
    "work",
    "work_async",
]

OUTAGE: Final = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=1),
)
"""How long a store that does not answer is left alone: the n-th time in a row, then the last."""

LOOK: Final = timedelta(milliseconds=200)
"""How often a worker that awaits looks at the wish to stop."""

Told: TypeAlias = Round | UnavailableError
"""What a worker tells of: what it did, or that the store did not answer."""

_Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None
"""What a signal does."""


@define
class InvalidPauseError(InvalidValueError):
    """A worker would ask without rest, or never."""

    sentence = "The pause of a worker must be longer than nothing and at most a day."


@define
class SignalNotTakenError(InvalidValueError):
    """A signal cannot be made a wish to stop."""

    sentence = "The signal {signal} cannot be made a wish to stop: {problem}."
    signal: str
    problem: str


class Stop:
    """
    A wish to stop, once and for all: from a signal, another thread, or a test.

    >>> stop = Stop()
    >>> stop.wish()
    >>> stop.wait(timedelta(hours=1))
    True
    """

    def __init__(self) -> None:
        self._event = Event()

    def wish(self) -> None:
        """Ask for the stop; a second time changes nothing."""
        self._event.set()

    def __bool__(self) -> bool:
        """Whether it was asked for."""
        return self._event.is_set()

    def wait(self, most: timedelta) -> bool:
        """Wait until it is asked for, at most so long; whether it was."""
        return self._event.wait(most.total_seconds())


@contextmanager
def stopping(
    *, signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGINT)
) -> Generator[Stop]:
    """
    A wish to stop that these signals make; afterwards they mean what they meant before.

    Signals reach the main thread only, so it is entered there.

    Raises:
        SignalNotTakenError: One of them cannot be taken; all mean what they meant before.
    """
    stop = Stop()

    def wish(_number: int, _frame: FrameType | None) -> None:
        stop.wish()

    before: dict[signal.Signals, _Handler] = {}
    try:
        for one in dict.fromkeys(signals):
            before[one] = _taken(one, wish)
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _taken(one: signal.Signals, wish: Callable[[int, FrameType | None], None]) -> _Handler:
    """What the signal meant before; from now on it is a wish."""
    name = getattr(one, "name", repr(one))
    if current_thread() is not main_thread():
        raise SignalNotTakenError(name, "signals reach the main thread only")
    try:
        return signal.signal(one, wish)
    except OSError:
        raise SignalNotTakenError(name, "no process may handle it") from None
    except (TypeError, ValueError):
        raise SignalNotTakenError(name, "it is no signal of this system") from None


@frozen(kw_only=True)
class Duty:
    """What a worker did from its start to its stop: streams served, failures, outages."""

    served: int = 0
    failed: int = 0
    outages: int = 0


def _silent(told: Told) -> None:
    """Tell nobody."""


@define
class _Watch:
    """The count of one duty, and how long to wait next."""

    tell: Callable[[Told], None]
    pause: timedelta
    served: int = 0
    failed: int = 0
    outages: int = 0
    in_a_row: int = field(default=0, init=False)

    def after(self, told: Told) -> timedelta | None:
        """How long to wait after this; None: go on at once."""
        if isinstance(told, UnavailableError):
            self.outages += 1
            self.in_a_row += 1
            self.tell(told)
            return OUTAGE[min(self.in_a_row, len(OUTAGE)) - 1]
        self.in_a_row = 0
        if told.is_idle:
            return self.pause
        self.served += len(told.served)
        self.failed += len(told.failed)
        self.tell(told)
        return None

    @property
    def duty(self) -> Duty:
        """What was done."""
        return Duty(served=self.served, failed=self.failed, outages=self.outages)


def _watch(tell: Callable[[Told], None], pause: timedelta) -> _Watch:
    is_long = type(pause) is timedelta and timedelta(0) < pause <= timedelta(days=1)
    if not is_long:
        raise InvalidPauseError
    return _Watch(tell, pause)


def work(
    service: OrderService,
    *,
    stop: Stop,
    pause: timedelta = timedelta(seconds=1),
    tell: Callable[[Told], None] = _silent,
) -> Duty:
    """
    Serve what is due, one stream after the other, until *stop* is wished.

    Any number of workers may be on duty at once, in threads, processes or machines.

    Args:
        service: Whose orders, holds and accounts.
        stop: Ends it, after the stream that is in hand; see `stopping`.
        pause: How long to wait where nothing is due.
        tell: Called after each stream with its round, whose ``failed`` names what failed, and with
            the error where the store did not answer. `OrderRepository.failing` lists all that fail.

    Raises:
        InvalidPauseError: The pause is none.
    """
    watch = _watch(tell, pause)
    while not stop:
        try:
            told: Told = service.run_due(limit=1)
        except UnavailableError as error:
            told = error
        wait = watch.after(told)
        if wait is not None:
            stop.wait(wait)
    return watch.duty


async def work_async(
    service: AsyncOrderService,
    *,
    stop: Stop,
    pause: timedelta = timedelta(seconds=1),
    tell: Callable[[Told], None] = _silent,
) -> Duty:
    """The same for a service that is awaited; other work of the event loop goes on meanwhile."""
    watch = _watch(tell, pause)
    while not stop:
        try:
            told: Told = await service.run_due(limit=1)
        except UnavailableError as error:
            told = error
        wait = watch.after(told)
        if wait is not None:
            await _waited(stop, wait)
    return watch.duty


async def _waited(stop: Stop, most: timedelta) -> None:
    """Look at the wish now and then: the event loop is not told of it."""
    left = most
    while left > timedelta(0) and not stop:
        await asyncio.sleep(min(left, LOOK).total_seconds())
        left -= LOOK
