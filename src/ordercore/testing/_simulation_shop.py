"""
The simulated shop: its settings, its outside, and what others do in between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import ConflictError, NotFoundError, OrderCoreError, UnavailableError
from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, StreamId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.inventory.sourcing import InOrder
from ordercore.order.commands import AddNote
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.ports.gateways import IdSource, PaymentGateway
from ordercore.service.effects import Ports
from ordercore.service.engine import Engine
from ordercore.service.intentions import StockOperation, intention_of
from ordercore.service.stock import StockEngine
from ordercore.service.sync import run
from ordercore.service.worker import Worker
from ordercore.testing._simulation_store import (
    Histories,
    Saved,
    SimulatedStore,
    books_likeness,
    labels_likeness,
)
from ordercore.testing.sandbox import Faults, SandboxCarrier, SandboxGateway

__all__ = ["LINE", "ORDER", "PUNCTUAL", "SHOP", "SLOW", "STAFF", "STREAM", "Setting", "Shop"]

ORDER: Final = OrderId("order-1")
STREAM: Final = StreamId(ORDER)
LINE: Final = LineId("1")
ITEM: Final = ItemId("item-1")
SHOP: Final = LocationId("shop")
CLIENT, STAFF = Actor("customer:1"), Actor("staff:1")
STOCKED: Final = 5
MOST_ROUNDS: Final = 50

PUNCTUAL: Final = timedelta(0)
"""A worker that comes when it should: a payment may still be sent again."""
SLOW: Final = timedelta(minutes=20)
"""A worker that comes when nothing may be sent any more, and the gateway must be asked."""


def itself(gateway: PaymentGateway) -> PaymentGateway:
    """Nothing between the engine and the gateway."""
    return gateway


@frozen(kw_only=True)
class Setting:
    """
    What is tested, and how its world goes on where nothing strikes.

    ``engine`` and ``terms`` are the host's own. ``between`` puts the host's own gateway in front
    of the sandbox; it is called once for each process, so that it keeps nothing when one dies.
    ``hears``: whether webhooks arrive. ``lateness``: how late the worker comes to what is due.
    ``hurries``: whether the client goes on while something is still in doubt.
    ``reconciles``: whether every figure of the gateway's books is reported once all is at rest,
    which must then be no news.
    """

    engine: Engine = field(factory=Engine)
    terms: Terms = field(factory=Terms)
    between: Callable[[PaymentGateway], PaymentGateway] = itself
    hears: bool = True
    lateness: timedelta = PUNCTUAL
    hurries: bool = False
    reconciles: bool = True

    def __str__(self) -> str:
        late = "slow worker" if self.lateness else ""
        hurry = "client in a hurry" if self.hurries else ""
        told = "told" if self.hears else "never told"
        return ", ".join(filter(None, (told, late, hurry)))


@frozen(kw_only=True)
class Machine(Ports):
    """The outside as one process sees it; ``clock`` is its own, which nobody should trust."""

    clock: Callable[[], datetime]


class Numbers(IdSource):
    """1, 2, 3 …: the same life gives the same ids."""

    def __init__(self) -> None:
        self.last = 0

    def new_id(self) -> str:
        self.last += 1
        return f"id-{self.last}"


def staff(shop: Shop) -> None:
    """Somebody writes a note to the order, and drives it with that."""
    note = AddNote(text="seen")
    intention = intention_of(note, key=None, by=STAFF, order=ORDER)
    try:
        run(shop.setting.engine.execute(STREAM, note, intention), shop.ports())
    except NotFoundError:
        return


@define
class Shop:
    """One shop with one clock; ``offset`` is how far the gateway's is ahead of the store's."""

    setting: Setting = field(factory=Setting)
    terms: Terms = field(factory=Terms)
    others: Callable[[Shop], None] = staff
    """What somebody else does, where the fault is that somebody was first."""
    histories: Histories = field(factory=Histories)
    states: dict[Hashable, int] = field(factory=dict[Hashable, int])
    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    offset: timedelta = timedelta(0)
    drift: timedelta = timedelta(0)
    """How far the running process's own clock is ahead of the store's."""
    heard: int = 0
    """How many webhooks others have served."""
    surprises: list[str] = field(factory=list[str])
    """What others, who came in between, should not have been told."""
    gateway: SandboxGateway = field(init=False)
    carrier: SandboxCarrier = field(init=False)
    store: SimulatedStore = field(init=False)
    ids: Numbers = field(init=False)
    stock: StockEngine = field(init=False)
    worker: Worker = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the shop, and put some stock on its shelf."""
        faults = Faults(
            lost=0 if self.setting.hears else 1000, longest_delay=self.terms.payment.max_delay
        )
        self.gateway = SandboxGateway(
            ":memory:",
            clock=lambda: self.now + self.offset,
            decline=False,
            faults=faults,
            capabilities=self.terms.capabilities,
        )
        self.carrier = SandboxCarrier(":memory:", clock=self.clock, collects_after=None)
        self.store = SimulatedStore(self.clock, self.histories)
        self.ids = Numbers()
        self.stock = StockEngine(strategy=InOrder())
        self.worker = Worker(engine=self.setting.engine, stock=self.stock)
        self.receive(STOCKED)

    def clock(self) -> datetime:
        """The time of the store."""
        return self.now

    def ports(self) -> Machine:
        """The outside as one new process sees it."""
        return Machine(
            store=self.store,
            payments=self.setting.between(self.gateway),
            carrier=self.carrier,
            ids=self.ids,
            clock=lambda: self.now + self.drift,
        )

    def order(self) -> Order:
        """
        The order as it stands; not counted.

        Raises:
            UnknownOrderError: It was not placed yet.
        """
        return self._order(STREAM)

    def orders(self) -> tuple[Order, ...]:
        """The order, and those that were made from it."""
        return tuple(map(self._order, self.store.streams()))

    def _order(self, stream: StreamId) -> Order:
        return run(self.setting.engine.load(stream), self.ports())

    # --- going back -----------------------------------------------------------------------------

    def save(self) -> Saved:
        """Everything, to go back to."""
        books = self.gateway.save()
        labels = self.carrier.save() if self.terms.book_carrier else ()
        state = self.store.fingerprint(), books.fingerprint(), labels, self.offset, self.now
        number = self.states.setdefault(state, len(self.states))
        lifetime = self.gateway.capabilities.key_lifetime
        told = books_likeness(books, self.now + self.offset, lifetime)
        like = self.store.likeness(), told, labels_likeness(labels, self.now), self.offset
        likeness = self.states.setdefault(like, len(self.states))
        return Saved(
            self.store.save(), books, labels, self.offset, self.now, self.ids.last, number, likeness
        )

    def restore(self, saved: Saved) -> None:
        """Go back."""
        self.store.restore(saved.store)
        self.gateway.restore(saved.books)
        if self.terms.book_carrier:
            self.carrier.restore(saved.labels)
        self.offset, self.now, self.ids.last = saved.offset, saved.now, saved.ids

    # --- what others do -------------------------------------------------------------------------

    def receive(self, count: int) -> None:
        """Goods arrive."""
        line = ReceivedLine(item=ITEM, location=SHOP, quantity=count)
        self.warehouse(ReceiveStock(lines=(line,)))

    def warehouse(self, command: StockOperation) -> None:
        """Something is done to stock that belongs to no order."""
        run(self.stock.execute(command, by=STAFF), self.ports())

    def aside(self, others: Callable[[], object]) -> None:
        """Let others act; what goes wrong there is not the paused process's business."""
        try:
            others()
        except (ConflictError, UnavailableError):
            return
        except OrderCoreError as error:
            self.surprises.append(f"in between: {error.code}: {error}")

    def others_hear(self, copies: int) -> None:
        """Other processes serve all webhooks, each so many times."""
        for delivery in self.gateway.webhooks():
            self.heard += 1
            for _ in range(copies):
                stream = StreamId(delivery.order)
                intention = intention_of(delivery.report, key=None, by=CLIENT, order=delivery.order)
                run(self.setting.engine.execute(stream, delivery.report, intention), self.ports())

    def others_work(self) -> None:
        """Another worker does all that is due."""
        for _ in range(MOST_ROUNDS):
            if run(self.worker.run_due(10), self.ports()).is_idle:
                return
