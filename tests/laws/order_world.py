"""
A shop in memory: a clock, a till with books of its own, a store, and a service over them.

The till keeps the truth about money: what really moved. It can be told to decline, to answer by
silence, or to break; it is idempotent by key, as gateways are.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import count
from typing import Final

from attrs import define, field

from ordercore.adapters.memory import MemoryStore
from ordercore.facts import Report, Request
from ordercore.fulfilment.commands import Dispatch, PackItem, PackParcel, ReportTracking
from ordercore.fulfilment.model import FulfilmentOrder, ParcelStatus
from ordercore.ids import (
    Actor,
    ItemId,
    Key,
    LineId,
    LocationId,
    OrderId,
    ParcelId,
    Reference,
    Sku,
    TenderId,
)
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR, Money
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    Succeeded,
    Unknown,
)
from ordercore.payment.model import Operation, Tender, TenderKind
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import IdSource, PaymentCall, PaymentGateway
from ordercore.ports.repositories import Store
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import DraftLine, PricedOrder, UnitPrice
from ordercore.pricing.totals import price
from ordercore.service.engine import Receipt
from ordercore.service.sync import OrderService

START: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
NORTH: Final = LocationId("north")
SOUTH: Final = LocationId("south")
BUYER: Final = Actor("customer:1")
STAFF: Final = Actor("staff:ann")
CARD: Final = Tender(id=TenderId("card"), instrument="tok_visa")
ACCOUNT: Final = Tender(id=TenderId("account"), kind=TenderKind.ON_ACCOUNT)


def eur(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor, EUR)


def gift(minor: int) -> Tender:
    """A gift card that pays so much of an order."""
    return Tender(id=TenderId("gift"), kind=TenderKind.GIFT_CARD, amount=eur(minor))


def line(name: str, quantity: int, unit: int = 1000) -> DraftLine:
    """A line of an item of the same name."""
    return DraftLine(
        id=LineId(name),
        item=ItemId(name),
        sku=Sku(name.upper()),
        quantity=quantity,
        unit_price=UnitPrice(eur(unit)),
    )


def basket(*lines: DraftLine) -> PricedOrder:
    """A priced order of these lines."""
    return price(Draft(currency=EUR, lines=lines))


@define
class Clock:
    """Time that passes when it is told to."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present instant; each look takes a millisecond."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@define
class Ids(IdSource):
    """Ids in a row: the same run gives the same ids."""

    prefix: str = "id"
    numbers: count[int] = field(factory=lambda: count(1))

    def new_id(self) -> str:
        return f"{self.prefix}-{next(self.numbers)}"


class Fate(Enum):
    """What becomes of one call."""

    FINE = auto()
    DECLINED = auto()
    SOFT = auto()
    LOST_CALL = auto()
    """It never arrives, and there is no answer."""
    LOST_ANSWER = auto()
    """It happens, and there is no answer."""
    BROKEN = auto()
    """It happens, and the adapter raises."""


@define
class Till(PaymentGateway):
    """A payment gateway with books: what really moved, by key."""

    fates: deque[Fate] = field(factory=deque[Fate])
    able: Capabilities = field(factory=Capabilities)
    done: dict[Key, PaymentCall] = field(factory=dict[Key, PaymentCall])
    declined: set[Key] = field(factory=set[Key])
    calls: list[PaymentCall] = field(factory=list[PaymentCall])

    @property
    def capabilities(self) -> Capabilities:
        return self.able

    def authorise(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def capture(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def void(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def refund(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        if call.key in self.done:
            return self._succeeded(call)
        if call.key in self.declined:
            return Declined(kind=DeclineKind.HARD, code="no")
        return NotFound()

    def _call(self, call: PaymentCall) -> Answer:
        self.calls.append(call)
        fate = self.fates.popleft() if self.fates else Fate.FINE
        if call.key in self.done:
            assert self.done[call.key] == call, "a key was used for another body"
            return self._succeeded(call)
        match fate:
            case Fate.DECLINED | Fate.SOFT if call.operation is Operation.AUTHORISE:
                self.declined.add(call.key)
                kind = DeclineKind.HARD if fate is Fate.DECLINED else DeclineKind.SOFT
                return Declined(kind=kind, code="no")
            case Fate.LOST_CALL:
                return Unknown(reason="lost")
            case _:
                self.done[call.key] = call
        if fate is Fate.BROKEN:
            raise RuntimeError("the adapter is broken")
        return Unknown(reason="silence") if fate is Fate.LOST_ANSWER else self._succeeded(call)

    def _succeeded(self, call: PaymentCall) -> Succeeded:
        return Succeeded(reference=Reference(f"ref-{call.key}"), amount=call.amount)

    def moved(self, operation: Operation, order: OrderId) -> int:
        """How much one kind of operation really moved for an order, in cents."""
        return sum(
            call.amount.minor
            for call in self.done.values()
            if call.operation is operation and call.order == order
        )

    def held(self, order: OrderId) -> int:
        """Captured less refunded, in cents."""
        return self.moved(Operation.CAPTURE, order) - self.moved(Operation.REFUND, order)


@define
class Shop:
    """The whole of it."""

    clock: Clock = field(factory=Clock)
    till: Till = field(factory=Till)
    store: Store = field(init=False)
    service: OrderService = field(init=False)
    orders: list[OrderId] = field(factory=list[OrderId])
    numbers: count[int] = field(factory=lambda: count(1))

    def __attrs_post_init__(self) -> None:
        """Open the shop."""
        self.store = MemoryStore(clock=self.clock)
        self.service = self.another()

    def another(self, prefix: str = "id") -> OrderService:
        """One more service over the same store and till."""
        return OrderService(store=self.store, payments=self.till, ids=Ids(prefix))

    def receive(self, item: str, units: int, location: LocationId = NORTH) -> None:
        """Units arrive."""
        row = ReceivedLine(item=ItemId(item), location=location, quantity=units)
        self.service.stock.execute(ReceiveStock(lines=(row,)), by=STAFF)

    def place(
        self,
        *lines: DraftLine,
        terms: Terms | None = None,
        tenders: tuple[Tender, ...] = (CARD,),
    ) -> Order:
        """Place an order under the next name."""
        name = OrderId(f"o-{next(self.numbers)}")
        receipt = self.service.place(
            basket(*lines), key=f"place-{name}", by=BUYER, order=name, terms=terms, tenders=tenders
        )
        self.orders.append(name)
        return receipt.order

    def do(self, order: OrderId, command: Request | Report) -> Receipt:
        """Serve one command."""
        return self.service.execute(order, command, by=STAFF)

    def load(self, order: OrderId) -> Order:
        """The order as it stands."""
        return self.service.load(order)

    def pack(self, order: OrderId, *, most: int = 10**6) -> ParcelId | None:
        """Pack a parcel from the first work that has units to pack; None where there is none."""
        state = self.load(order).fulfilment
        for work in state.open_orders:
            items = packable(work, most)
            if items:
                parcel = ParcelId(f"{order}-P{len(state.parcels) + 1}")
                self.do(order, PackParcel(parcel=parcel, fulfilment=work.id, items=items))
                return parcel
        return None

    def send_all(self, order: OrderId, *, deliver: bool = False) -> Order:
        """Pack and send all that is planned, and deliver it where wanted."""
        while (parcel := self.pack(order)) is not None:
            self.do(order, Dispatch(parcel=parcel))
            if deliver:
                self.deliver(order, parcel)
        return self.load(order)

    def deliver(self, order: OrderId, parcel: ParcelId) -> None:
        """The carrier reports an arrival."""
        status = ParcelStatus.DELIVERED
        self.do(order, ReportTracking(parcel=parcel, status=status, at=self.clock()))

    def rest(self, *, rounds: int = 40, step: timedelta = timedelta(minutes=20)) -> None:
        """Work off what is due, letting time pass, until nothing is due for a while."""
        for _ in range(rounds):
            done = self.service.run_due(limit=50)
            assert done.failed == ()
            self.clock.forward(step)


def packable(work: FulfilmentOrder, most: int) -> tuple[PackItem, ...]:
    """What can be packed of one piece of work, at most so many units of a line."""
    return tuple(
        PackItem(line=known.line, quantity=min(most, known.wanted - known.packed))
        for known in work.lines
        if known.wanted > known.packed
    )
