"""A host's own stage (engraving) and its own hold (a prescription to check): data, no subclass."""

import ordercore as core
from ordercore import Actor, ItemId, LineId, Money
from ordercore.fulfilment.commands import Dispatch, PackItem, PackParcel
from ordercore.ids import HoldKind, LocationId, ParcelId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR
from ordercore.order.commands import Confirm, MoveToStage, ReleaseHold
from ordercore.order.terms import Stage, StageRule
from ordercore.testing.sandbox import SandboxGateway

STAFF, CHECK, GLASSES = Actor("staff:ann"), HoldKind("prescription"), LineId("1")
TERMS = core.Terms(
    holds_at_placement=(CHECK,),  # nothing is confirmed before somebody has looked
    stages=StageRule(
        stages=(
            Stage(name="engraving", inside="fulfilling", cancellable=False, shippable=False),
            Stage(name="engraved", inside="fulfilling", cancellable=False),
        ),
        steps=(("engraving", "engraved"),),
    ),
)


def main() -> None:
    """Hold, check, engrave, send; and see what each step forbids."""
    shop = core.OrderService(store=core.MemoryStore(), payments=SandboxGateway(":memory:"))
    row = ReceivedLine(item=ItemId("glasses"), location=LocationId("lab"), quantity=1)
    shop.stock.execute(ReceiveStock(lines=(row,)), by=STAFF)
    line = core.DraftLine(
        id=GLASSES, item=row.item, sku=core.Sku("G-1"), quantity=1, unit_price=Money(9900, EUR)
    )
    basket = core.price(core.Draft(currency=EUR, lines=(line,)))
    card = core.Tender(id=core.TenderId("card"), instrument="tok_visa")
    order = shop.place(basket, key="1", by=STAFF, terms=TERMS, tenders=(card,)).order
    say(shop, order, Confirm)
    order = shop.execute(order.id, ReleaseHold(kind=CHECK, reason="it is valid"), by=STAFF).order
    work = next(order.fulfilment.open_orders)
    item = PackItem(line=GLASSES, quantity=1)
    packed = PackParcel(parcel=ParcelId("p-1"), fulfilment=work.id, items=(item,))
    shop.execute(order.id, packed, by=STAFF)
    order = shop.execute(order.id, MoveToStage(stage="engraving"), by=STAFF).order
    say(shop, order, core.Cancel, Dispatch)
    order = shop.execute(order.id, MoveToStage(stage="engraved"), by=STAFF).order
    say(shop, order, core.Cancel, Dispatch)
    order = shop.execute(order.id, Dispatch(parcel=packed.parcel), by=STAFF).order
    say(shop, order, core.Cancel)


def say(shop: core.OrderService, order: core.Order, *kinds: type[core.Request]) -> None:
    """What the order's status, its holds and its stage make of such requests."""
    print(core.statuses(order).order, order.stage or [hold.kind for hold in order.holds])
    for kind in kinds:
        print(f"  {kind.__name__}: {shop.allowed(order.id)[kind] or 'yes'}")


if __name__ == "__main__":
    main()
