"""The life of one order as a story of commands, for a service of either colour."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from ordercore import Actor, DraftLine, Money, OrderId, OrderService, PricedOrder, Request, price
from ordercore.adapters.aio import ThreadedStore
from ordercore.fulfilment.commands import Dispatch, PackItem, PackParcel, PickUnits
from ordercore.fulfilment.model import LineUnits
from ordercore.ids import ItemId, LineId, LocationId, ParcelId, ReturnId, Sku, StreamId, TenderId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR
from ordercore.order.commands import Refund
from ordercore.order.model import Order
from ordercore.order.quote import quote_refund
from ordercore.payment.answers import Answer, LookUpAnswer
from ordercore.payment.model import Tender
from ordercore.payment.policy import Capabilities
from ordercore.ports.aio import AsyncPaymentGateway
from ordercore.ports.gateways import PaymentCall, PaymentGateway
from ordercore.ports.repositories import Store
from ordercore.pricing.draft import Draft
from ordercore.returns.commands import (
    ApproveReturn,
    CloseReturn,
    Finding,
    InspectReturn,
    ReceiveReturn,
    RequestReturn,
    ReturnWish,
)
from ordercore.returns.model import Grade, ReturnReason, ReturnUnits
from ordercore.service.aio import AsyncOrderService
from ordercore.testing.sandbox import SandboxGateway

__all__ = ["live", "live_async"]

TEA: Final = ItemId("tea")
SHELF: Final = LocationId("shelf")
LINE: Final = LineId("1")
CARD: Final = Tender(id=TenderId("card"), instrument="tok_visa")
STAFF: Final = Actor("staff:ann")
STOCK: Final = ReceiveStock(lines=(ReceivedLine(item=TEA, location=SHELF, quantity=3),))


def three_teas() -> PricedOrder:
    """Three units at 5.00 EUR."""
    tea = DraftLine(
        id=LINE, item=TEA, sku=Sku("TEA"), quantity=3, unit_price=Money(500, EUR), title="Tea"
    )
    return price(Draft(currency=EUR, lines=(tea,)))


def story(order: Order) -> Generator[Request, Order]:
    """Sent, one unit taken back, its money given back; wants the order after each command."""
    (work,) = order.fulfilment.orders.values()
    parcel, name = ParcelId("P1"), ReturnId("R1")
    units = (ReturnUnits(line=LINE, quantity=1),)
    wish = ReturnWish(units=units[0], reason=ReturnReason.CHANGED_MIND)
    yield PickUnits(fulfilment=work.id, lines=(LineUnits(line=LINE, quantity=3),))
    packed = (PackItem(line=LINE, quantity=3),)
    yield PackParcel(parcel=parcel, fulfilment=work.id, items=packed, weight_g=300)
    yield Dispatch(parcel=parcel)
    yield RequestReturn(return_id=name, items=(wish,))
    yield ApproveReturn(return_id=name)
    yield ReceiveReturn(return_id=name, items=units, location=SHELF)
    finding = Finding(units=units[0], grade=Grade.A_NEW)
    back = yield InspectReturn(return_id=name, results=(finding,))
    accepted = tuple(back.returns.accepted.items())
    yield Refund(quote=quote_refund(back, accepted, back.placed_at))
    yield CloseReturn(return_id=name)


def live(store: Store, till: SandboxGateway, order: OrderId) -> list[str]:
    """The whole life with a plain service; answers the kinds of facts that it made."""
    service = OrderService(store=store, payments=till)
    service.stock.execute(STOCK, key=f"stock {order}")
    receipt = service.place(
        three_teas(), key=f"place {order}", by=STAFF, order=order, tenders=(CARD,)
    )
    chapters = story(receipt.order)
    command = next(chapters, None)
    while command is not None:
        key = f"{type(command).__name__} {order}"
        receipt = service.execute(order, command, key=key, by=STAFF)
        assert service.execute(order, command, key=key, by=STAFF).replayed
        try:
            command = chapters.send(receipt.order)
        except StopIteration:
            command = None
    facts = [one.events[StreamId(order)] for one in service.history(order)]
    return [type(event).__name__ for events in facts for event in events]


class AsyncTill(AsyncPaymentGateway):
    """The same gateway, awaited."""

    def __init__(self, till: PaymentGateway) -> None:
        self._till = till

    @property
    def capabilities(self) -> Capabilities:
        return self._till.capabilities

    async def authorise(self, call: PaymentCall) -> Answer:
        return self._till.authorise(call)

    async def capture(self, call: PaymentCall) -> Answer:
        return self._till.capture(call)

    async def void(self, call: PaymentCall) -> Answer:
        return self._till.void(call)

    async def refund(self, call: PaymentCall) -> Answer:
        return self._till.refund(call)

    async def look_up(self, call: PaymentCall) -> LookUpAnswer:
        return self._till.look_up(call)


async def live_async(store: Store, till: SandboxGateway, order: OrderId) -> list[str]:
    """The same life, awaited: the store's calls are made in threads."""
    service = AsyncOrderService(store=ThreadedStore(store), payments=AsyncTill(till))
    await service.stock.execute(STOCK, key=f"stock {order}")
    receipt = await service.place(
        three_teas(), key=f"place {order}", by=STAFF, order=order, tenders=(CARD,)
    )
    chapters = story(receipt.order)
    command = next(chapters, None)
    while command is not None:
        key = f"{type(command).__name__} {order}"
        receipt = await service.execute(order, command, key=key, by=STAFF)
        assert (await service.execute(order, command, key=key, by=STAFF)).replayed
        try:
            command = chapters.send(receipt.order)
        except StopIteration:
            command = None
    facts = [one.events[StreamId(order)] async for one in service.history(order)]
    return [type(event).__name__ for events in facts for event in events]
