"""
The same ports for hosts that await: equal names, equal methods, equal promises.

Each class here is the twin of the one without ``Async`` in its name, whose docstrings hold in full;
a test compares them method by method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta

from ordercore.fulfilment.model import BookingAnswer
from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.money import Money
from ordercore.order.party import Destination, Party
from ordercore.payment.answers import Answer, LookUpAnswer
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import NOT_DECLARED, BookingRequest, Envelope, PaymentCall
from ordercore.ports.repositories import Failing, LedgerRow, StoredStream, Unpublished
from ordercore.ports.unit_of_work import ChangeSet, Committed, OrderSummary, StreamKind
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import Tax

__all__ = [
    "AsyncAccountingGateway",
    "AsyncCarrierGateway",
    "AsyncCustomerDirectory",
    "AsyncEventPublisher",
    "AsyncIdSource",
    "AsyncInventoryRepository",
    "AsyncNotifier",
    "AsyncOrderRepository",
    "AsyncOutbox",
    "AsyncPartyRepository",
    "AsyncPaymentGateway",
    "AsyncSalesChannel",
    "AsyncStore",
    "AsyncTaxGateway",
    "AsyncUnitOfWork",
]


class AsyncOrderRepository(ABC):
    """Streams of facts by id, the history, and the index of what is due."""

    @abstractmethod
    async def load(self, stream: StreamId) -> StoredStream:
        """The stream as it stands."""

    @abstractmethod
    async def find_key(self, key: Key) -> Committed | None:
        """The commit that carried this key, if there is one."""

    @abstractmethod
    async def find_commit(self, commit: CommitId) -> Committed | None:
        """The commit with this id, if there is one."""

    @abstractmethod
    def history(self, stream: StreamId) -> AsyncIterator[Committed]:
        """All commits of one stream, oldest first, with the events of that stream only."""

    @abstractmethod
    async def find_claim(self, scope: str, value: str) -> StreamId | None:
        """Who holds a unique claim, such as an external order id."""

    @abstractmethod
    async def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        """Stream ids in ascending order, a page at a time."""

    @abstractmethod
    async def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        """Orders by headline status, a page at a time, in ascending order of their ids."""

    @abstractmethod
    async def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        """Streams whose ``due_at`` has passed, oldest first; each gets now + lease."""

    @abstractmethod
    async def sleep(
        self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None
    ) -> bool:
        """Set when to look again, unless the stream has moved on."""

    @abstractmethod
    async def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        """Record a worker's failure outside the facts; answers how many there were in a row."""

    @abstractmethod
    async def failing(
        self, *, after: StreamId | None = None, limit: int = 100
    ) -> tuple[Failing, ...]:
        """Streams whose last worker failed, a page at a time, in ascending order of their ids."""


class AsyncInventoryRepository(ABC):
    """Counters, what owners hold, and the ledger behind them."""

    @abstractmethod
    async def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        """The counter rows of these items at all locations."""

    @abstractmethod
    async def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        """What *owner* holds and waits for, sorted by line and location; settled rows left out."""

    @abstractmethod
    def ledger(self) -> AsyncIterator[LedgerRow]:
        """All moves sorted by item, location and the order they were applied; streamed."""

    @abstractmethod
    def all_counters(self) -> AsyncIterator[tuple[StockPlace, Counters]]:
        """All counter rows sorted by item and location; streamed."""

    @abstractmethod
    async def locations(self) -> tuple[LocationId, ...]:
        """Every location that has a counter row, sorted."""


class AsyncPartyRepository(ABC):
    """Personal data by party and version; written by commits, erased on demand."""

    @abstractmethod
    async def party(self, party: PartyId, version: int) -> Party:
        """One version; an erased one comes back empty with ``erased`` set."""

    @abstractmethod
    async def erase(self, party: PartyId) -> int:
        """Remove the data of all versions for ever; answers how many versions there were."""


class AsyncOutbox(ABC):
    """Commits that are not yet published. Called by the relay."""

    @abstractmethod
    async def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        """The oldest unpublished commit of each stream; an error where one cannot be read."""

    @abstractmethod
    async def published(self, stream: StreamId, commit: CommitId) -> None:
        """Mark one commit of one stream as published; a second time changes nothing."""


class AsyncUnitOfWork(ABC):
    """The port that writes change sets and tells the time. Called by the engine."""

    @abstractmethod
    async def now(self) -> datetime:
        """The store's own clock: one clock for all workers, aware UTC."""

    @abstractmethod
    async def commit(self, changes: ChangeSet) -> Committed:
        """Write all of *changes* or nothing."""


class AsyncStore(
    AsyncOrderRepository,
    AsyncInventoryRepository,
    AsyncPartyRepository,
    AsyncOutbox,
    AsyncUnitOfWork,
    ABC,
):
    """All storage ports over one database: what `AsyncOrderService` is given."""

    @abstractmethod
    async def close(self) -> None:
        """Give back connections and files; a second time changes nothing."""


class AsyncPaymentGateway(ABC):
    """Moves money. Called by the engine, after the intent was committed."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What it can do; frozen into the terms of each order at placement."""

    @abstractmethod
    async def authorise(self, call: PaymentCall) -> Answer:
        """Set the amount aside."""

    @abstractmethod
    async def capture(self, call: PaymentCall) -> Answer:
        """Take the amount of the authorisation ``target``; "already captured" is a success."""

    @abstractmethod
    async def void(self, call: PaymentCall) -> Answer:
        """Let the uncaptured rest of the authorisation ``target`` go."""

    @abstractmethod
    async def refund(self, call: PaymentCall) -> Answer:
        """Give the amount of the capture ``target`` back."""

    @abstractmethod
    async def look_up(self, call: PaymentCall) -> LookUpAnswer:
        """What became of the call with this key; changes nothing."""

    async def increase(self, call: PaymentCall) -> Answer:
        """Raise the authorisation ``target`` to the amount; asked where ``incremental`` is."""
        del call
        return NOT_DECLARED

    async def extend(self, call: PaymentCall) -> Answer:
        """Let the authorisation ``target`` last longer; asked where ``extend`` is declared."""
        del call
        return NOT_DECLARED


class AsyncCarrierGateway(ABC):
    """Takes parcels. Called by the engine, after the parcel was packed."""

    @abstractmethod
    async def book(self, request: BookingRequest) -> BookingAnswer:
        """Book a parcel: its tracking number and label, or why not."""


class AsyncTaxGateway(ABC):
    """Knows taxes. Called by ``service.quote``, before pricing."""

    @abstractmethod
    async def taxes(self, draft: Draft, destination: Destination) -> Mapping[str, tuple[Tax, ...]]:
        """The taxes of each line and charge, by its id; kept verbatim."""


class AsyncIdSource(ABC):
    """Makes ids. Called by the engine, the only place where something random enters."""

    @abstractmethod
    async def new_id(self) -> str:
        """A fresh id that nobody can guess; it never comes twice."""


class AsyncEventPublisher(ABC):
    """Tells the world. Called by the relay: at least once, per order in order."""

    @abstractmethod
    async def publish(self, envelope: Envelope) -> None:
        """Hand one commit over; raising means "not now", and it comes again."""


class AsyncSalesChannel(ABC):
    """A shop or marketplace that wants to hear of its orders. Called by the relay."""

    @abstractmethod
    async def tell(self, envelope: Envelope, references: tuple[tuple[str, str], ...]) -> None:
        """Tell the channel; *references* are the names that it gave the order."""


class AsyncAccountingGateway(ABC):
    """Keeps the books. Called by the relay."""

    @abstractmethod
    async def book(self, envelope: Envelope, rows: tuple[tuple[str, Money], ...]) -> None:
        """Book one balanced entry: account and amount, debits above zero."""


class AsyncCustomerDirectory(ABC):
    """Knows customers (a CRM). Called by the host when it places an order."""

    @abstractmethod
    async def find(self, party: PartyId) -> Party | None:
        """The newest data of a customer."""


class AsyncNotifier(ABC):
    """Writes to customers. Called by the relay."""

    @abstractmethod
    async def notify(self, party: PartyId, envelope: Envelope) -> None:
        """Tell the customer what happened; the words are the host's."""
