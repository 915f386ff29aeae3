"""O-4: amendments of every sort, with preview, confirm, decline, undo, balance, stock, invoices."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.ids import LineId
from ordercore.inventory.audit import audit
from ordercore.inventory.model import OutOfStockError
from ordercore.invoice.model import DocumentKind
from ordercore.money import EUR
from ordercore.order import commands as oc
from ordercore.order.amend import EmptyProposalError, UnknownProposalError
from ordercore.order.balance import balance
from ordercore.order.decide import decide
from ordercore.order.model import Order
from ordercore.order.party import Destination
from ordercore.order.refusals import NothingToCancelError, NotToUndoError
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.model import Operation
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.pricing.values import InvalidTaxError, Tax
from ordercore.refund.model import ChargeCredit, PriceReduction
from ordercore.service._weighed import given_away
from tests.laws.order_world import BUYER, CARD, Shop, basket, eur, line

TEA, CUP = LineId("tea"), LineId("cup")
PAID = Terms(
    release_automatically=False,
    invoice=InvoiceWhen.CONFIRMATION,
    payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT),
)
BERLIN, ROME = Destination(country="DE"), Destination(country="IT")


@pytest.fixture
def shop() -> Shop:
    """Five of each are there."""
    opened = Shop()
    opened.receive("tea", 5)
    opened.receive("cup", 5)
    return opened


def priced() -> PricedOrder:
    """Three units at 10.00, and shipping at 4.00."""
    shipping = Charge(id="post", amount=eur(400))
    return price(Draft(currency=EUR, lines=(line("tea", 3),), charges=(shipping,)))


@pytest.fixture
def order(shop: Shop) -> Order:
    """Paid, invoiced, and nobody works on it yet."""
    receipt = shop.service.place(
        priced(), key="place", by=BUYER, terms=PAID, tenders=(CARD,), destination=BERLIN
    )
    return receipt.order


def amended(shop: Shop, order: Order, proposal: oc.ProposeAmendment) -> Order:
    """Propose, look at the preview, confirm: the preview was right."""
    shop.do(order.id, proposal)
    answer = oc.ConfirmAmendment(proposal=proposal.proposal)
    seen = shop.service.preview(order.id, answer).order
    after = shop.do(order.id, answer).order
    assert balance(seen).owed == balance(after).owed
    return after


def check_settled(shop: Shop, order: Order) -> None:
    """The till holds what is owed, and the invoices less the credit notes say the same."""
    shop.rest(rounds=3)
    now = shop.load(order.id)
    owed = balance(now).owed.minor
    assert owed == shop.till.held(order.id)
    signs = {DocumentKind.INVOICE: 1, DocumentKind.CREDIT_NOTE: -1}
    stated = sum(signs[each.kind] * each.totals.gross.minor for each in now.documents)
    assert owed == stated


def test_an_addition_is_collected_and_invoiced(shop: Shop, order: Order) -> None:
    """More to collect: stock is taken, the card is charged, a second invoice is written."""
    after = amended(shop, order, oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1))))
    assert eur(4400) == balance(after).owed
    assert 1 == after.stock.reserved(CUP)
    check_settled(shop, order)
    assert 2 == len(shop.load(order.id).documents)


def test_a_removal_is_given_back_and_credited(shop: Shop, order: Order) -> None:
    """To give back: stock is let go, money returns, a credit note names the invoice."""
    after = amended(shop, order, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    assert 2 == after.stock.reserved(TEA)
    check_settled(shop, order)
    assert shop.till.moved(Operation.REFUND, order.id) > 1000
    note = shop.load(order.id).documents[-1]
    assert DocumentKind.CREDIT_NOTE is note.kind
    assert note.refers_to


def test_another_price_replaces_the_open_units(shop: Shop, order: Order) -> None:
    """M-7: the open slots go, and a new block of slots comes at the new price."""
    cheaper = evolve(line("tea-2", 3, 800), item=order.priced.lines[0].item)
    block = basket(cheaper)
    block = evolve(block, lines=(evolve(block.lines[0], extends=TEA),))
    proposal = oc.ProposeAmendment(proposal="p", addition=block, removals=((TEA, 3),))
    after = amended(shop, order, proposal)
    assert eur(2400) == balance(after).owed
    assert (0, 3) == (after.stock.reserved(TEA), after.stock.reserved(LineId("tea-2")))
    check_settled(shop, order)


def test_a_discount_and_cheaper_shipping_are_credits(shop: Shop, order: Order) -> None:
    """Units that stay cost less, and a part of the shipping comes back."""
    proposal = oc.ProposeAmendment(
        proposal="p",
        reductions=(PriceReduction(line=TEA, slots=SlotSet.of(0, 2), amount=eur(150)),),
        charges=(ChargeCredit(charge="post", amount=eur(100)),),
    )
    after = amended(shop, order, proposal)
    assert eur(3400 - 250) == balance(after).owed
    check_settled(shop, order)


def test_an_address_can_be_proposed_and_undone(shop: Shop, order: Order) -> None:
    """The goods go elsewhere only once it is confirmed, and back when it is undone."""
    shop.do(order.id, oc.ProposeAmendment(proposal="p", destination=ROME))
    assert BERLIN == shop.load(order.id).destination
    assert ROME == shop.do(order.id, oc.ConfirmAmendment(proposal="p")).order.destination
    assert BERLIN == shop.do(order.id, oc.UndoAmendment(proposal="p")).order.destination


def test_undo_takes_everything_back(shop: Shop, order: Order) -> None:
    """What was added is cancelled; what was taken away comes back at the old amounts."""
    addition = basket(line("cup", 1))
    proposal = oc.ProposeAmendment(proposal="p", addition=addition, removals=((TEA, 2),))
    amended(shop, order, proposal)
    after = shop.do(order.id, oc.UndoAmendment(proposal="p", reason="a mistake")).order
    assert balance(order).owed == balance(after).owed
    (back,) = [each for each in after.priced.lines if each.extends == TEA]
    assert 2 == back.quantity == after.stock.reserved(back.id)
    assert (0, 1) == (after.stock.reserved(CUP), after.stock.reserved(TEA))
    assert () == after.amendments
    check_settled(shop, order)
    with pytest.raises(NotToUndoError):
        shop.do(order.id, oc.UndoAmendment(proposal="p"))


def test_an_undo_can_be_repeated_by_another_amendment(shop: Shop, order: Order) -> None:
    """The same change twice, undone twice: names never clash, sums never drift."""
    for _ in range(2):
        amended(shop, order, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
        after = shop.do(order.id, oc.UndoAmendment(proposal="p")).order
        assert balance(order).owed == balance(after).owed
    assert 3 == len(shop.load(order.id).priced.lines)


def test_what_was_sent_is_not_undone(shop: Shop, order: Order) -> None:
    """There is no way back from a parcel, nor from a discount on what is in it."""
    lower = (PriceReduction(line=TEA, slots=SlotSet.of(0, 1), amount=eur(50)),)
    amended(shop, order, oc.ProposeAmendment(proposal="less", reductions=lower))
    amended(shop, order, oc.ProposeAmendment(proposal="more", addition=basket(line("cup", 1))))
    shop.do(order.id, oc.AmendTerms(terms=evolve(PAID, release_automatically=True)))
    shop.service.advance(order.id)
    shop.send_all(order.id)
    for name in ("less", "more", "unknown"):
        with pytest.raises(NotToUndoError):
            shop.do(order.id, oc.UndoAmendment(proposal=name))


def test_an_undo_without_stock_is_refused_as_a_whole(shop: Shop, order: Order) -> None:
    """Somebody bought the units in between."""
    amended(shop, order, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    shop.place(line("tea", 3))
    before = shop.load(order.id)
    with pytest.raises(OutOfStockError):
        shop.do(order.id, oc.UndoAmendment(proposal="p"))
    assert before == shop.load(order.id)


def test_a_proposal_that_changes_nothing_is_refused(shop: Shop, order: Order) -> None:
    """The same address is no change."""
    for proposal in (
        oc.ProposeAmendment(proposal="p"),
        oc.ProposeAmendment(proposal="p", destination=BERLIN),
    ):
        with pytest.raises(EmptyProposalError):
            shop.do(order.id, proposal)


def test_units_that_were_sent_or_cancelled_are_not_amended(shop: Shop, order: Order) -> None:
    """ABUSE 23: the refusal says how many are open."""
    shop.do(order.id, oc.CancelUnits(units=((TEA, 2),)))
    with pytest.raises(NothingToCancelError, match="1 are still open"):
        shop.do(order.id, oc.ProposeAmendment(proposal="p", removals=((TEA, 2),)))
    shop.do(order.id, oc.AmendTerms(terms=evolve(PAID, release_automatically=True)))
    shop.service.advance(order.id)
    shop.send_all(order.id)
    with pytest.raises(NothingToCancelError, match="0 are still open"):
        shop.do(order.id, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))


def test_an_addition_keeps_the_rate_of_a_tax_code(shop: Shop) -> None:
    """P-4: one code means one rate in the whole order, also in what joins it later."""

    def taxed(name: str, rate: Fraction) -> PricedOrder:
        return basket(evolve(line(name, 1), taxes=(Tax(code="VAT", rate=rate),)))

    order = shop.service.place(
        taxed("tea", Fraction(1, 5)), key="taxed", by=BUYER, terms=PAID, tenders=(CARD,)
    ).order
    other = oc.ProposeAmendment(proposal="p", addition=taxed("cup", Fraction(1, 10)))
    with pytest.raises(InvalidTaxError):
        shop.do(order.id, other)
    shop.do(order.id, evolve(other, addition=taxed("cup", Fraction(1, 5))))


REDUCED = oc.ProposeAmendment(
    proposal="less",
    reductions=(PriceReduction(line=TEA, slots=SlotSet.of(1, 3), amount=eur(333)),),
    charges=(ChargeCredit(charge="post", amount=eur(101)),),
)


def test_a_discount_and_cheaper_shipping_can_be_undone(shop: Shop, order: Order) -> None:
    """O-4: what was given back is charged again, by the till and on an invoice, to the cent."""
    amended(shop, order, REDUCED)
    check_settled(shop, order)
    after = shop.do(order.id, oc.UndoAmendment(proposal="less")).order
    assert balance(order).owed == balance(after).owed
    check_settled(shop, order)
    again = shop.load(order.id).documents[-1]
    assert (DocumentKind.INVOICE, eur(434)) == (again.kind, again.totals.gross)
    assert again.refers_to
    with pytest.raises(NotToUndoError):
        shop.do(order.id, oc.UndoAmendment(proposal="less"))


def test_the_same_discount_twice_is_undone_once_each(shop: Shop, order: Order) -> None:
    """O-4: two amendments of one kind are two credits, and each is taken back by itself."""
    amended(shop, order, REDUCED)
    once = balance(shop.load(order.id)).owed
    amended(shop, order, evolve(REDUCED, proposal="again"))
    assert once == balance(shop.do(order.id, oc.UndoAmendment(proposal="less")).order).owed
    both = shop.do(order.id, oc.UndoAmendment(proposal="again")).order
    assert balance(order).owed == balance(both).owed
    shop.do(order.id, oc.Cancel())
    check_settled(shop, order)
    assert eur(0) == balance(shop.load(order.id)).owed


def test_a_discount_on_cancelled_units_is_not_undone(shop: Shop, order: Order) -> None:
    """O-4: they were given back at the lower price, so nothing is left to raise."""
    amended(shop, order, REDUCED)
    shop.do(order.id, oc.CancelUnits(units=((TEA, 1),)))
    with pytest.raises(NotToUndoError, match="cancelled or returned since"):
        shop.do(order.id, oc.UndoAmendment(proposal="less"))


def test_another_price_is_undone_without_free_stock(shop: Shop, order: Order) -> None:
    """O-4: the order holds the units itself, and nobody can take them in between."""
    block = basket(evolve(line("tea", 3, 800), id=LineId("tea-2"), extends=TEA))
    amended(shop, order, oc.ProposeAmendment(proposal="p", addition=block, removals=((TEA, 3),)))
    shop.place(line("tea", 2))
    after = shop.do(order.id, oc.UndoAmendment(proposal="p")).order
    (back,) = [each for each in after.priced.lines if each.id not in {TEA, "tea-2"}]
    assert 3 == after.stock.reserved(back.id)
    assert 0 == after.stock.reserved(LineId("tea-2"))
    assert balance(order).owed == balance(after).owed
    assert not list(audit(shop.store.ledger(), shop.store.all_counters()))
    check_settled(shop, order)


def test_units_in_work_are_not_undone(shop: Shop, order: Order) -> None:
    """O-4, O-5: an undoing waits for nobody's answer, and does nothing by halves."""
    proposal = oc.ProposeAmendment(
        proposal="p", addition=basket(line("cup", 1)), removals=((TEA, 1),)
    )
    amended(shop, order, proposal)
    shop.do(order.id, oc.AmendTerms(terms=evolve(PAID, release_automatically=True)))
    before = shop.service.advance(order.id)
    with pytest.raises(NotToUndoError, match="a location works"):
        shop.do(order.id, oc.UndoAmendment(proposal="p"))
    assert before == shop.load(order.id)


def test_a_newly_priced_order_may_cost_more_to_send(shop: Shop, order: Order) -> None:
    """O-4: quantity, price and shipping at once: all that is open goes, and comes anew."""
    new = evolve(line("tea", 2, 1100), id=LineId("tea-2"), extends=TEA)
    express = Charge(id="express", amount=eur(900))
    addition = price(Draft(currency=EUR, lines=(new,), charges=(express,)))
    proposal = oc.ProposeAmendment(proposal="p", addition=addition, removals=((TEA, 3),))
    after = amended(shop, order, proposal)
    assert eur(2 * 1100 + 900) == balance(after).owed
    assert (0, 2) == (after.stock.reserved(TEA), after.stock.reserved(new.id))
    check_settled(shop, order)
    undone = shop.do(order.id, oc.UndoAmendment(proposal="p")).order
    assert balance(order).owed == balance(undone).owed
    assert 3 == sum(row.reserved for row in undone.stock.allocations)
    check_settled(shop, order)


def test_a_declined_proposal_has_changed_nothing(shop: Shop, order: Order) -> None:
    """O-4: the reason stands on the timeline, and it cannot be confirmed or undone any more."""
    shop.do(order.id, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    declined = shop.do(order.id, oc.DeclineAmendment(proposal="p", reason="too late")).order
    assert ((), ()) == (declined.proposals, declined.amendments)
    assert balance(order) == balance(declined)
    assert order.stock == declined.stock
    assert "too late" == list(shop.service.history(order.id))[-1].reason
    with pytest.raises(UnknownProposalError):
        shop.do(order.id, oc.ConfirmAmendment(proposal="p"))
    with pytest.raises(NotToUndoError):
        shop.do(order.id, oc.UndoAmendment(proposal="p"))


def test_what_an_undoing_charges_again_hides_nothing_that_it_lets_go(
    shop: Shop, order: Order
) -> None:
    """O-4, O-5: units that it cancels count against a limit as if they were cancelled by hand."""
    more = evolve(REDUCED, proposal="p", addition=basket(line("cup", 1, 434)))
    before = amended(shop, order, more)
    undo = oc.UndoAmendment(proposal="p")
    assert eur(434) == given_away(before, undo, decide(before, undo, shop.clock()))


def test_changes_of_the_same_units_are_undone_one_after_the_other(shop: Shop, order: Order) -> None:
    """O-4, M-7: units that came back under another name are still those that were added."""
    added = amended(shop, order, oc.ProposeAmendment(proposal="a", addition=basket(line("cup", 2))))
    for name in ("b", "c"):
        at = shop.load(order.id).priced.lines[-1].id
        amended(shop, order, oc.ProposeAmendment(proposal=name, removals=((at, 1),)))
        after = shop.do(order.id, oc.UndoAmendment(proposal=name)).order
        assert balance(added).owed == balance(after).owed
    after = shop.do(order.id, oc.UndoAmendment(proposal="a")).order
    assert balance(order).owed == balance(after).owed
    assert 3 == sum(row.reserved for row in after.stock.allocations)
    check_settled(shop, order)
