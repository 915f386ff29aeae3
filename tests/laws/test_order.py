"""
The laws of orders: whatever is asked of them, in whatever order, and whoever is silent.

A story is a list of steps with two numbers each; the world makes of them the nearest thing that
somebody could ask. What a rule refuses, it refuses with a typed error and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

from attrs import define, field
from attrs import evolve as changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordercore.codec.state import decode_state, encode_state
from ordercore.errors import BrokenContractError, OrderCoreError, UnavailableError
from ordercore.facts import Event, Report, Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits, ParcelStatus, ShortPolicy
from ordercore.ids import (
    CreditId,
    HoldKind,
    ItemId,
    LineId,
    OrderId,
    ParcelId,
    Reference,
    ReturnId,
    StreamId,
)
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import CountedLine, CountStock, PolicyLine, SetStockPolicy
from ordercore.inventory.model import StockPolicy
from ordercore.inventory.reserve import BackorderRule
from ordercore.money import sum_money
from ordercore.order import commands as oc
from ordercore.order.balance import Balance, balance
from ordercore.order.completion import has_open_operations
from ordercore.order.decide import replay
from ordercore.order.evolve import evolve
from ordercore.order.link import LinkKind
from ordercore.order.model import Order
from ordercore.order.rules import is_ended
from ordercore.order.status import statuses
from ordercore.order.terms import Blocks, Terms
from ordercore.payment import commands as pc
from ordercore.payment.model import FAILURES, OperationStatus
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.figures import slot_value
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.process.due import due
from ordercore.process.tasks import CheckQueue, RemoteTask
from ordercore.refund.model import CreditCause, PriceReduction, RefundItem, RefundRequest
from ordercore.refund.worth import credited_slots
from ordercore.returns import commands as rc
from ordercore.returns.model import Grade, ReturnReason, ReturnUnits
from tests.laws.order_world import (
    ACCOUNT,
    CARD,
    NORTH,
    SOUTH,
    STAFF,
    Fate,
    Shop,
    basket,
    eur,
    gift,
    line,
)

ITEMS: Final = ("tea", "cup")
LOCATIONS: Final = (NORTH, SOUTH)
Step = tuple[str, int, int]


def terms_of(number: int) -> Terms:
    """Some terms: when money is taken, and what happens without stock."""
    captures = (CaptureWhen.DISPATCH, CaptureWhen.PLACEMENT, CaptureWhen.MANUAL)
    rules = (BackorderRule.NONE, BackorderRule.ALLOW)
    return Terms(
        payment=PaymentPolicy(capture=captures[number % 3]),
        backorder=rules[number // 3 % 2],
        release_automatically=number // 6 % 2 == 0,
    )


@define
class World:
    """A shop, and what was asked of it."""

    shop: Shop = field(factory=Shop)
    refused: list[OrderCoreError] = field(factory=list[OrderCoreError])
    credited: dict[OrderId, int] = field(factory=dict[OrderId, int])
    returns: int = 0

    def play(self, story: Iterable[Step]) -> Iterator[None]:
        """Act the story out; stops after each step, for whoever wants to look."""
        for place in LOCATIONS:
            for item in ITEMS:
                self.shop.receive(item, 4, place)
        for step, first, second in story:
            try:
                STEPS[step](self, first, second)
            except (BrokenContractError, UnavailableError):
                raise
            except OrderCoreError as error:
                self.refused.append(error)
            yield

    def order(self, number: int) -> Order | None:
        """One of the orders."""
        orders = self.shop.orders
        return self.shop.load(orders[number % len(orders)]) if orders else None

    def do(self, order: Order, command: Request | Report) -> None:
        """Ask something of an order."""
        self.shop.do(order.id, command)


def _place(world: World, first: int, second: int) -> None:
    lines = [line("tea", 1 + first % 3, 333), line("cup", 1 + second % 4, 1000)]
    tenders = ((CARD,), (gift(500), CARD), (ACCOUNT,))[second % 3]
    chosen = lines if first % 2 else lines[:1]
    world.shop.place(*chosen, terms=terms_of(first), tenders=tenders)


def _cancel(world: World, first: int, second: int) -> None:
    del second
    if order := world.order(first):
        world.do(order, oc.Cancel(reason="changed my mind"))


def _cancel_units(world: World, first: int, second: int) -> None:
    if order := world.order(first):
        lines = order.priced.lines
        chosen = lines[second % len(lines)]
        world.do(order, oc.CancelUnits(units=((chosen.id, 1 + second % 2),)))


def _confirm(world: World, first: int, second: int) -> None:
    del second
    if order := world.order(first):
        world.do(order, oc.Confirm())


def _pack(world: World, first: int, second: int) -> None:
    if order := world.order(first):
        for work in order.fulfilment.open_orders:
            units = tuple(
                fc.PackItem(line=known.line, quantity=min(known.wanted - known.packed, 1 + second))
                for known in work.lines
                if known.wanted > known.packed
            )
            if units:
                parcel = ParcelId(f"{order.id}-P{len(order.fulfilment.parcels) + 1}")
                world.do(order, fc.PackParcel(parcel=parcel, fulfilment=work.id, items=units))
                return


def _parcel(order: Order, number: int) -> ParcelId | None:
    parcels = list(order.fulfilment.parcels)
    return parcels[number % len(parcels)] if parcels else None


def _dispatch(world: World, first: int, second: int) -> None:
    order = world.order(first)
    parcel = _parcel(order, second) if order else None
    if order and parcel:
        world.do(order, fc.Dispatch(parcel=parcel))


def _ship(world: World, first: int, second: int) -> None:
    """Pack and send at once: most stories should get somewhere."""
    _pack(world, first, second)
    order = world.order(first)
    if order and order.fulfilment.parcels:
        world.do(order, fc.Dispatch(parcel=list(order.fulfilment.parcels)[-1]))


def _track(world: World, first: int, second: int) -> None:
    order = world.order(first)
    parcel = _parcel(order, second) if order else None
    if order and parcel:
        told = (ParcelStatus.DELIVERED, ParcelStatus.IN_TRANSIT, ParcelStatus.LOST)
        status = told[second % 3 if second > 4 else 0]
        at = world.shop.clock()
        world.do(order, fc.ReportTracking(parcel=parcel, status=status, at=at))


def _short(world: World, first: int, second: int) -> None:
    if order := world.order(first):
        for work in order.fulfilment.open_orders:
            for known in work.lines:
                if known.to_pick:
                    policy = list(ShortPolicy)[second % 3]
                    units = (LineUnits(line=known.line, quantity=1),)
                    report = fc.RecordShortPick(fulfilment=work.id, lines=units, policy=policy)
                    world.do(order, report)
                    return


def _move(world: World, first: int, second: int) -> None:
    """Untouched work goes to the other place, if there is stock."""
    if order := world.order(first):
        for work in order.fulfilment.open_orders:
            place = LOCATIONS[second % 2]
            world.do(order, fc.MoveFulfilment(fulfilment=work.id, location=place))
            return


def _answer_cancel(world: World, first: int, second: int) -> None:
    if order := world.order(first):
        for work in order.fulfilment.open_orders:
            if work.asked:
                yes, no = fc.AcceptCancel(fulfilment=work.id), fc.RefuseCancel(fulfilment=work.id)
                world.do(order, no if second % 4 == 0 else yes)
                return


def _return(world: World, first: int, second: int) -> None:
    """Goods come back unannounced, are looked at and paid for."""
    order = world.order(first)
    if not order:
        return
    for line_id, slots in order.fulfilment.dispatched.items():
        back = min(len(slots), 1 + second % 3)
        world.returns += 1
        name = ReturnId(f"R{world.returns}")
        units = (ReturnUnits(line=line_id, quantity=back),)
        world.do(order, rc.ReceiveReturn(return_id=name, items=units, location=NORTH))
        findings = tuple(rc.Finding(units=each, grade=Grade.A_NEW) for each in units)
        world.do(order, rc.InspectReturn(return_id=name, results=findings))
        _refund_accepted(world, world.shop.load(order.id))
        world.do(order, rc.CloseReturn(return_id=name))
        return


def _wish(world: World, first: int, second: int) -> None:
    order = world.order(first)
    if order and order.fulfilment.dispatched:
        chosen = next(iter(order.fulfilment.dispatched))
        world.returns += 1
        wish = rc.ReturnWish(
            units=ReturnUnits(line=chosen, quantity=1 + second % 2),
            reason=ReturnReason.CHANGED_MIND,
        )
        world.do(order, rc.RequestReturn(return_id=ReturnId(f"R{world.returns}"), items=(wish,)))


def uncredited(order: Order) -> Iterator[tuple[LineId, SlotSet]]:
    """The accepted units that were not paid for yet."""
    known: dict[LineId, SlotSet] = {}
    for credit in order.credits:
        for part in credit.parts:
            if part.line is not None and not part.adjusts:
                known[part.line] = known.get(part.line, NO_SLOTS) | part.slots
    for line_id, slots in order.returns.accepted.items():
        left = slots - known.get(line_id, NO_SLOTS)
        if left:
            yield line_id, left


def _refund_accepted(world: World, order: Order) -> None:
    items = tuple(uncredited(order))
    if items:
        world.do(order, oc.Refund(quote=world.shop.service.quote_refund(order.id, items)))


def _refund(world: World, first: int, second: int) -> None:
    """Somebody credits units, takes something off, or is kind."""
    order = world.order(first)
    if not order:
        return
    name = CreditId(f"{order.id}:credit:{len(order.credits) + 1}")
    chosen = order.priced.lines[second % len(order.priced.lines)]
    one = SlotSet.of(0, 1)
    requests = (
        RefundRequest(id=name, cause=CreditCause.GOODWILL, goodwill=eur(100)),
        RefundRequest(
            id=name,
            cause=CreditCause.PRICE_REDUCTION,
            reductions=(PriceReduction(line=chosen.id, slots=one, amount=eur(50)),),
        ),
        RefundRequest(
            id=name, cause=CreditCause.CLAIM, items=(RefundItem(line=chosen.id, slots=one),)
        ),
    )
    quote = world.shop.service.quote_refund(order.id, requests[second % 3])
    world.do(order, oc.Refund(quote=quote))


def _hold(world: World, first: int, second: int) -> None:
    if order := world.order(first):
        kind = HoldKind(f"kind-{second % 2}")
        if any(hold.kind == kind for hold in order.holds):
            world.do(order, oc.ReleaseHold(kind=kind))
            return
        until = world.shop.clock() + timedelta(hours=second) if second % 3 else None
        block = list(Blocks)[second % len(Blocks)]
        world.do(order, oc.PlaceHold(kind=kind, blocks=(block,), release_at=until))


def _amend(world: World, first: int, second: int) -> None:
    order = world.order(first)
    if not order:
        return
    if order.proposals:
        name = order.proposals[0].proposal
        answer: Request = oc.ConfirmAmendment(proposal=name)
        world.do(order, oc.DeclineAmendment(proposal=name) if second % 4 == 0 else answer)
        return
    name = f"more-{len(order.priced.lines)}"
    more = changed(line(name, 1 + second % 2, 700), item=ItemId("cup"))
    addition = basket(more) if second % 3 else None
    removals = ((order.priced.lines[0].id, 1),) if second % 2 or addition is None else ()
    command = oc.ProposeAmendment(
        proposal=f"p{order.version}", addition=addition, removals=removals
    )
    world.do(order, command)


def _split(world: World, first: int, second: int) -> None:
    """Some open units become an order of their own; now and then it is paid by transfer."""
    order = world.order(first)
    if not order:
        return
    other = OrderId(f"{order.id}-S{len(order.links) + 1}")
    chosen = order.priced.lines[second % len(order.priced.lines)]
    tender = CARD if second % 3 else ACCOUNT
    units = ((chosen.id, 1 + second % 2),)
    world.do(order, oc.SplitOrder(order=other, units=units, tenders=(tender,)))
    world.shop.orders.append(other)


def _exchange(world: World, first: int, second: int) -> None:
    """A unit that was sent is claimed, and another goes out for it."""
    order = world.order(first)
    gone = next(((line, slots) for line, slots in uncredited_sent(order)), None) if order else None
    if not order or gone is None:
        return
    other = OrderId(f"{order.id}-X{len(order.links) + 1}")
    wanted = RefundRequest(
        id=CreditId(f"{order.id}:credit:{len(order.credits) + 1}"),
        cause=CreditCause.CLAIM,
        items=(RefundItem(line=gone[0], slots=gone[1].lowest(1)),),
    )
    command = oc.ExchangeGoods(
        order=other,
        priced=basket(line("cup", 1, 300 * (1 + second % 4))),
        quote=world.shop.service.quote_refund(order.id, wanted),
        tenders=(CARD,),
    )
    world.do(order, command)
    world.shop.orders.append(other)


def uncredited_sent(order: Order) -> Iterator[tuple[LineId, SlotSet]]:
    """The sent units that were not credited yet."""
    gone = credited_slots(order.credits)
    for name, slots in order.fulfilment.dispatched.items():
        left = slots - gone.get(name, NO_SLOTS)
        if left:
            yield name, left


def _pay(world: World, first: int, second: int) -> None:
    """Money is taken or comes in by hand."""
    order = world.order(first)
    if not order:
        return
    if second % 2 == 0:
        world.do(order, pc.CaptureNow())
        return
    report = pc.ReportCollected(
        tender=order.payment.tenders[0].id,
        amount=eur(100 * (1 + second)),
        reference=Reference(f"slip-{order.version}"),
        at=world.shop.clock(),
    )
    if order.payment.tenders[0].id == ACCOUNT.id:
        world.do(order, report)


def _stock(world: World, first: int, second: int) -> None:
    """Units arrive, are counted, or may be sold before they are there."""
    item, place = ITEMS[first % 2], LOCATIONS[first // 2 % 2]
    if second % 3 == 0:
        world.shop.receive(item, 1 + second, place)
        return
    if second % 3 == 1:
        row = CountedLine(item=ItemId(item), location=place, counted=second)
        world.shop.service.stock.execute(CountStock(lines=(row,), reason="stock-take"), by=STAFF)
        return
    policy = StockPolicy(backorder_limit=second)
    change = PolicyLine(item=ItemId(item), location=place, policy=policy)
    world.shop.service.stock.execute(SetStockPolicy(lines=(change,)), by=STAFF)


def _note(world: World, first: int, second: int) -> None:
    """Somebody writes something down, or puts a label on it or takes it off."""
    if order := world.order(first):
        tag = f"tag-{second % 3}"
        change = oc.ChangeTags(remove=(tag,)) if tag in order.tags else oc.ChangeTags(add=(tag,))
        world.do(order, oc.AddNote(text=f"note {second}") if second % 2 else change)


def _silence(world: World, first: int, second: int) -> None:
    """One of the next calls goes wrong."""
    world.shop.till.fates.extend([Fate.FINE] * (second % 3))
    world.shop.till.fates.append(list(Fate)[first % len(Fate)])


def _time(world: World, first: int, second: int) -> None:
    """Time passes, and a worker works."""
    world.shop.clock.forward(timedelta(hours=first * 2, minutes=second))
    done = world.shop.service.run_due(limit=20)
    assert () == done.failed, "a worker could serve everything"


STEPS: Final[dict[str, Callable[[World, int, int], None]]] = {
    "place": _place,
    "cancel": _cancel,
    "cancel_units": _cancel_units,
    "confirm": _confirm,
    "pack": _pack,
    "dispatch": _dispatch,
    "ship": _ship,
    "track": _track,
    "short": _short,
    "move": _move,
    "answer_cancel": _answer_cancel,
    "return": _return,
    "wish": _wish,
    "refund": _refund,
    "hold": _hold,
    "amend": _amend,
    "split": _split,
    "exchange": _exchange,
    "pay": _pay,
    "stock": _stock,
    "note": _note,
    "silence": _silence,
    "time": _time,
}
small = st.integers(0, 9)
usual: st.SearchStrategy[Step] = st.tuples(st.sampled_from(sorted(STEPS)), small, small)
begin: st.SearchStrategy[Step] = st.tuples(st.just("place"), small, small)
busy: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from(("ship", "return", "cancel_units", "time", "track", "cancel")), small, small
)


def told(first: Step, rest: list[Step]) -> list[Step]:
    return [first, *rest]


stories: st.SearchStrategy[list[Step]] = st.builds(told, begin, st.lists(usual | busy, max_size=14))


# --- what must hold after every step ------------------------------------------------------------

Replay = Callable[[Iterable[Event]], Order]


def facts_of(shop: Shop, order: OrderId) -> tuple[Event, ...]:
    """All facts of an order, as they were committed."""
    stream = StreamId(order)
    return tuple(event for one in shop.store.history(stream) for event in one.events[stream])


def check_history(shop: Shop, order: Order) -> None:
    """O-10: replaying gives the state, versions are dense, a snapshot is the same order."""
    facts = facts_of(shop, order.id)
    assert len(facts) == order.version, "versions are dense"
    assert replay(facts) == order, "replaying gives the state"
    again: Order | None = None
    for event in facts:
        again = evolve(again, event)
    assert order == again, "the order is nothing but its facts"
    assert decode_state(encode_state(order), Order) == order, "its snapshot is the same order"


def check_money(shop: Shop, order: Order, sums: Balance) -> None:
    """The two ledgers: credits and charges, and what the till says was really moved."""
    total = order.priced.total
    assert len({credit.id for credit in order.credits}) == len(order.credits), "each credit once"
    given_up = sum_money([credit.amount for credit in order.credits], total.currency)
    assert given_up <= total, "no more is credited than was charged"
    assert total - given_up == sums.owed, "owed is charges less credits"
    if not has_open_operations(order):
        by_hand = sum(
            entry.amount.minor * (-1 if entry.is_refund else 1)
            for entry in order.payment.recorded.values()
        )
        assert shop.till.held(order.id) + by_hand == sums.held.minor, "the till says the same"
    assert sums.totals.captured.minor >= sums.totals.refunded.minor, "no more back than came in"
    check_claims(order, sums)


def check_claims(order: Order, sums: Balance) -> None:
    """PAY-4: under capture at dispatch a card is charged for no more than what has left."""
    open_units = any(order.open_slots(each) for each in order.fulfilment_lines())
    terms = order.terms.payment.capture
    cards = all(tender.id == CARD.id for tender in order.payment.tenders)
    if terms is CaptureWhen.DISPATCH and open_units and cards:
        sent = [
            slot_value(order.priced, line_id, slots)
            for line_id, slots in order.fulfilment.dispatched.items()
        ]
        worth = sum_money(sent, order.priced.currency)
        assert sums.totals.captured <= worth, "only what has left"
        settled = not order.credits and not has_open_operations(order)
        if settled and not order.is_blocked(Blocks.CAPTURE):
            assert worth == sums.totals.captured, "all that has left"


def check_slots(order: Order) -> None:
    """A slot ends once: cancelled, or sent; a unit that stays open is not credited in full."""
    for each in order.priced.lines:
        cancelled = order.cancelled_slots(each.id)
        sent = order.fulfilment.dispatched.get(each.id, NO_SLOTS)
        everything = SlotSet.of(0, each.quantity)
        assert not cancelled & sent, "no slot is cancelled and sent"
        assert cancelled | sent <= everything, "no slot beyond the line"
        paid = [
            slot
            for credit in order.credits
            for part in credit.parts
            if part.line == each.id
            and not part.adjusts
            and part.component == "goods"
            and part.charge == ""
            for slot in part.slots
        ]
        assert len(paid) == len(set(paid)), "no slot is credited twice"
        assert not SlotSet.from_slots(paid) & order.open_slots(each), "what is credited is closed"


def check_work(order: Order) -> None:
    """F-1, F-2: a unit is planned once, and where the order holds it or waits for it."""
    planned: dict[tuple[LineId, str], int] = {}
    for work in order.fulfilment.open_orders:
        for known in work.lines:
            key = (known.line, work.location)
            planned[key] = planned.get(key, 0) + known.remaining
    for each in order.fulfilment_lines():
        everywhere = sum(units for (name, _), units in planned.items() if name == each.id)
        assert everywhere <= len(order.open_slots(each)), "no unit is planned twice"
    for (name, place), units in planned.items():
        there = sum(at.quantity for at in order.stock.of(name) if at.location == place)
        assert units <= there, "work is where its stock is"


def held_rows(shop: Shop, order: Order) -> dict[LineId, tuple[int, int]]:
    """By line, the units that the store has reserved and queued for an order."""
    found: dict[LineId, tuple[int, int]] = {}
    for row in shop.store.allocations(order.stream):
        reserved, queued = found.get(row.line, (0, 0))
        found[row.line] = (reserved + row.reserved, queued + row.queued)
    return found


def check_stock(shop: Shop) -> None:
    """The counters are the sum of the ledger, and nobody has what is not there."""
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
    rows: dict[tuple[str, str], int] = {}
    for stream in shop.orders:
        order = shop.load(stream)
        held = held_rows(shop, order)
        for each in order.priced.lines:
            units = sum(held.get(each.id, (0, 0)))
            assert units <= len(order.open_slots(each)), "no more is held than is open"
        if is_ended(order):
            assert {} == held, "an ended order holds nothing"
        for row in shop.store.allocations(order.stream):
            rows[row.item, row.location] = rows.get((row.item, row.location), 0) + row.reserved
    for place, counters in shop.store.all_counters():
        assert counters.on_hand >= counters.reserved >= 0, "nobody is promised what is not there"
        assert rows.get((place.item, place.location), 0) == counters.reserved, "held by somebody"


def check_rest(shop: Shop, order: Order, sums: Balance) -> None:
    """Nothing is owed that could be done now, and what was held too much is on its way back."""
    now = shop.store.now()
    asks = CheckQueue | RemoteTask
    assert [] == [task for task in due(order, now) if not isinstance(task, asks)], "all is settled"
    asked = (OperationStatus.SUCCEEDED, OperationStatus.PARKED, *FAILURES)
    if any(known.status not in asked for known in order.payment.operations.values()):
        assert shop.store.load(order.stream).due_at is not None, "somebody will look again"
    if not is_ended(order):
        check_progress(order, sums)
    if not order.is_blocked(Blocks.REFUND) and not has_open_operations(order):
        through = all(tender.uses_gateway for tender in order.payment.tenders)
        assert not (through and sums.to_pay_back.is_positive), "what was held too much went back"


def check_progress(order: Order, sums: Balance) -> None:
    """Open units have their stock, or a time to try again; a debt is covered, or was declined."""
    for each in order.fulfilment_lines():
        have = order.stock.reserved(each.id) + order.stock.queued(each.id)
        if have < len(order.open_slots(each)):
            assert order.stock.retry_at is not None, "stock will be tried again"
            return
    operations = order.payment.operations.values()
    through = all(tender.uses_gateway for tender in order.payment.tenders)
    if through and all(known.status is OperationStatus.SUCCEEDED for known in operations):
        sure = sums.held + sums.totals.authorised
        assert sure >= sums.owed, "what is owed is held or set aside"


def check_links(shop: Shop, order: Order) -> None:
    """O-7, R-5: what one order lets go, debt, units and money, the other one has, to the cent."""
    for link in order.links:
        other = shop.load(link.order)
        assert other.made_from == changed(link, order=order.id), "both tell of the tie"
        taken = [
            entry.amount
            for entry in other.payment.recorded.values()
            if entry.reference == f"from-{order.id}"
        ]
        assert link.credit == sum_money(taken, link.credit.currency), "the money has moved"
        ways = ((order, f"back-from-{other.id}-"), (other, f"back-to-{order.id}-"))
        came, went = (
            sum(
                entry.amount.minor
                for name, entry in each.payment.recorded.items()
                if name.startswith(way)
            )
            for each, way in ways
        )
        assert came == went, "what one gave back the other has"
        if link.kind is LinkKind.SPLIT:
            (moved,) = [each for each in order.credits if each.reason.endswith(f" {link.order}")]
            first = replay(facts_of(shop, link.order)[:1])
            forgiven = [one.amount for one in other.credits if one.reason == moved.reason]
            debt = sum_money([moved.amount, *forgiven], link.credit.currency)
            assert debt == first.priced.total, "the debt has moved"
            for part in (part for part in moved.parts if part.component == "goods"):
                assert part.line is not None
                assert len(part.slots) == first.priced.line(part.line).quantity


def check(world: World) -> None:
    """All laws of orders, in the world as it stands."""
    check_stock(world.shop)
    for name in world.shop.orders:
        order = world.shop.load(name)
        sums = balance(order)
        assert statuses(order).order is not None
        check_history(world.shop, order)
        check_slots(order)
        check_work(order)
        check_money(world.shop, order, sums)
        check_links(world.shop, order)
        check_rest(world.shop, order, sums)


def check_end(world: World) -> None:
    """Everything cancelled or returned, and time enough: no money and no stock is kept."""
    shop = world.shop
    shop.till.fates.clear()
    shop.rest(rounds=3)
    for name in shop.orders:
        _wind_up(world, name)
    shop.rest(rounds=30, step=timedelta(hours=8))
    for name in shop.orders:
        _pay_out(world, name)
        order = shop.load(name)
        sums = balance(order)
        assert not has_open_operations(order), "every question is answered in the end"
        assert 0 == sums.owed.minor, "nothing is owed for what was not kept"
        assert 0 == sums.held.minor, "no money is kept"
        assert 0 == sums.totals.authorised.minor, "no money is set aside"
        assert () == shop.store.allocations(order.stream), "no stock is kept"
    check(world)


def _try(world: World, order: OrderId, command: Request | Report) -> None:
    try:
        world.shop.do(order, command)
    except (BrokenContractError, UnavailableError):
        raise
    except OrderCoreError as error:
        world.refused.append(error)


def _wind_up(world: World, name: OrderId) -> None:
    """Cancel what is open, take everything back, and credit what it is worth."""
    shop = world.shop
    for hold in shop.load(name).holds:
        _try(world, name, oc.ReleaseHold(kind=hold.kind))
    for parcel in shop.load(name).fulfilment.parcels:
        _try(world, name, fc.UnpackParcel(parcel=parcel))
    for work in shop.load(name).fulfilment.open_orders:
        picked = tuple(
            LineUnits(line=known.line, quantity=known.to_pack)
            for known in work.lines
            if known.to_pack
        )
        if picked:
            _try(world, name, fc.PutBackUnits(fulfilment=work.id, lines=picked))
    for work in shop.load(name).fulfilment.open_orders:
        _try(world, name, fc.AcceptCancel(fulfilment=work.id))
    _try(world, name, oc.Cancel())
    for work in shop.load(name).fulfilment.open_orders:
        _try(world, name, fc.AcceptCancel(fulfilment=work.id))
    _credit_rest(world, name)


def _credit_rest(world: World, name: OrderId) -> None:
    order = world.shop.load(name)
    credited: dict[LineId, SlotSet] = {}
    for credit in order.credits:
        for part in credit.parts:
            if part.line is not None and not part.adjusts:
                credited[part.line] = credited.get(part.line, NO_SLOTS) | part.slots
    items = tuple(
        RefundItem(line=line_id, slots=left)
        for line_id, slots in order.fulfilment.dispatched.items()
        for left in (slots - credited.get(line_id, NO_SLOTS),)
        if left
    )
    if items:
        wanted = RefundRequest(id=CreditId(f"{name}:end"), cause=CreditCause.CLAIM, items=items)
        quote = world.shop.service.quote_refund(name, wanted)
        world.shop.do(name, oc.Refund(quote=quote))


def _pay_out(world: World, name: OrderId) -> None:
    """What no gateway can give back, a person gives back."""
    order = world.shop.load(name)
    back = balance(order).to_pay_back
    if back.is_positive and not order.payment.tenders[0].uses_gateway:
        paid = pc.RecordRefund(
            tender=order.payment.tenders[0].id, amount=back, reference=Reference("paid-out")
        )
        world.shop.do(name, paid)


def law_of_orders(story: list[Step]) -> None:
    """Every law after every step, and nothing kept at the end."""
    world = World()
    for _ in world.play(story):
        check(world)
    check_end(world)


@given(story=stories)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_orders_keep_their_laws_in_any_story(story: list[Step]) -> None:
    """Whatever is asked in whatever order, facts, money, slots and stock agree after each step."""
    law_of_orders(story)
