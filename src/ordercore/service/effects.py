"""
What the engine asks of its driver: every touch of the outside world, as a value.

The engine is one coroutine that awaits effects. A driver takes each effect, lets it call the port
it names, and sends the answer back: the sync shell calls plain ports, the async shell awaits
ports with the same methods, the simulator strikes faults between the two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from pathlib import PurePath
from traceback import extract_tb
from typing import Generic, TypeVar

from attrs import frozen

from ordercore.errors import UnavailableError
from ordercore.fulfilment.model import BookingAnswer
from ordercore.ids import ItemId, Key, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.payment.answers import Answer, LookUpAnswer
from ordercore.payment.model import Operation
from ordercore.ports.gateways import (
    BookingRequest,
    CarrierGateway,
    IdSource,
    PaymentCall,
    PaymentGateway,
)
from ordercore.ports.repositories import Store, StoredStream
from ordercore.ports.unit_of_work import ChangeSet, Committed

__all__ = [
    "AskGateway",
    "BookParcelCall",
    "Commit",
    "Effect",
    "FindKey",
    "Load",
    "NewId",
    "Now",
    "Ports",
    "ReadAllocations",
    "ReadCounters",
    "RecordFailure",
    "SendToGateway",
    "Sleep",
    "TakeDue",
    "where",
    "written",
]

_T_co = TypeVar("_T_co", covariant=True)


def where(error: Exception) -> str:
    """
    The kind of a foreign error and the line that raised it; not its words: they may hold secrets.

    >>> try:
    ...     [][1]
    ... except IndexError as error:
    ...     where(error).startswith("IndexError in <module>")
    True
    """
    frames = extract_tb(error.__traceback__)
    kind = type(error).__name__
    if not frames:
        return kind
    return f"{kind} in {frames[-1].name} ({PurePath(frames[-1].filename).name}:{frames[-1].lineno})"


@frozen(kw_only=True)
class Ports:
    """The outside as one service sees it."""

    store: Store
    payments: PaymentGateway
    carrier: CarrierGateway
    ids: IdSource


class Effect(ABC, Generic[_T_co]):
    """One question to the driver; awaiting it gives the answer."""

    def __await__(self) -> Generator[Effect[object], object, _T_co]:
        answer = yield self
        return answer  # type: ignore[return-value]  # the driver answers with what `call` gives

    @abstractmethod
    def call(self, ports: Ports) -> _T_co:
        """Ask the port; with async ports the answer is an awaitable of it."""


@frozen
class Now(Effect[datetime]):
    """The store's clock."""

    def call(self, ports: Ports) -> datetime:
        return ports.store.now()


@frozen
class NewId(Effect[str]):
    """A fresh, unguessable id."""

    def call(self, ports: Ports) -> str:
        return ports.ids.new_id()


@frozen
class FindKey(Effect["Committed | None"]):
    """The commit that carried this idempotency key."""

    key: Key

    def call(self, ports: Ports) -> Committed | None:
        return ports.store.find_key(self.key)


@frozen
class Load(Effect[StoredStream]):
    """One stream as it stands."""

    stream: StreamId

    def call(self, ports: Ports) -> StoredStream:
        return ports.store.load(self.stream)


@frozen
class ReadCounters(Effect["Mapping[StockPlace, Counters]"]):
    """Stock counters of some items at all locations."""

    items: tuple[ItemId, ...]

    def call(self, ports: Ports) -> Mapping[StockPlace, Counters]:
        return ports.store.counters(self.items)


@frozen
class ReadAllocations(Effect["tuple[Allocation, ...]"]):
    """What one owner holds and waits for."""

    owner: StreamId

    def call(self, ports: Ports) -> tuple[Allocation, ...]:
        return ports.store.allocations(self.owner)


@frozen
class Commit(Effect[Committed]):
    """Write a change set, all or nothing."""

    changes: ChangeSet

    def call(self, ports: Ports) -> Committed:
        return ports.store.commit(self.changes)


async def written(changes: ChangeSet) -> Committed:
    """
    Commit; once more where the store did not say whether it did: it knows the commit by its id.

    Raises:
        UnavailableError: It did not say so twice.
    """
    try:
        return await Commit(changes)
    except UnavailableError:
        return await Commit(changes)


@frozen
class Sleep(Effect[bool]):
    """Set when to look at a stream again, unless it has moved on."""

    stream: StreamId
    version: int
    wakes: int
    until: datetime | None

    def call(self, ports: Ports) -> bool:
        return ports.store.sleep(
            self.stream, version=self.version, wakes=self.wakes, due_at=self.until
        )


@frozen
class TakeDue(Effect["tuple[StreamId, ...]"]):
    """Streams that are due, leased to this worker."""

    limit: int
    lease: timedelta

    def call(self, ports: Ports) -> tuple[StreamId, ...]:
        return ports.store.take_due(limit=self.limit, lease=self.lease)


@frozen
class RecordFailure(Effect[int]):
    """Keep a stream that failed out of the way for a while."""

    stream: StreamId
    error: str
    back_off: tuple[timedelta, ...]

    def call(self, ports: Ports) -> int:
        return ports.store.failed(self.stream, error=self.error, back_off=self.back_off)


@frozen
class SendToGateway(Effect[Answer]):
    """Perform a payment operation whose intent is saved."""

    request: PaymentCall

    def call(self, ports: Ports) -> Answer:
        match self.request.operation:
            case Operation.AUTHORISE:
                return ports.payments.authorise(self.request)
            case Operation.CAPTURE:
                return ports.payments.capture(self.request)
            case Operation.VOID:
                return ports.payments.void(self.request)
            case Operation.REFUND:
                return ports.payments.refund(self.request)
            case Operation.INCREASE:
                return ports.payments.increase(self.request)
            case Operation.EXTEND:
                return ports.payments.extend(self.request)


@frozen
class AskGateway(Effect[LookUpAnswer]):
    """Ask what became of an operation."""

    request: PaymentCall

    def call(self, ports: Ports) -> LookUpAnswer:
        return ports.payments.look_up(self.request)


@frozen
class BookParcelCall(Effect[BookingAnswer]):
    """Book a parcel with the carrier."""

    request: BookingRequest

    def call(self, ports: Ports) -> BookingAnswer:
        return ports.carrier.book(self.request)
