"""
One order in hand: who wants what of it, what was read, and what the next commit will write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import BrokenContractError, ConflictError
from ordercore.facts import Event
from ordercore.ids import Actor, Key, OrderId, StreamId
from ordercore.order.decide import evolve as fold
from ordercore.order.model import Order
from ordercore.order.party import Party
from ordercore.ports.unit_of_work import (
    Committed,
    OrderExistsError,
    StreamChange,
    UniqueClaim,
    VersionConflictError,
)
from ordercore.process.due import Agenda
from ordercore.process.tasks import ReserveStock, Task
from ordercore.service.asking import Ask, plainly
from ordercore.service.cart import Cart
from ordercore.service.credit import Purse
from ordercore.service.elder import Elder

__all__ = [
    "SYSTEM",
    "Intention",
    "Receipt",
    "RunawayError",
    "Turn",
]

SYSTEM: Final = Actor("system")


@define
class RunawayError(BrokenContractError):
    """An order did not come to rest: its tasks make new tasks for ever."""

    sentence = "{order} did not come to rest after {rounds} rounds; its rules contradict."
    order: OrderId
    rounds: int


def _content(order: Order | None, events: tuple[Event, ...]) -> None:
    """Nothing stands against any facts."""


@frozen(kw_only=True)
class Intention:
    """
    Who wants something, under which key, and what is written beside the facts.

    ``judge`` sees the order before and the facts that were decided, and raises where they may not
    be: so what was judged is what is written, however often it is decided anew.
    """

    by: Actor = SYSTEM
    key: Key | None = None
    fingerprint: str = ""
    reason: str = ""
    claims: tuple[UniqueClaim, ...] = ()
    parties: tuple[Party, ...] = ()
    counts: bool = False
    expected_version: int | None = None
    judge: Callable[[Order | None, tuple[Event, ...]], None] = field(
        default=_content, eq=False, repr=False
    )


@frozen(kw_only=True)
class Receipt:
    """
    The answer to a command: the order as it stands now and the facts that the command made.

    ``replayed``: the key was known; these are the facts of the first time.
    """

    order: Order
    events: tuple[Event, ...]
    key: Key | None = None
    recorded_at: datetime | None = None
    replayed: bool = False


@define
class Turn:
    """One order in hand: as it was read, and the facts that the next commit will write."""

    stream: StreamId
    read: Order | None
    requested: int = 0
    wakes: int = 0
    tail: int = 0
    due_at: datetime | None = None
    has_failed: bool = False
    """Whether workers failed on it: its rest is recorded even where nothing else changes."""
    order: Order | None = None
    events: list[Event] = field(factory=list[Event])
    answered: set[Task] = field(factory=set[Task])
    committed: Committed | None = None
    has_taken: bool = False
    """Whether the next commit takes stock that was read: what is read does not know of it."""
    is_late: bool = False
    """Whether ``committed`` is what somebody else wrote first under the same key."""
    purses: dict[StreamId, Purse] = field(factory=dict[StreamId, Purse])
    """Accounts of store value that pay for it in the same commit."""
    cart: Cart | None = None
    """The hold that it takes over in the same commit."""
    elder: Elder | None = None
    """The order that it was made from, where that one gets money back in the same commit."""
    given: StreamId | None = None
    """The same order, once that is written: something is due there now."""
    agenda: Agenda | None = None
    """What was due when it was last looked at."""
    ask: Ask = plainly

    @property
    def current(self) -> Order:
        """The order with the facts that are not yet written."""
        if self.order is None:
            raise BrokenContractError
        return self.order

    def add(self, events: tuple[Event, ...]) -> None:
        """Fold new facts in."""
        for event in events:
            self.order = self.ask(fold, self.order, event)
            self.events.append(event)

    def due(self, now: datetime) -> Agenda:
        """What it owes at this instant."""
        known = self.agenda
        if known is None or known.order is not self.order or known.now != now:
            known = self.agenda = self.ask(Agenda, self.current, now)
        return known

    def is_open(self, task: Task) -> bool:
        """
        Whether a task is still to be settled in this commit.

        Stock is taken once in a commit: what is read does not know yet what it takes.
        """
        if task in self.answered:
            return False
        return not (self.has_taken and isinstance(task, ReserveStock))

    def beside(self, now: datetime) -> Iterator[StreamChange]:
        """
        What the same commit writes of the accounts that pay, of the cart and of an older order.

        An account that only refused is a condition too: it must not have changed since.
        """
        purses = self.purses.values()
        yield from (purse.change for purse in purses if purse.events or purse.version)
        if self.cart is not None:
            yield self.cart.change
        if self.elder is not None:
            yield self.elder.change(now)

    def is_beside(self, stream: StreamId) -> bool:
        """Whether a stream is only written beside it: an account, a cart, an older order."""
        others = (self.cart, self.elder)
        return stream in self.purses or any(one and stream == one.stream for one in others)

    def is_about_order(self, error: Exception) -> bool:
        """Whether somebody else was first at the order, not at what is written beside it."""
        is_other = isinstance(error, VersionConflictError) and self.is_beside(error.stream)
        return isinstance(error, ConflictError) and not is_other

    def told(self, error: Exception) -> Exception:
        """The error as the caller understands it: a new order never had a version."""
        is_new = isinstance(error, VersionConflictError) and error.expected == 0
        if type(error) is VersionConflictError and is_new and not self.is_beside(error.stream):
            return OrderExistsError(error.stream, error.expected, error.actual)
        return error

    @property
    def version(self) -> int:
        """How many facts are stored."""
        return 0 if self.read is None else self.read.version
