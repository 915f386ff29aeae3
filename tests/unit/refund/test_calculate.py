"""Refund quotes: what is credited, what is sent back, and how it is explained."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from attrs import evolve, frozen

from ordercore.errors import NotFoundError, OrderCoreError, RefusedError
from ordercore.ids import CreditId, LineId, TenderId
from ordercore.money import USD, CurrencyMismatchError, Money
from ordercore.pricing.discounts import AmountOff, OrderDiscount, PercentOff
from ordercore.pricing.model import ChargeKind, PricedOrder
from ordercore.pricing.slots import InvalidSlotsError, SlotSet
from ordercore.pricing.values import UnknownLineError
from ordercore.refund.calculate import (
    AlreadyCreditedError,
    CreditExceedsWorthError,
    RefundBasis,
    UnknownChargeError,
    calculate,
    cancel_credit,
    dispatched_worth,
    fingerprint,
)
from ordercore.refund.ledger import owed
from ordercore.refund.model import (
    ChargeCredit,
    Credit,
    CreditCause,
    InvalidRefundError,
    PriceReduction,
    RefundItem,
    RefundRequest,
)
from ordercore.refund.policy import (
    EarnedByAmount,
    EarnedByUnits,
    FreightFee,
    GiveBack,
    GoodsReturned,
    PercentFee,
    RefundPolicy,
    ReturnFee,
    UnitFee,
)
from ordercore.refund.tenders import RefundExceedsHeldError, TenderBalance
from ordercore.refund.worth import Worth, credited_slots
from tests.unit.pricing.shop import eur, line, loose, priced, shipping, vat

A, B = LineId("a"), LineId("b")
ORDER = priced(
    line("a", 1000, 3, taxes=[vat(20)], included=True),
    line("b", 500, 2, taxes=[vat(20)]),
    charges=[shipping(400, taxes=[vat(20)])],
)
"""Three units at 10.00 incl., two at 5.00 plus tax, and shipping of 4.00 plus tax: 46.80."""


def returning(
    slots_of: Mapping[LineId, SlotSet], number: int = 1, cause: CreditCause = CreditCause.RETURNED
) -> RefundRequest:
    """A request for these slots."""
    items = tuple(RefundItem(line=name, slots=slots) for name, slots in slots_of.items())
    return RefundRequest(id=CreditId(f"C{number}"), cause=cause, items=items)


def facts(*earlier: Credit, held: int | None = None, order: PricedOrder = ORDER) -> RefundBasis:
    """A paid order with these credits."""
    paid = order.total if held is None else eur(held)
    return RefundBasis(priced=order, credits=earlier, held=paid)


def tender(name: str, captured: int, kind: str = "card") -> TenderBalance:
    """A tender that captured so much and gave nothing back."""
    nothing = eur(0)
    return TenderBalance(
        tender=TenderId(name),
        kind=kind,
        captured=eur(captured),
        refunded=nothing,
        in_flight=nothing,
        disputed=nothing,
    )


FIRST = {A: SlotSet.of(0, 1)}
ALL = {A: SlotSet.of(0, 3), B: SlotSet.of(0, 2)}


def test_a_unit_is_worth_its_goods_its_tax_and_its_shipping() -> None:
    """10.00 with 1.67 tax, and a fourth of the shipping's three quarters."""
    quote = calculate(facts(), returning(FIRST))
    found = [(part.component, part.code, part.amount.minor) for part in quote.credit.parts]
    assert found == [
        ("goods", "", 833),
        ("tax", "VAT20", 167),
        ("shipping", "shipping", 100),
        ("tax", "VAT20", 20),
    ]
    assert quote.credit.parts[3].charge == "shipping"
    assert quote.credit.amount == eur(1120)
    assert (quote.maximum, quote.pay_back) == (eur(4680), eur(1120))


def test_the_rows_add_up_to_the_credit() -> None:
    """Rows that count sum to the credit; the others say what they contain; each has a rule."""
    goods = line("a", 999, 3, taxes=[vat(20)], discounts=[AmountOff(code="X", amount=eur(100))])
    order = priced(goods, charges=[shipping(400)])
    policy = RefundPolicy(fees=(ReturnFee(name="restocking", amount=eur(50)),))
    reduction = RefundRequest(
        id=CreditId("R"),
        cause=CreditCause.PRICE_REDUCTION,
        reductions=(PriceReduction(line=A, slots=SlotSet.of(0, 3), amount=eur(100)),),
    )
    taken = calculate(facts(order=order), reduction).credit
    quote = calculate(facts(taken, order=order), returning(FIRST), policy)
    rows = quote.explain()
    assert sum(row.amount.minor for row in rows if row.counts) == quote.credit.amount.minor
    assert all(row.rule for row in rows)
    assert [row.text for row in rows] == [
        "1 × A",
        "discount X",
        "tax VAT20",
        "Earlier adjustments",
        "of which tax VAT20",
        "shipping",
        "restocking",
    ]


def test_a_slot_is_credited_once() -> None:
    """Again, or another line's, or one too many, is refused."""
    credit = calculate(facts(), returning(FIRST)).credit
    with pytest.raises(AlreadyCreditedError):
        calculate(facts(credit), returning({A: SlotSet.of(0, 2)}, 2))
    known = evolve(facts(credit), credited=credited_slots([credit]))
    with pytest.raises(AlreadyCreditedError):
        calculate(known, returning(FIRST, 2))
    with pytest.raises(InvalidSlotsError):
        calculate(facts(), returning({A: SlotSet.of(2, 4)}))
    with pytest.raises(UnknownLineError):
        calculate(facts(), returning({LineId("z"): SlotSet.of(0, 1)}))


def test_everything_back_is_everything_charged() -> None:
    """In one step: the total, and nothing is left."""
    quote = calculate(facts(), returning(ALL))
    assert quote.credit.amount == ORDER.total
    assert Worth.after(ORDER, [quote.credit]).total(ALL) == eur(0)


# --- RF-1: two ledgers ---


@pytest.mark.parametrize(
    ("held", "back"),
    [(0, 0), (2000, 0), (3560, 0), (3561, 1), (4680, 1120), (5000, 1440)],
    ids=["on account", "part paid", "exactly", "a cent", "paid", "overpaid"],
)
def test_only_what_is_held_beyond_what_is_owed_goes_back(held: int, back: int) -> None:
    """46.80 charged, 11.20 credited: 35.60 may be kept."""
    quote = calculate(facts(held=held), returning(FIRST))
    assert (quote.credit.amount, quote.pay_back) == (eur(1120), eur(back))


def test_refunds_in_flight_and_open_disputes_are_not_paid_again() -> None:
    """What is on its way, or taken back by the bank, does not go back twice."""
    busy = evolve(facts(), in_flight=eur(1000), disputed=eur(100))
    assert calculate(busy, returning(FIRST)).pay_back == eur(20)


def test_under_capture_at_dispatch_only_dispatched_slots_may_be_claimed() -> None:
    """One unit went out and was paid; it comes back: all of it goes back, and no more is owed."""
    out = evolve(facts(held=1120), dispatched=FIRST)
    assert (out.owed, out.claimable, out.to_pay_back) == (eur(4680), eur(1120), eur(0))
    quote = calculate(out, returning(FIRST))
    assert quote.pay_back == eur(1120)


def test_a_fee_is_kept_under_capture_at_dispatch_too() -> None:
    """The unit comes back less 3.00; the 3.00 may still be claimed."""
    out = evolve(facts(held=1120), dispatched=FIRST)
    policy = RefundPolicy(fees=(ReturnFee(name="restocking", amount=eur(300)),))
    quote = calculate(out, returning(FIRST), policy)
    assert (quote.credit.amount, quote.pay_back) == (eur(820), eur(820))


def test_goodwill_lowers_what_may_be_claimed_for_dispatched_slots() -> None:
    """2.00 of goodwill on the unit that went out."""
    out = evolve(facts(held=1120), dispatched=FIRST)
    asked = RefundRequest(id=CreditId("G"), cause=CreditCause.GOODWILL, goodwill=eur(200))
    quote = calculate(out, asked)
    assert quote.pay_back == eur(200)
    worth = dispatched_worth(ORDER, (quote.credit,), FIRST)
    assert worth == eur(920)


def test_what_earlier_tenders_were_to_pay_may_be_claimed() -> None:
    """A gift card that pays at placement keeps its part until it is not owed."""
    out = evolve(facts(held=2000), dispatched={}, earlier_due=eur(2000))
    assert (out.claimable, out.to_pay_back) == (eur(2000), eur(0))


# --- RF-4: charges ---


@pytest.mark.parametrize(
    ("mode", "first", "everything"),
    [
        (GiveBack.NEVER, 1000, 4200),
        (GiveBack.IN_PROPORTION, 1120, 4680),
        (GiveBack.WITH_LAST_UNIT, 1000, 4680),
        (GiveBack.ALWAYS, 1480, 4680),
    ],
)
def test_shipping_comes_back_by_policy(mode: GiveBack, first: int, everything: int) -> None:
    """With the first of five units, and after the last."""
    policy = RefundPolicy(shipping=mode)
    one = calculate(facts(), returning(FIRST), policy).credit
    assert one.amount == eur(first)
    rest = {A: SlotSet.of(1, 3), B: SlotSet.of(0, 2)}
    two = calculate(facts(one), returning(rest, 2), policy).credit
    assert one.amount + two.amount == eur(everything)


def test_surcharges_and_cancels_have_policies_of_their_own() -> None:
    """Gift wrap is kept on a return; a cancelled unit brings it back."""
    wrap = shipping(300, kind=ChargeKind.GIFT_WRAP)
    order = priced(line("a", 1000, 3), charges=[wrap])
    policy = RefundPolicy(surcharges=GiveBack.NEVER)
    kept = calculate(facts(order=order), returning(FIRST), policy).credit
    assert kept.amount == eur(1000)
    cancelled = returning(FIRST, cause=CreditCause.CANCELLED)
    assert cancel_credit(facts(order=order), cancelled, policy).amount == eur(1100)
    with pytest.raises(InvalidRefundError):
        cancel_credit(facts(order=order), returning(FIRST), policy)


def test_a_cancelled_share_comes_back_with_the_last_unit_even_if_returns_keep_theirs() -> None:
    """One of two is cancelled, the other returned: the cancelled one's shipping comes back."""
    order = priced(line("a", 1000, 2), charges=[shipping(400)])
    policy = RefundPolicy(shipping=GiveBack.NEVER, cancelled=GiveBack.WITH_LAST_UNIT)
    cancelled = returning({A: SlotSet.of(1, 2)}, cause=CreditCause.CANCELLED)
    one = cancel_credit(facts(order=order), cancelled, policy)
    two = calculate(facts(one, order=order), returning(FIRST, 2), policy).credit
    assert (one.amount, two.amount) == (eur(1000), eur(1200))


def test_a_charge_can_be_credited_by_itself() -> None:
    """A part of the shipping, and then all that is left of it."""
    asked = RefundRequest(
        id=CreditId("S"),
        cause=CreditCause.CLAIM,
        charges=(ChargeCredit(charge="shipping", amount=eur(240)),),
    )
    one = calculate(facts(), asked).credit
    assert one.amount == eur(240)
    assert {part.component for part in one.parts} == {"shipping", "tax"}
    rest = evolve(asked, id=CreditId("T"), charges=(ChargeCredit(charge="shipping"),))
    assert calculate(facts(one), rest).credit.amount == eur(240)
    unit = calculate(facts(one), returning(FIRST)).credit
    assert unit.amount == eur(1000 + 60)
    too_much = evolve(asked, charges=(ChargeCredit(charge="shipping", amount=eur(241)),))
    with pytest.raises(CreditExceedsWorthError):
        calculate(facts(one), too_much)
    with pytest.raises(UnknownChargeError):
        calculate(facts(), evolve(asked, charges=(ChargeCredit(charge="fee"),)))
    both = calculate(facts(one), rest).credit
    with pytest.raises(CreditExceedsWorthError):
        calculate(facts(one, both), evolve(rest, id=CreditId("U")))


def test_an_adjustment_comes_back_like_a_price() -> None:
    """A negative one too, whatever the policy says about charges."""
    order = priced(line("a", 1000, 2), charges=[shipping(-101, kind=ChargeKind.ADJUSTMENT)])
    policy = RefundPolicy(shipping=GiveBack.NEVER, surcharges=GiveBack.NEVER)
    one = calculate(facts(order=order), returning(FIRST), policy).credit
    two = calculate(facts(one, order=order), returning({A: SlotSet.of(1, 2)}, 2), policy).credit
    assert (one.amount, two.amount) == (eur(949), eur(950))


# --- reductions and goodwill ---


def test_a_reduction_lowers_what_a_slot_is_worth() -> None:
    """2.00 off a unit of 10.00: it comes back for 8.00, its taxes follow."""
    asked = RefundRequest(
        id=CreditId("R"),
        cause=CreditCause.PRICE_REDUCTION,
        reductions=(PriceReduction(line=A, slots=SlotSet.of(0, 1), amount=eur(200)),),
    )
    one = calculate(facts(), asked).credit
    assert [(part.component, part.amount.minor) for part in one.parts] == [
        ("goods", 167),
        ("tax", 33),
    ]
    assert all(part.adjusts for part in one.parts)
    assert credited_slots([one]) == {}
    back = calculate(facts(one), returning(FIRST, 2)).credit
    assert back.amount == eur(1120 - 200)
    more = evolve(
        asked,
        reductions=(PriceReduction(line=A, slots=SlotSet.of(0, 1), amount=eur(801)),),
    )
    with pytest.raises(CreditExceedsWorthError):
        calculate(facts(one), more)
    with pytest.raises(AlreadyCreditedError):
        calculate(facts(one, back), more)


def test_goodwill_lowers_no_slot() -> None:
    """5.00 of goodwill, with its taxes in proportion; the unit is still worth all."""
    asked = RefundRequest(id=CreditId("G"), cause=CreditCause.GOODWILL, goodwill=eur(500))
    one = calculate(facts(), asked).credit
    assert [(part.component, part.amount.minor) for part in one.parts] == [
        ("tax", 83),
        ("goodwill", 417),
    ]
    assert calculate(facts(one), returning(FIRST)).credit.amount == eur(1120)
    untaxed = calculate(facts(), asked, RefundPolicy(goodwill_taxed=False)).credit
    assert [part.component for part in untaxed.parts] == ["goodwill"]
    with pytest.raises(CreditExceedsWorthError):
        calculate(facts(one), evolve(asked, goodwill=eur(4181)))


def test_goodwill_counts_when_everything_comes_back() -> None:
    """5.00 of goodwill, and then all units: 41.80 is left to credit."""
    asked = RefundRequest(id=CreditId("G"), cause=CreditCause.GOODWILL, goodwill=eur(500))
    one = calculate(facts(), asked).credit
    two = calculate(facts(one), returning(ALL)).credit
    assert two.amount == eur(4180)
    assert owed(ORDER.total, [one, two]) == eur(0)
    taxes = [part.amount.minor for part in (*one.parts, *two.parts) if part.component == "tax"]
    assert sum(taxes) == ORDER.tax.minor


def test_a_write_off_is_a_credit_like_goodwill() -> None:
    """What nobody will pay is no longer owed."""
    asked = RefundRequest(id=CreditId("W"), cause=CreditCause.WRITE_OFF, goodwill=ORDER.total)
    credit = calculate(facts(held=0), asked).credit
    assert owed(ORDER.total, [credit]) == eur(0)


# --- fees ---


def test_fees_are_kept_in_their_order_and_never_more_than_the_credit() -> None:
    """Ten percent, 0.50 per unit, 4.00 per return, and freight that takes what is left."""
    fees = (
        PercentFee(name="restocking", rate=Fraction(10, 100)),
        UnitFee(name="cleaning", amount=eur(50)),
        ReturnFee(name="handling", amount=eur(400)),
        FreightFee(name="freight", amount=eur(5000)),
    )
    credit = calculate(facts(), returning(FIRST), RefundPolicy(fees=fees)).credit
    kept = [
        (part.component, part.code, part.amount.minor) for part in credit.parts if not part.slots
    ]
    assert kept == [
        ("fee", "restocking", -100),
        ("fee", "cleaning", -50),
        ("fee", "handling", -400),
        ("freight", "freight", -570),
    ]
    assert credit.amount == eur(0)


def test_a_fee_may_contain_tax() -> None:
    """12.00 with 20 % in it lower the credited tax by 2.00."""
    fee = ReturnFee(name="restocking", amount=eur(600), tax=vat(20))
    credit = calculate(facts(), returning(FIRST), RefundPolicy(fees=(fee,))).credit
    kept = [(part.component, part.amount.minor) for part in credit.parts if not part.slots]
    assert kept == [("tax", -100), ("fee", -500)]


def test_fees_are_for_returns_unless_they_say_otherwise() -> None:
    """Who cancels or claims pays none."""
    policy = RefundPolicy(fees=(ReturnFee(name="restocking", amount=eur(300)),))
    for cause in (CreditCause.CANCELLED, CreditCause.CLAIM):
        quote = calculate(facts(), returning(FIRST, cause=cause), policy)
        assert quote.credit.amount == eur(1120)


def test_a_host_brings_its_own_fee() -> None:
    """Three units are free over all returns, each further one costs 1.00."""

    @frozen(kw_only=True)
    class FreeForThree(UnitFee):
        def amount_kept(self, on: GoodsReturned) -> Money:
            later = max(on.units_before + on.units - 3, 0) - max(on.units_before - 3, 0)
            return self.amount * later

    policy = RefundPolicy(fees=(FreeForThree(name="extra", amount=eur(100)),))
    one = calculate(facts(), returning({A: SlotSet.of(0, 2)}), policy).credit
    two = calculate(facts(one), returning({A: SlotSet.of(2, 3), B: SlotSet.of(0, 2)}, 2), policy)
    kept = [part.amount.minor for part in two.credit.parts if part.component == "fee"]
    assert one.amount == eur(2240)
    assert kept == [-200]


# --- promotions ---

BUNDLE = OrderDiscount(discount=PercentOff(code="BUNDLE", rate=Fraction(1, 10)))


def test_a_promotion_no_longer_earned_is_taken_back_and_released() -> None:
    """10 % from 30.00 on: one of four units at 10.00 may go, the second one costs the rest."""
    order = priced(line("a", 1000, 4, taxes=[vat(20)], included=True), discounts=[BUNDLE])
    policy = RefundPolicy(promotions=(EarnedByAmount(code="BUNDLE", least=eur(3000)),))
    one = calculate(facts(order=order), returning(FIRST), policy).credit
    assert one.amount == eur(900)
    two = calculate(facts(one, order=order), returning({A: SlotSet.of(1, 2)}, 2), policy)
    assert two.credit.amount == eur(900 - 200)
    taken = [part for part in two.credit.parts if part.adjusts]
    assert [(part.component, part.code, part.amount.minor) for part in taken] == [
        ("promotion", "BUNDLE", -167),
        ("tax", "VAT20", -33),
    ]
    assert two.rows[-1].text == "No longer earned"
    three = calculate(
        facts(one, two.credit, order=order), returning({A: SlotSet.of(2, 3)}, 3), policy
    ).credit
    four = calculate(
        facts(one, two.credit, three, order=order), returning({A: SlotSet.of(3, 4)}, 4), policy
    ).credit
    assert (three.amount, four.amount) == (eur(1000), eur(1000))
    everything = one.amount + two.credit.amount + three.amount + four.amount
    assert everything == order.total


def test_no_more_is_taken_back_than_is_credited() -> None:
    """The cheap unit goes back, the dear ones lose their promotion: the credit is zero."""
    order = priced(line("a", 100), line("b", 5000, 2, taxes=[vat(20)]), discounts=[BUNDLE])
    policy = RefundPolicy(promotions=(EarnedByUnits(code="BUNDLE", units=3),))
    one = calculate(facts(order=order), returning(FIRST), policy).credit
    assert one.amount == eur(0)
    two = calculate(facts(one, order=order), returning({B: SlotSet.of(0, 2)}, 2), policy).credit
    assert two.amount == order.total


def test_units_of_some_lines_may_earn_a_promotion() -> None:
    """Two of line a; line b does not count. A cancel takes no promotion back."""
    order = priced(line("a", 1000, 2), line("b", 1000, 5), discounts=[BUNDLE])
    rule = EarnedByUnits(code="BUNDLE", units=2, lines=(A,))
    policy = RefundPolicy(promotions=(rule,))
    kept = calculate(facts(order=order), returning({B: SlotSet.of(0, 3)}), policy).credit
    assert kept.amount == eur(2700)
    lost = calculate(facts(order=order), returning(FIRST), policy).credit
    assert lost.amount == eur(900 - 600)
    cancelled = returning(FIRST, cause=CreditCause.CANCELLED)
    assert cancel_credit(facts(order=order), cancelled, policy).amount == eur(900)


def test_a_free_unit_kept_owes_what_the_promotion_gave() -> None:
    """Buy one, get one: the paid one goes back, the free one costs what it cost."""
    free = PercentOff(code="BOGO", rate=Fraction(1))
    order = priced(line("a", 1000, taxes=[vat(20)]), line("b", 600, 2, discounts=[free]))
    policy = RefundPolicy(promotions=(EarnedByUnits(code="BOGO", units=1, lines=(A,)),))
    one = calculate(facts(order=order), returning(FIRST), policy).credit
    assert one.amount == eur(1200 - 1200)
    halves = [
        Worth.after(order, [one]).value(B, SlotSet.of(slot, slot + 1)).minor for slot in (0, 1)
    ]
    assert halves == [600, 600]
    two = calculate(facts(one, order=order), returning({B: SlotSet.of(0, 2)}, 2), policy).credit
    assert two.amount == order.total


# --- tenders and fingerprints ---


def test_a_quote_says_where_the_money_goes() -> None:
    """The last tender first, and no more than it holds."""
    basis = evolve(facts(), tenders=(tender("card", 4000), tender("gift", 680, "gift_card")))
    quote = calculate(basis, returning(FIRST))
    assert [(share.tender, share.amount.minor) for share in quote.destinations] == [
        ("card", 440),
        ("gift", 680),
    ]
    poor = evolve(basis, tenders=(tender("card", 100),))
    with pytest.raises(RefundExceedsHeldError):
        calculate(poor, returning(FIRST))


def test_a_fingerprint_names_the_facts() -> None:
    """It changes with every fact that a quote depends on, and with nothing else."""
    credit = calculate(facts(), returning(FIRST)).credit
    basis = evolve(facts(), tenders=(tender("card", 4680),))
    others = [
        facts(),
        evolve(basis, held=eur(1)),
        evolve(basis, in_flight=eur(1)),
        evolve(basis, disputed=eur(1)),
        evolve(basis, credits=(credit,)),
        evolve(basis, dispatched=FIRST),
        evolve(basis, dispatched={}),
        evolve(basis, earlier_due=eur(1)),
        evolve(basis, tenders=(tender("card", 4679),)),
    ]
    names = {fingerprint(other) for other in (basis, *others)}
    assert len(names) == len(others) + 1
    gathered = evolve(basis, credits=(credit,), credited=credited_slots([credit]))
    assert fingerprint(gathered) == fingerprint(evolve(gathered, credited=None))
    assert calculate(basis, returning(FIRST)).basis == fingerprint(basis)


def test_facts_belong_together() -> None:
    """One currency, and the right kinds of value."""
    with pytest.raises(CurrencyMismatchError):
        evolve(facts(), held=Money(1, USD))
    with pytest.raises(CurrencyMismatchError):
        evolve(facts(), earlier_due=Money(1, USD))
    for changes in ({"priced": 1}, {"credits": (1,)}, {"tenders": (1,)}, {"held": 5}):
        with pytest.raises(OrderCoreError):
            loose(evolve, facts(), **changes)
    for arguments in ((1, returning(FIRST)), (facts(), 1), (facts(), returning(FIRST), 1)):
        with pytest.raises(InvalidRefundError):
            loose(calculate, *arguments)


def test_errors_say_what_to_do() -> None:
    """Refusals are refusals, and what is not there is not found."""
    assert issubclass(AlreadyCreditedError, RefusedError)
    assert issubclass(CreditExceedsWorthError, RefusedError)
    assert issubclass(UnknownChargeError, NotFoundError)
