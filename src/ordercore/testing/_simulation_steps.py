"""
Steps: what the clients and the shop of a simulated order do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ordercore.facts import Request
from ordercore.fulfilment.commands import (
    AcceptCancel,
    Dispatch,
    PackItem,
    PackParcel,
    PickUnits,
    UnpackParcel,
)
from ordercore.fulfilment.model import LineUnits
from ordercore.ids import (
    FulfilmentId,
    Key,
    LineId,
    OrderId,
    ParcelId,
    ReturnId,
    Sku,
    TenderId,
)
from ordercore.inventory.commands import AdjustedLine, AdjustStock, PolicyLine, SetStockPolicy
from ordercore.inventory.model import StockPolicy
from ordercore.money import EUR, Money
from ordercore.order.balance import balance
from ordercore.order.commands import (
    Cancel,
    CancelUnits,
    ConfirmAmendment,
    ExchangeGoods,
    Place,
    ProposeAmendment,
    Refund,
    SplitOrder,
    UndoAmendment,
)
from ordercore.order.quote import quote_refund
from ordercore.payment.commands import CaptureNow, VoidAuthorisation
from ordercore.payment.model import (
    STORE_VALUE,
    Tender,
    TenderKind,
)
from ordercore.payment.store_value import IssueValue
from ordercore.pricing.model import Draft, DraftLine, PricedOrder, UnitPrice
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.returns.commands import (
    ApproveReturn,
    InspectReturn,
    ReceiveReturn,
    RequestReturn,
    ReturnWish,
)
from ordercore.returns.commands import Finding as InspectionFinding
from ordercore.returns.model import Grade, ReturnPurpose, ReturnUnits
from ordercore.service.credit import CreditEngine
from ordercore.service.sync import run
from ordercore.testing._simulation_shop import ITEM, STOCKED
from ordercore.testing._simulation_world import LINE, ORDER, SHOP, STAFF, STREAM, Shop, Step, World
from ordercore.testing.scenario import small_order

OTHER: Final = OrderId("order-2")

PARCEL, SECOND = ParcelId("parcel-1"), ParcelId("parcel-2")
RETURN_ID: Final = ReturnId("return-1")
PRICED: Final = small_order().priced
CARD: Final = Tender(id=TenderId("card"))
ACCOUNT: Final = "gift-1"
LOTS: Final = {"sold-1": 300, "sold-2": 400}
VALUE: Final = Tender(
    id=TenderId("value"),
    kind=TenderKind.GIFT_CARD,
    amount=Money(sum(LOTS.values()), EUR),
    gateway=STORE_VALUE,
    instrument=ACCOUNT,
)
GIFT_CARD: Final = Tender(id=TenderId("gift"), kind=TenderKind.GIFT_CARD, amount=Money(700, EUR))


def placed(world: World, *tenders: Tender) -> Request:
    """An order that these tenders pay."""
    return Place(order=ORDER, priced=PRICED, terms=world.terms, tenders=tenders)


def place(world: World) -> Request:
    """The order is placed, and a card pays it."""
    return placed(world, CARD)


def place_with_gift_card(world: World) -> Request:
    """A gift card that the gateway knows pays a part."""
    return placed(world, GIFT_CARD, CARD)


def issue(world: World) -> None:
    """Two gift cards are sold onto one account of the shop's own."""
    for key, minor in LOTS.items():
        command = IssueValue(key=Key(key), amount=Money(minor, EUR))
        run(CreditEngine().execute(ACCOUNT, command, by=STAFF), world.ports())


def place_with_value(world: World) -> Request:
    """An account of the shop's own pays a part."""
    return placed(world, VALUE, CARD)


def work(world: World, about: OrderId = ORDER) -> FulfilmentId:
    """What a location works on first."""
    found = (
        each for order in world.orders() if order.id == about for each in order.fulfilment.orders
    )
    return next(found, FulfilmentId("not planned"))


def pick(world: World) -> Request:
    """Both units are picked."""
    return PickUnits(fulfilment=work(world), lines=(LineUnits(line=LINE, quantity=2),))


def pick_one(world: World) -> Request:
    """One unit is picked."""
    return PickUnits(fulfilment=work(world), lines=(LineUnits(line=LINE, quantity=1),))


def packing(count: int, *, parcel: ParcelId = PARCEL, carrier: str = "") -> Step:
    """So many units are packed."""

    def pack(world: World) -> Request:
        items = (PackItem(line=LINE, quantity=count),)
        return PackParcel(parcel=parcel, fulfilment=work(world), items=items, carrier=carrier)

    return pack


def receive(_world: World) -> Request:
    """One unit comes back."""
    units = (ReturnUnits(line=LINE, quantity=1),)
    return ReceiveReturn(return_id=RETURN_ID, items=units, location=SHOP)


def inspect(_world: World) -> Request:
    """It is as good as new."""
    result = InspectionFinding(units=ReturnUnits(line=LINE, quantity=1), grade=Grade.A_NEW)
    return InspectReturn(return_id=RETURN_ID, results=(result,))


def refund(world: World) -> Request:
    """The first unit is paid back."""
    return Refund(quote=quote_refund(world.order(), ((LINE, SlotSet.of(0, 1)),), world.now))


def dispatching(parcel: ParcelId) -> Step:
    """A parcel goes."""
    return lambda _world: Dispatch(parcel=parcel)


dispatch: Final = dispatching(PARCEL)


def cancel(_world: World) -> Request:
    """All is cancelled."""
    return Cancel()


def cancel_one(_world: World) -> Request:
    """One unit is cancelled."""
    return CancelUnits(units=((LINE, 1),))


def unpack(_world: World) -> Request:
    """The parcel is taken apart."""
    return UnpackParcel(parcel=PARCEL)


def agree(world: World) -> Request:
    """The location agrees."""
    return AcceptCancel(fulfilment=work(world))


def addition(minor: int) -> PricedOrder:
    """One unit at so many cents, as a line of its own."""
    line = DraftLine(
        id=LineId("2"),
        item=ITEM,
        sku=Sku("SKU-1"),
        quantity=1,
        unit_price=UnitPrice(Money(minor, EUR)),
    )
    return price(Draft(currency=EUR, lines=(line,)))


def propose_more(_world: World) -> Request:
    """Another line is offered."""
    return ProposeAmendment(proposal="change", addition=addition(500))


def propose_less(_world: World) -> Request:
    """One unit less is offered."""
    return ProposeAmendment(proposal="change", removals=((LINE, 1),))


def confirm_change(_world: World) -> Request:
    """The client says yes."""
    return ConfirmAmendment(proposal="change")


def undo_change(_world: World) -> Request:
    """The client thinks better of it."""
    return UndoAmendment(proposal="change")


def capture(_world: World) -> Request:
    """Somebody takes the money by hand."""
    return CaptureNow()


def capture_what_is_left(world: World) -> Request | None:
    """Who takes money by hand looks whether it came, and asks again where it did not."""
    return CaptureNow() if balance(world.order()).to_collect.is_positive else None


def let_go(_world: World) -> Request:
    """Somebody lets go of what is authorised, by hand."""
    return VoidAuthorisation(tender=CARD.id)


def split(_world: World) -> Request:
    """One unit becomes an order of its own."""
    return SplitOrder(order=OTHER, units=((LINE, 1),), tenders=(CARD,))


def ask_exchange(_world: World) -> Request:
    """One unit shall come back for something else."""
    wish = ReturnWish(units=ReturnUnits(line=LINE, quantity=1))
    return RequestReturn(return_id=RETURN_ID, items=(wish,), purpose=ReturnPurpose.EXCHANGE)


def approve_exchange(_world: World) -> Request:
    """The shop agrees."""
    return ApproveReturn(return_id=RETURN_ID)


def agree_other(world: World) -> Request:
    """The location agrees to cancel what goes out."""
    return AcceptCancel(fulfilment=work(world, OTHER))


def exchange(world: World) -> Request:
    """The unit that came back pays for something dearer; a card pays the difference."""
    quote = quote_refund(world.order(), ((LINE, SlotSet.of(0, 1)),), world.now)
    return ExchangeGoods(
        order=OTHER, priced=addition(1500), quote=quote, return_id=RETURN_ID, tenders=(CARD,)
    )


def sell_out(world: World) -> None:
    """Nothing is left, and five may be sold before they are there."""
    shelf = AdjustedLine(item=ITEM, location=SHOP, quantity=-STOCKED)
    world.warehouse(AdjustStock(lines=(shelf,), reason="sold elsewhere"))
    policy = StockPolicy(backorder_limit=STOCKED)
    world.warehouse(SetStockPolicy(lines=(PolicyLine(item=ITEM, location=SHOP, policy=policy),)))


def stumble(world: World) -> None:
    """A worker could not read the order: it is left alone for a while, then looked at again."""
    world.store.failed(STREAM, error="unavailable", back_off=(timedelta(minutes=1),))


def goods_arrive(shop: Shop) -> None:
    """A receipt, which fills what waits and wakes the orders that do."""
    shop.receive(STOCKED)
