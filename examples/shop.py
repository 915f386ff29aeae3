"""
A small shop: it takes orders through their whole life, step by step, each step under a key.

Every step can be called again after a crash: it asks the order what is done already, or repeats
its key, which answers as the first time. That is all a host needs to be safe against a kill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from attrs import define, field, frozen

from ordercore import (
    Actor,
    ItemId,
    LineId,
    LocationId,
    Order,
    OrderId,
    OrderService,
    PricedOrder,
    Refund,
    SqliteStore,
    Tender,
    TenderId,
    Terms,
)
from ordercore.fulfilment.commands import Dispatch, PackItem, PackParcel, PickUnits
from ordercore.fulfilment.model import FulfilmentOrder, LineUnits
from ordercore.ids import FulfilmentId, ParcelId, ReturnId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.order.terms import InvoiceWhen
from ordercore.ports.repositories import UnknownOrderError
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import RefundQuote
from ordercore.returns.commands import (
    ApproveReturn,
    CloseReturn,
    Finding,
    InspectReturn,
    ReceiveReturn,
    RequestReturn,
    ReturnWish,
)
from ordercore.returns.model import Grade, ReturnReason, ReturnUnits, RmaStatus
from ordercore.testing.sandbox import (
    NO_FAULTS,
    Faults,
    SandboxCarrier,
    SandboxGateway,
    UnknownToSandboxError,
)

MAIN = LocationId("main")
SECOND = LocationId("second")
CUSTOMER = Actor("customer:web")
PICKER = Actor("staff:picker")
DESK = Actor("staff:returns-desk")
TERMS = Terms(book_carrier=True, invoice=InvoiceWhen.DISPATCH)


@define
class ShopClock:
    """A clock that the shop sets: the orders of 2009 live their lives in seconds."""

    now: datetime

    def __call__(self) -> datetime:
        """The present instant; each look takes a millisecond, so that facts have an order."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@frozen(kw_only=True)
class Sale:
    """An order to be taken through its life, and the units of it that will come back."""

    order: OrderId
    priced: PricedOrder
    reference: tuple[str, str]
    returns: tuple[tuple[LineId, int], ...] = ()


@define
class Shop:
    """A store, a payment gateway and a carrier, each with a file of its own."""

    folder: Path
    clock: Callable[[], datetime]
    seed: int = 1
    faults: Faults = NO_FAULTS
    store: SqliteStore = field(init=False)
    gateway: SandboxGateway = field(init=False)
    carrier: SandboxCarrier = field(init=False)
    service: OrderService = field(init=False)
    unknown: list[OrderId] = field(init=False, factory=list[OrderId])
    """Orders that the outside told of and that nobody knows: a person must look."""

    def __attrs_post_init__(self) -> None:
        """Open the files; they are made when they are missing."""
        self.store = SqliteStore(self.folder / "shop.db", clock=self.clock)
        self.gateway = SandboxGateway(
            self.folder / "gateway.db",
            seed=self.seed,
            clock=self.clock,
            decline=False,
            faults=self.faults,
        )
        self.carrier = SandboxCarrier(self.folder / "carrier.db", seed=self.seed, clock=self.clock)
        self.service = OrderService(store=self.store, payments=self.gateway, carrier=self.carrier)

    def stock(self, sales: Iterable[Sale]) -> int:
        """Put just enough of everything on two shelves; answers how many items there are."""
        wanted: dict[ItemId, int] = {}
        for sale in sales:
            for line in sale.priced.lines:
                if line.tracks_stock:
                    wanted[line.item] = wanted.get(line.item, 0) + line.quantity
        rows = [
            ReceivedLine(item=item, location=place, quantity=units)
            for item, count in sorted(wanted.items())
            for place, units in ((MAIN, count - count // 3), (SECOND, count // 3))
            if units
        ]
        for first in range(0, len(rows), 500):
            self.service.stock.execute(
                ReceiveStock(lines=tuple(rows[first : first + 500])),
                by=Actor("staff:warehouse"),
                key=f"first-delivery-{first}",
            )
        return len(wanted)

    def place(self, sale: Sale) -> Order:
        """Place the order: stock is reserved, the payment authorised, the order confirmed."""
        receipt = self.service.place(
            sale.priced,
            key=f"place:{sale.order}",
            by=CUSTOMER,
            order=sale.order,
            terms=TERMS,
            tenders=(Tender(id=TenderId("card"), instrument="tok_visa"),),
            channel=sale.reference[0],
            references=(sale.reference,),
        )
        return receipt.order

    def fulfil(self, order: OrderId) -> None:
        """Pick, pack and send what every location has to send; money is taken as it goes."""
        for work in tuple(self.service.load(order).fulfilment.orders.values()):
            if work.lines:
                self._send(order, work)

    def _send(self, order: OrderId, work: FulfilmentOrder) -> None:
        parcel = ParcelId(f"{work.id}-P1")
        units = tuple((line.line, line.wanted) for line in work.lines if line.wanted)
        pick = PickUnits(
            fulfilment=FulfilmentId(work.id),
            lines=tuple(LineUnits(line=line, quantity=count) for line, count in units),
        )
        pack = PackParcel(
            parcel=parcel,
            fulfilment=work.id,
            items=tuple(PackItem(line=line, quantity=count) for line, count in units),
            weight_g=500,
            carrier="sandbox",
        )
        self.service.execute(order, pick, key=f"pick:{work.id}", by=PICKER)
        self.service.execute(order, pack, key=f"pack:{work.id}", by=PICKER)
        self.service.execute(order, Dispatch(parcel=parcel), key=f"send:{parcel}", by=PICKER)
        with suppress(UnknownToSandboxError):  # the van has it already: we did this before a crash
            self.carrier.hand_over(order, parcel)

    def hear(self) -> int:
        """Take in what gateway and carrier report by themselves; late and twice is normal."""
        heard = 0
        now = self.store.now()
        for delivery in chain(self.gateway.webhooks(now), self.carrier.tracking(now)):
            try:
                self.service.execute(delivery.order, delivery.report, by=Actor("webhook"))
            except UnknownOrderError:
                self.unknown.append(delivery.order)
            heard += 1
        return heard

    def take_back(self, sale: Sale) -> RefundQuote | None:
        """Let the buyer send units back, look at them, and give the money back as quoted."""
        if not sale.returns:
            return None
        name = ReturnId(f"{sale.order}-R1")
        order = self.service.load(sale.order)
        if name not in order.returns.rmas:
            order = self._announced(sale, name)
        if order.returns.rmas[name].status is RmaStatus.CLOSED:
            return None
        for step, command in self._steps(sale, name):
            self.service.execute(sale.order, command, key=f"{step}:{name}", by=DESK)
        quote = self.refund(sale.order)
        close = CloseReturn(return_id=name)
        self.service.execute(sale.order, close, key=f"close:{name}", by=DESK)
        return quote

    def _announced(self, sale: Sale, name: ReturnId) -> Order:
        wishes = tuple(
            ReturnWish(
                units=ReturnUnits(line=line, quantity=units), reason=ReturnReason.CHANGED_MIND
            )
            for line, units in sale.returns
        )
        request = RequestReturn(return_id=name, items=wishes)
        receipt = self.service.execute(sale.order, request, key=f"request:{name}", by=CUSTOMER)
        return receipt.order

    def _steps(
        self, sale: Sale, name: ReturnId
    ) -> Iterator[tuple[str, ApproveReturn | ReceiveReturn | InspectReturn]]:
        units = tuple(ReturnUnits(line=line, quantity=count) for line, count in sale.returns)
        yield "approve", ApproveReturn(return_id=name)
        yield "receive", ReceiveReturn(return_id=name, items=units, location=MAIN)
        yield (
            "inspect",
            InspectReturn(
                return_id=name,
                results=tuple(Finding(units=each, grade=Grade.A_NEW) for each in units),
            ),
        )

    def returned(self, order: Order) -> tuple[tuple[LineId, SlotSet], ...]:
        """The accepted units that no credit has been given for yet."""
        credited = {
            (part.line, slot)
            for credit in order.credits
            for part in credit.parts
            if part.line is not None and not part.adjusts
            for slot in part.slots
        }
        open_slots = (
            (line, SlotSet.from_slots(slot for slot in slots if (line, slot) not in credited))
            for line, slots in order.returns.accepted.items()
        )
        return tuple((line, slots) for line, slots in open_slots if slots)

    def refund(self, order: OrderId) -> RefundQuote | None:
        """Quote what the accepted units are worth, and carry the quote out."""
        items = self.returned(self.service.load(order))
        if not items:
            return None
        quote = self.service.quote_refund(order, items)
        self.service.execute(order, Refund(quote=quote), by=DESK)
        return quote

    def work_off(self) -> int:
        """Do what a worker does until nothing is due; answers how many streams were served."""
        served = 0
        while True:
            done = self.service.run_due(limit=200)
            if done.failed:
                raise SystemExit(f"work failed: {done.failed}")
            if done.is_idle:
                return served
            served += len(done.served)


if __name__ == "__main__":
    print("A part of the quickstart; run it: python examples/quickstart.py")
