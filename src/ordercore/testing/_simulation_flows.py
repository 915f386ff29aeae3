"""
Flows: what the clients, the shop and the bank of a simulated order do, step by step.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve

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
    HoldKind,
    ItemId,
    Key,
    LineId,
    ParcelId,
    Reference,
    ReturnId,
    Sku,
    TenderId,
)
from ordercore.money import EUR, Money
from ordercore.order.commands import (
    Cancel,
    CancelUnits,
    ConfirmAmendment,
    Place,
    ProposeAmendment,
    Refund,
)
from ordercore.order.quote import quote_refund
from ordercore.order.terms import Terms
from ordercore.payment.model import (
    STORE_VALUE,
    DisputeStatus,
    Operation,
    Tender,
    TenderKind,
)
from ordercore.payment.policy import CaptureWhen
from ordercore.payment.store_value import IssueValue
from ordercore.pricing.model import Draft, DraftLine, UnitPrice
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.returns.commands import Finding as InspectionFinding
from ordercore.returns.commands import InspectReturn, ReceiveReturn
from ordercore.returns.model import Grade, ReturnUnits
from ordercore.service.credit import CreditEngine
from ordercore.service.sync import run
from ordercore.testing._simulation_world import LINE, ORDER, SHOP, STAFF, Flow, Step, World
from ordercore.testing.sandbox import EntryState, Fate
from ordercore.testing.scenario import small_order

__all__ = ["FLOWS", "NAMED"]

PARCEL: Final = ParcelId("parcel-1")
RETURN_ID: Final = ReturnId("return-1")
DISPUTE: Final = Reference("dispute-a")
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
WEEK: Final = timedelta(days=8)
FADING: Final = timedelta(days=5, hours=12)


# --- steps --------------------------------------------------------------------------------------


def _placed(world: World, *tenders: Tender) -> Request:
    return Place(order=ORDER, priced=PRICED, terms=world.terms, tenders=tenders)


def _place(world: World) -> Request:
    return _placed(world, CARD)


def _place_with_gift_card(world: World) -> Request:
    return _placed(world, GIFT_CARD, CARD)


def _issue(world: World) -> None:
    """Two gift cards are sold onto one account of the shop's own."""
    for key, minor in LOTS.items():
        command = IssueValue(key=Key(key), amount=Money(minor, EUR))
        run(CreditEngine().execute(ACCOUNT, command, by=STAFF), world.ports())


def _place_with_value(world: World) -> Request:
    return _placed(world, VALUE, CARD)


def _place_unheard(world: World) -> Request:
    """The gateway does what it is asked first, and nobody hears of it."""
    world.gateway.meet(Fate.LOST_ANSWER)
    return _place(world)


def _work(world: World) -> FulfilmentId:
    return next(iter(world.order().fulfilment.orders), FulfilmentId("not planned"))


def _pick(world: World) -> Request:
    return PickUnits(fulfilment=_work(world), lines=(LineUnits(line=LINE, quantity=2),))


def _pick_one(world: World) -> Request:
    return PickUnits(fulfilment=_work(world), lines=(LineUnits(line=LINE, quantity=1),))


def _packing(count: int) -> Step:
    def pack(world: World) -> Request:
        items = (PackItem(line=LINE, quantity=count),)
        return PackParcel(parcel=PARCEL, fulfilment=_work(world), items=items)

    return pack


def _receive(_world: World) -> Request:
    units = (ReturnUnits(line=LINE, quantity=1),)
    return ReceiveReturn(return_id=RETURN_ID, items=units, location=SHOP)


def _inspect(_world: World) -> Request:
    result = InspectionFinding(units=ReturnUnits(line=LINE, quantity=1), grade=Grade.A_NEW)
    return InspectReturn(return_id=RETURN_ID, results=(result,))


def _refund(world: World) -> Request:
    return Refund(quote=quote_refund(world.order(), ((LINE, SlotSet.of(0, 1)),), world.now))


def _dispatch(_world: World) -> Request:
    return Dispatch(parcel=PARCEL)


def _cancel(_world: World) -> Request:
    return Cancel()


def _cancel_one(_world: World) -> Request:
    return CancelUnits(units=((LINE, 1),))


def _unpack(_world: World) -> Request:
    return UnpackParcel(parcel=PARCEL)


def _agree(world: World) -> Request:
    return AcceptCancel(fulfilment=_work(world))


def _propose_more(_world: World) -> Request:
    line = DraftLine(
        id=LineId("2"),
        item=ItemId("item-1"),
        sku=Sku("SKU-1"),
        quantity=1,
        unit_price=UnitPrice(Money(500, EUR)),
    )
    addition = price(Draft(currency=EUR, lines=(line,)))
    return ProposeAmendment(proposal="change", addition=addition)


def _propose_less(_world: World) -> Request:
    return ProposeAmendment(proposal="change", removals=((LINE, 1),))


def _confirm_change(_world: World) -> Request:
    return ConfirmAmendment(proposal="change")


def _dispute(status: DisputeStatus) -> Step:
    def happen(world: World) -> None:
        """The payer's bank decides; the shop is told, or has to live without."""
        taken = [
            row
            for row in world.gateway.ledger()
            if row.operation is Operation.CAPTURE and row.state is EntryState.SUCCEEDED
        ]
        for row in taken[:1]:
            world.gateway.dispute(
                row.reference, reference=DISPUTE, status=status, amount=Money(1000, EUR)
            )

    return happen


def _wait_until_it_fades(world: World) -> None:
    """So long that an authorisation is soon over, by the terms, and the worker sees it."""
    world.now += FADING


def _wait(world: World) -> None:
    """Longer than an authorisation lasts, and than an order may stay unconfirmed."""
    world.now += WEEK


# --- terms --------------------------------------------------------------------------------------


def _at_placement(terms: Terms) -> Terms:
    return evolve(terms, payment=evolve(terms.payment, capture=CaptureWhen.PLACEMENT))


def _raising(terms: Terms) -> Terms:
    return evolve(terms, capabilities=evolve(terms.capabilities, incremental=True))


def _extending(terms: Terms) -> Terms:
    terms = evolve(terms, capabilities=evolve(terms.capabilities, extend=True))
    return evolve(terms, payment=evolve(terms.payment, renew_before=timedelta(days=2)))


def _by_hand(terms: Terms) -> Terms:
    return evolve(terms, release_automatically=False)


def _reviewed(terms: Terms) -> Terms:
    return evolve(terms, holds_at_placement=(HoldKind("review"),))


# --- flows --------------------------------------------------------------------------------------

_PACKED: Final = (_place, _pick, _packing(2))
_SENT: Final = (*_PACKED, _dispatch)
_ONE_SENT: Final = (_place, _pick_one, _packing(1), _dispatch)

FLOWS: Final = (
    Flow(name="place", steps=(_place,), live=2000),
    Flow(name="place, dispatch, capture", steps=_SENT, captured=2000),
    Flow(name="capture at placement", steps=(_place,), captured=2000, terms=_at_placement),
    Flow(name="cancel at once", steps=(_place, _cancel, _agree)),
    Flow(name="cancel what is picked", steps=(_place, _pick, _cancel, _agree)),
    Flow(name="cancel what is packed", steps=(*_PACKED, _unpack, _cancel, _agree)),
    Flow(name="cancel the rest", steps=(*_ONE_SENT, _cancel, _agree), captured=1000),
    Flow(name="cancel one unit", steps=(_place, _cancel_one, _agree), live=2000),
    Flow(
        name="cancel what is captured",
        steps=(_place, _cancel, _agree),
        captured=2000,
        refunded=2000,
        terms=_at_placement,
    ),
    Flow(name="amend up", steps=(_place, _propose_more, _confirm_change), live=2500),
    Flow(
        name="amend up, increased",
        steps=(_place, _propose_more, _confirm_change),
        live=2500,
        terms=_raising,
    ),
    Flow(
        name="amend down", steps=(_place, _propose_less, _confirm_change), live=2000, terms=_by_hand
    ),
    Flow(
        name="return and refund",
        steps=(*_SENT, _receive, _inspect, _refund),
        captured=2000,
        refunded=1000,
    ),
    Flow(name="goodwill", steps=(*_SENT, _refund), captured=2000, refunded=1000),
    Flow(
        name="dispute lost",
        steps=(*_SENT, _dispute(DisputeStatus.OPENED), _dispute(DisputeStatus.LOST)),
        captured=2000,
        must_hear=True,
    ),
    Flow(
        name="dispute won",
        steps=(*_SENT, _dispute(DisputeStatus.OPENED), _dispute(DisputeStatus.WON)),
        captured=2000,
        must_hear=True,
    ),
    Flow(name="expire", steps=(_place, _wait), terms=_reviewed),
    Flow(name="authorise anew", steps=(*_PACKED, _wait, _dispatch), captured=2000),
    Flow(
        name="fading, extended",
        steps=(*_PACKED, _wait_until_it_fades, _wait_until_it_fades, _dispatch),
        captured=2000,
        terms=_extending,
    ),
    Flow(name="in doubt", steps=(_place_unheard,), live=2000),
    Flow(
        name="store value with card",
        steps=(_issue, _place_with_value),
        captured=700,
        live=1300,
    ),
    Flow(
        name="store value with card, cancelled",
        steps=(_issue, _place_with_value, _cancel, _agree),
        captured=700,
        refunded=700,
    ),
    Flow(
        name="store value with card, refunded",
        steps=(_issue, _place_with_value, _pick, _packing(2), _dispatch, _refund),
        captured=2000,
        refunded=1000,
    ),
    Flow(name="gift card with card", steps=(_place_with_gift_card,), captured=700, live=1300),
    Flow(
        name="gift card with card, cancelled",
        steps=(_place_with_gift_card, _cancel, _agree),
        captured=700,
        refunded=700,
    ),
    Flow(
        name="gift card with card, refunded",
        steps=(_place_with_gift_card, _pick, _packing(2), _dispatch, _refund),
        captured=2000,
        refunded=1000,
    ),
)
NAMED: Final = {flow.name: flow for flow in FLOWS}
