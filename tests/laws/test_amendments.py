"""O-4: whatever an order was amended by, undoing it backwards leads through the same sums."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Final

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import OrderCoreError
from ordercore.ids import ItemId, LineId
from ordercore.inventory.audit import audit
from ordercore.invoice.model import DocumentKind
from ordercore.money import EUR
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.order.refusals import NotToUndoError
from ordercore.order.rules import is_ended, open_units
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.discounts import OrderDiscount, PercentOff
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import PricedOrder, Tax
from ordercore.pricing.totals import price
from ordercore.refund.calculate import CreditExceedsWorthError
from ordercore.refund.model import ChargeCredit, PriceReduction
from ordercore.refund.policy import GiveBack, RefundPolicy
from ordercore.refund.worth import Worth
from tests.laws.order_world import BUYER, CARD, Shop, eur, line

TERMS: Final = Terms(
    release_automatically=False,
    invoice=InvoiceWhen.CONFIRMATION,
    payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT),
)
VAT: Final = Tax(code="VAT", rate=Fraction(19, 100))
TEA: Final = ItemId("tea")
Change = tuple[str, int, int]
KINDS: Final = ("add", "remove", "reprice", "reduce", "charge")
changes: st.SearchStrategy[list[Change]] = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 4), st.integers(1, 9)), max_size=4
)


def basket_of(*, included: bool) -> PricedOrder:
    """Four units with a tax, a discount and shipping: nothing divides evenly."""
    tea = evolve(line("tea", 4, 333), taxes=(VAT,), tax_included=included)
    off = OrderDiscount(discount=PercentOff(code="five", rate=Fraction(5, 100)))
    post = Charge(id="post", amount=eur(497), taxes=(VAT,), tax_included=included)
    return price(Draft(currency=EUR, lines=(tea,), discounts=(off,), charges=(post,)))


def more(name: str, units: int, minor: int, extends: LineId | None = None) -> PricedOrder:
    """More of the same item under a name of its own."""
    goods = evolve(line(name, units, minor), item=TEA, taxes=(VAT,), extends=extends)
    return price(Draft(currency=EUR, lines=(goods,)))


def proposed(order: Order, name: str, change: Change) -> oc.ProposeAmendment:
    """The nearest change that can be asked of the order."""
    kind, first, second = change
    lines = [each for each in order.priced.lines if open_units(order, each)] or [
        order.priced.lines[0]
    ]
    chosen = lines[first % len(lines)]
    slots = order.open_slots(chosen)
    units = 1 + second % max(1, len(slots))
    worth = Worth.after(order.priced, order.credits).value(chosen.id, slots.lowest(units))
    match kind:
        case "add":
            return oc.ProposeAmendment(proposal=name, addition=more(name, 1 + first % 2, 211))
        case "remove":
            return oc.ProposeAmendment(proposal=name, removals=((chosen.id, units),))
        case "reprice":
            block = more(name, units, 100 * second + 1, chosen.id)
            return oc.ProposeAmendment(
                proposal=name, addition=block, removals=((chosen.id, units),)
            )
        case "reduce":
            amount = eur(worth.minor * second // 30)
            less = PriceReduction(
                line=chosen.id, slots=slots.lowest(units) or chosen.slots, amount=amount
            )
            return oc.ProposeAmendment(proposal=name, reductions=(less,))
        case _:
            less_post = ChargeCredit(charge="post", amount=eur(7 * second))
            return oc.ProposeAmendment(proposal=name, charges=(less_post,))


def sums_of(order: Order) -> Counter[str]:
    """What is owed, and how much of each tax is still charged, in minor units."""
    found = Counter({"owed": balance(order).owed.minor})
    for part in order.priced.parts:
        for tax in part.taxes:
            found[tax.code] += tax.amount.minor
    for credit in order.credits:
        for one in credit.parts:
            if one.component == "tax":
                found[one.code] -= one.amount.minor
    return found


def stated(order: Order) -> int:
    """Invoices less credit notes, with tax."""
    signs = {DocumentKind.INVOICE: 1, DocumentKind.CREDIT_NOTE: -1}
    return sum(signs[each.kind] * each.totals.gross.minor for each in order.documents)


def check_same(earlier: Order, order: Order, *, exact: bool) -> None:
    """Debt, taxes and stock are those from before the change."""
    assert balance(earlier).owed == balance(order).owed, "what is owed is as it was"
    assert not exact or sums_of(earlier) == sums_of(order), "and of each tax"
    units = [sum(row.reserved for row in each.stock.allocations) for each in (earlier, order)]
    assert units[0] == units[1], "as many units are held"


def law_of_undoing(
    story: list[Change], terms: Terms = TERMS, *, included: bool = True, exact: bool = True
) -> None:
    """Debt, taxes, stock and invoices after each undoing are those from before the change."""
    shop = Shop()
    shop.receive("tea", 30)
    order = shop.service.place(
        basket_of(included=included), key="place", by=BUYER, terms=terms, tenders=(CARD,)
    ).order
    before: list[tuple[str, Order]] = []
    for number, change in enumerate(story):
        name = f"p{number}"
        try:
            shop.do(order.id, proposed(order, name, change))
        except OrderCoreError:
            continue
        try:
            after = shop.do(order.id, oc.ConfirmAmendment(proposal=name)).order
        except CreditExceedsWorthError:
            continue
        before.append((name, order))
        order = after
    is_latest = True
    while before and not is_ended(order):
        name, earlier = before.pop()
        try:
            order = shop.do(order.id, oc.UndoAmendment(proposal=name)).order
        except NotToUndoError:
            assert not is_latest, "what nothing has followed is undone"
            continue
        is_latest = False
        if len(earlier.amendments) == len(order.amendments):
            check_same(earlier, order, exact=exact)
        assert balance(order).owed.minor == stated(order), "the invoices say the same"
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
    shop.rest(rounds=2)
    order = shop.load(order.id)
    assert balance(order).owed.minor == shop.till.held(order.id), "the till holds it"


@given(story=changes, included=st.booleans())
@settings(max_examples=25, deadline=None)
def test_undoing_leads_back(story: list[Change], included: bool) -> None:  # drawn
    """O-4: what was changed in one order is undone in the other, to the cent and to the unit."""
    law_of_undoing(story, included=included)


@given(story=changes)
@settings(max_examples=10, deadline=None)
def test_undoing_charges_nothing_twice(story: list[Change]) -> None:
    """RF-4: what a cancel keeps of the shipping is not charged once more by an undoing."""
    keeps = evolve(TERMS, refund=RefundPolicy(cancelled=GiveBack.NEVER))
    law_of_undoing(story, keeps, exact=False)
