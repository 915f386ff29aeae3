"""
One commit: everything that is written together, as one value, and the port that writes it.

Promise of `UnitOfWork.commit`: all of a change set or nothing, in one transaction; the key is
unique; versions are checked; moves keep their bounds and are applied once per cause; claims are
unique; numbers are taken last; the store's own clock stamps the commit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum, unique

from attrs import define, evolve, field, frozen

from ordercore.errors import (
    BrokenContractError,
    ConflictError,
    InvalidValueError,
    RefusedError,
    UnavailableError,
)
from ordercore.facts import Event, Numbered
from ordercore.ids import Actor, CommitId, DocumentNumber, Key, PartyId, Series, StreamId
from ordercore.inventory.model import Cause, StockMove
from ordercore.inventory.moves import moves_of
from ordercore.order.model import Order
from ordercore.order.party import Party

__all__ = [
    "AlreadyClaimedError",
    "ChangeSet",
    "Committed",
    "CorruptStreamError",
    "KeyReusedError",
    "OrderExistsError",
    "OrderSummary",
    "StoreBusyError",
    "StreamChange",
    "StreamKind",
    "UniqueClaim",
    "UnitOfWork",
    "VersionConflictError",
]


@unique
class StreamKind(StrEnum):
    """What a stream of facts tells about."""

    ORDER = "order"
    INVENTORY = "inventory"
    CREDIT = "credit"


@define
class VersionConflictError(ConflictError):
    """Somebody else wrote to the stream since it was read."""

    sentence = "{stream} is at version {actual}, not {expected}; read it again and retry."
    stream: StreamId
    expected: int
    actual: int


@define
class OrderExistsError(VersionConflictError):
    """A new order was given the id of another one."""

    sentence = "{stream} exists already; choose another id, or repeat its own call with its key."


@define
class KeyReusedError(InvalidValueError):
    """The idempotency key was used for another command."""

    sentence = "The key {key} belongs to another command; use a new key for a new wish."
    key: Key


@define
class AlreadyClaimedError(RefusedError):
    """Somebody else holds what can be had once only."""

    sentence = "{value} ({scope}) is taken already and can be used once only."
    scope: str
    value: str


@define
class CorruptStreamError(BrokenContractError):
    """Stored facts that cannot be true: a gap, a foreign fact, an impossible state."""

    sentence = "The facts of {stream} are broken at version {version}: {problem}."
    stream: StreamId
    version: int
    problem: str


@define
class StoreBusyError(UnavailableError):
    """The store did not get its lock in time."""

    sentence = "The store is busy; retry with the same key."


@frozen
class UniqueClaim:
    """
    Something that can be had once only: a coupon, an external order id.

    The same owner may claim it again; any other owner is refused.
    """

    scope: str
    value: str


@frozen(kw_only=True)
class OrderSummary:
    """The columns that hosts query; derived from the order, never read back by the core."""

    status: str
    payment: str
    fulfilment: str
    returned: str
    currency: str
    total_minor: int
    placed_at: datetime
    number: DocumentNumber | None = None
    customer: PartyId | None = None
    external: str | None = None


@frozen(kw_only=True)
class StreamChange:
    """
    The new facts of one stream.

    ``expected_version`` counts events (0: the stream is new). ``counts`` is true where the commit
    carries a request, false for reports and settled tasks. ``due_at`` is when to look again, null
    when nothing is owed; it becomes *now* when the stream was woken since ``seen_wakes``.
    ``snapshot`` is the state **at** ``expected_version``, given when a cache is worth writing.
    """

    stream: StreamId
    kind: StreamKind = StreamKind.ORDER
    expected_version: int
    events: tuple[Event, ...]
    counts: bool = False
    due_at: datetime | None = None
    seen_wakes: int = 0
    summary: OrderSummary | None = None
    snapshot: Order | None = None


@frozen(kw_only=True)
class ChangeSet:
    """Everything that one commit writes."""

    commit: CommitId
    key: Key | None = None
    fingerprint: str = ""
    by: Actor
    occurred_at: datetime
    reason: str = ""
    streams: tuple[StreamChange, ...]
    claims: tuple[UniqueClaim, ...] = ()
    parties: tuple[Party, ...] = ()
    wakes: tuple[StreamId, ...] = ()

    @property
    def moves(self) -> Iterator[tuple[Cause, StockMove]]:
        """The stock moves of all events, each with its cause, in the order of the facts."""
        for change in self.streams:
            for offset, event in enumerate(change.events, start=1):
                version = change.expected_version + offset
                for index, move in enumerate(moves_of(event)):
                    yield Cause(change.stream, version, index), move

    @property
    def series(self) -> tuple[Series, ...]:
        """One entry for each number that is still to be taken, in the order of the facts."""
        return tuple(
            event.series
            for change in self.streams
            for event in change.events
            if isinstance(event, Numbered) and event.number is None
        )

    def numbered(self, numbers: tuple[DocumentNumber, ...]) -> ChangeSet:
        """The same change with *numbers* (as many as `series`) put into its events."""
        if not numbers:
            return self
        rest = iter(numbers)

        def filled(event: Event) -> Event:
            if isinstance(event, Numbered) and event.number is None:
                return evolve(event, number=next(rest))
            return event

        streams = tuple(
            evolve(change, events=tuple(filled(event) for event in change.events))
            for change in self.streams
        )
        return evolve(self, streams=streams)


@frozen(kw_only=True)
class Committed:
    """
    What stands in the store after a commit: history, idempotent answer and outbox in one.

    ``events`` and ``versions`` (the version after it) are by stream; ``woken`` names other streams
    that this commit made due.
    """

    commit: CommitId
    key: Key | None
    fingerprint: str
    by: Actor
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    events: Mapping[StreamId, tuple[Event, ...]]
    versions: Mapping[StreamId, int]
    woken: tuple[StreamId, ...] = field(default=())


class UnitOfWork(ABC):
    """
    The port that writes change sets and tells the time. Called by the engine.

    Hosts with their own database subclass it; `ordercore.testing.contracts` says whether it keeps
    its promises.
    """

    @abstractmethod
    def now(self) -> datetime:
        """The store's own clock: one clock for all workers, aware UTC."""

    @abstractmethod
    def commit(self, changes: ChangeSet) -> Committed:
        """
        Write all of *changes* or nothing.

        Raises:
            VersionConflictError: A stream is not at its expected version.
            OutOfStockError: A promise would exceed its bound; nothing was written.
            AlreadyClaimedError: Another owner holds a claim.
            KeyReusedError: The key or commit id exists with another fingerprint.
            StoreBusyError: The store's lock could not be had in time.

        A second commit with the id or key of an earlier one and the same fingerprint writes
        nothing and returns what the first one returned.
        """
