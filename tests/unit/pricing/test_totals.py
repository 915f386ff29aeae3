"""Prices of drafts: the vectors of RULES P and the policies they leave open."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from attrs import evolve, frozen

from ordercore.ids import Actor, ItemId, LineId
from ordercore.money import (
    EUR,
    USD,
    CurrencyMismatchError,
    InvalidQuantityError,
    LimitExceededError,
    Money,
    NegativeAmountError,
    Rounding,
)
from ordercore.pricing.discounts import (
    AmountOff,
    Discount,
    Discountable,
    FixedPrice,
    OrderDiscount,
    PercentOff,
)
from ordercore.pricing.model import (
    Charge,
    ChargeKind,
    Draft,
    LineKind,
    PriceOverride,
    QuantityRule,
    Tax,
    TaxCategory,
    UnitPrice,
)
from ordercore.pricing.policy import (
    DiscountRounding,
    IncludedTax,
    Percents,
    PricingPolicy,
    TaxBase,
    TaxRounding,
)
from ordercore.pricing.totals import check_still_valid, price
from ordercore.pricing.values import (
    DiscountExceedsLineError,
    EvidenceExpiredError,
    InvalidTaxError,
    NegativeTotalError,
    QuantityRuleError,
    QuotationExpiredError,
)
from tests.unit.pricing.shop import component, draft, eur, line, loose, priced, shipping, vat

TEN_PERCENT = PercentOff(code="TEN", rate=Fraction(10, 100))


# --- P-1: unit prices ---


def test_a_price_finer_than_a_cent_is_rounded_once_per_line() -> None:
    """2.99 per 1,000 g: 750 g cost 2.24, 2.2425 rounded once."""
    order = priced(line("flour", UnitPrice(eur(299), 1000), 750))
    assert order.total == eur(224)


def test_the_rounding_of_prices_is_a_policy() -> None:
    """Half a cent goes down where the policy says so."""
    goods = line("nail", UnitPrice(eur(1), 2), 3)
    assert priced(goods).total == eur(2)
    down = PricingPolicy(price_rounding=Rounding.DOWN)
    assert priced(goods, policy=down).total == eur(1)


def test_a_price_of_zero_is_a_price() -> None:
    """Free goods have a line, units and a total of zero."""
    order = priced(line("gift", 0, 2, taxes=[vat()]))
    assert order.total == eur(0)
    assert order.lines[0].taxes[0].amount == eur(0)


# --- P-2, P-3: discounts ---


def test_line_discounts_come_before_those_of_the_order() -> None:
    """100.00 less 10.00, and then 10 % of what is left."""
    goods = line("a", 10000, discounts=[AmountOff(code="MINUS10", amount=eur(1000))])
    order = priced(goods, discounts=[OrderDiscount(discount=TEN_PERCENT)])
    assert order.total == eur(8100)
    assert [(taken.code, taken.amount.minor) for taken in order.lines[0].discounts] == [
        ("MINUS10", 1000),
        ("TEN", 900),
    ]
    assert [taken.order_level for taken in order.lines[0].discounts] == [False, True]


@pytest.mark.parametrize(
    ("percents", "total"), [(Percents.SEQUENTIAL, 8100), (Percents.PARALLEL, 8000)]
)
def test_percents_follow_one_another_or_stand_side_by_side(percents: Percents, total: int) -> None:
    """10 % and 10 % of 100.00 are 19.00 after one another and 20.00 side by side."""
    twice = [TEN_PERCENT, evolve(TEN_PERCENT, code="TOO")]
    policy = PricingPolicy(percents=percents)
    assert priced(line("a", 10000, discounts=twice), policy=policy).total == eur(total)
    ordered = [OrderDiscount(discount=one) for one in twice]
    assert priced(line("a", 10000), discounts=ordered, policy=policy).total == eur(total)
    free = evolve(shipping(10000), discounts=tuple(twice))
    assert priced(line("a", 0), charges=[free], policy=policy).total == eur(total)


@pytest.mark.parametrize(
    ("rounds", "total"), [(DiscountRounding.DISCOUNT, 4), (DiscountRounding.REMAINDER, 5)]
)
def test_the_discount_is_rounded_or_what_remains(rounds: DiscountRounding, total: int) -> None:
    """10 % of 0.05 is half a cent: it is taken off, or left."""
    policy = PricingPolicy(rounds=rounds)
    assert priced(line("a", 5, discounts=[TEN_PERCENT]), policy=policy).total == eur(total)


def test_an_amount_per_unit_may_be_for_some_units_only() -> None:
    """2.00 off each of at most two of three units."""
    off = AmountOff(code="A", amount=eur(200), per_unit=True, units=2)
    assert priced(line("a", 1000, 3, discounts=[off])).total == eur(2600)
    assert priced(line("a", 1000, 1, discounts=[off])).total == eur(800)


def test_a_percentage_may_be_for_some_units_only() -> None:
    """Half price for one of three units."""
    off = PercentOff(code="HALF", rate=Fraction(1, 2), units=1)
    assert priced(line("a", 999, 3, discounts=[off])).total == eur(2997 - 500)


def test_an_offer_is_capped_at_what_it_meets() -> None:
    """15.00 off goods of 10.00 leaves nothing, and no debt."""
    off = AmountOff(code="A", amount=eur(1500))
    order = priced(line("a", 1000, discounts=[off]))
    assert order.total == eur(0)
    assert order.lines[0].discounts[0].amount == eur(1000)


def test_a_verbatim_discount_larger_than_its_line_is_refused() -> None:
    """What comes from outside is kept as stated, or not at all."""
    off = AmountOff(code="A", amount=eur(1001), verbatim=True)
    with pytest.raises(DiscountExceedsLineError, match="off a, where"):
        priced(line("a", 1000, discounts=[off]))
    with pytest.raises(DiscountExceedsLineError, match="the order"):
        priced(line("a", 1000), discounts=[OrderDiscount(discount=off)])
    exact = evolve(off, amount=eur(1000))
    assert priced(line("a", 1000, discounts=[exact])).total == eur(0)


def test_a_stated_order_discount_leaves_gift_cards_alone() -> None:
    """P-1: a gift card has no discount, unless one is stated for that very line."""
    card = evolve(line("card", 1000), kind=LineKind.GIFT_CARD)
    off = AmountOff(code="A", amount=eur(500), verbatim=True)
    order = priced(card, line("a", 1000), discounts=[OrderDiscount(discount=off)])
    assert [eur(1000), eur(500)] == [each.charged for each in order.lines]
    named = OrderDiscount(discount=off, lines=(LineId("card"),))
    order = priced(card, line("a", 1000), discounts=[named])
    assert [eur(500), eur(1000)] == [each.charged for each in order.lines]


def test_an_order_discount_is_apportioned_by_largest_remainder() -> None:
    """10.00 off three equal lines: 3.34, 3.33, 3.33."""
    lines = [line(name, 1000) for name in "abc"]
    off = OrderDiscount(discount=AmountOff(code="TENNER", amount=eur(1000)))
    order = priced(*lines, discounts=[off])
    assert [one.discounts[0].amount.minor for one in order.lines] == [334, 333, 333]


def test_an_order_discount_follows_what_line_discounts_left() -> None:
    """A line that is free already bears nothing of it."""
    free = AmountOff(code="FREE", amount=eur(1000))
    lines = [line("a", 1000, discounts=[free]), line("b", 1000)]
    off = OrderDiscount(discount=AmountOff(code="B", amount=eur(300)))
    order = priced(*lines, discounts=[off])
    assert [one.charged.minor for one in order.lines] == [0, 700]


def test_a_fixed_price_for_the_goods() -> None:
    """Three lines for 25.00 together; nothing happens if they cost less."""
    lines = [line(name, 1000) for name in "abc"]
    bundle = OrderDiscount(discount=FixedPrice(code="B", price=eur(2500)))
    assert priced(*lines, discounts=[bundle]).total == eur(2500)
    assert priced(*lines[:2], discounts=[bundle]).total == eur(2000)


def test_an_order_discount_may_be_for_some_lines_with_a_minimum() -> None:
    """Only the named lines count for the minimum, and only they get cheaper."""
    lines = [line("a", 1000), line("b", 5000)]
    off = OrderDiscount(discount=TEN_PERCENT, lines=(LineId("a"),), minimum_spend=eur(1000))
    assert [one.charged.minor for one in priced(*lines, discounts=[off]).lines] == [900, 5000]
    dearer = evolve(off, minimum_spend=eur(1001))
    assert priced(*lines, discounts=[dearer]).total == eur(6000)


def test_discounts_do_not_go_under_the_minimum_price() -> None:
    """What a line cannot take is given to the others."""
    lines = [line("a", 500), evolve(line("b", 500), minimum_unit_price=eur(400))]
    off = OrderDiscount(discount=AmountOff(code="A", amount=eur(300)))
    assert [one.charged.minor for one in priced(*lines, discounts=[off]).lines] == [300, 400]
    floor = PricingPolicy(minimum_unit_price=eur(450))
    order = priced(*lines, discounts=[off], policy=floor)
    assert [one.charged.minor for one in order.lines] == [450, 400]
    assert order.total == eur(850)


def test_a_verbatim_discount_may_go_under_the_minimum_price() -> None:
    """What was charged elsewhere was charged."""
    off = AmountOff(code="A", amount=eur(300), verbatim=True)
    goods = evolve(line("a", 500, discounts=[off]), minimum_unit_price=eur(400))
    assert priced(goods).total == eur(200)


def test_gift_cards_and_undiscountable_goods_get_no_discount() -> None:
    """An order discount passes them by."""
    card = evolve(line("card", 1000), kind=LineKind.GIFT_CARD)
    book = evolve(line("book", 1000), discountable=False)
    off = OrderDiscount(discount=AmountOff(code="A", amount=eur(5000)))
    order = priced(card, book, line("pen", 100), discounts=[off])
    assert [one.charged.minor for one in order.lines] == [1000, 1000, 0]
    assert priced(card, discounts=[off]).total == eur(1000)


def test_a_host_brings_its_own_discount() -> None:
    """Ten lines are a promotion; whatever they say is capped and apportioned."""

    @frozen(kw_only=True)
    class EveryThirdFree(Discount):
        def amount_off(self, on: Discountable) -> Money:
            return on.amount.times(Fraction(on.quantity // 3, on.quantity))

    assert priced(line("a", 1000, 7, discounts=[EveryThirdFree(code="3")])).total == eur(5000)


def test_a_discount_that_says_nonsense_is_refused() -> None:
    """A negative amount, or another currency, stops the price."""

    @frozen(kw_only=True)
    class Says(Discount):
        said: Money

        def amount_off(self, on: Discountable) -> Money:
            return self.said + Money.zero(self.said.currency) * on.quantity

    with pytest.raises(NegativeAmountError):
        priced(line("a", 1000, discounts=[Says(code="A", said=eur(-1))]))
    with pytest.raises(CurrencyMismatchError):
        priced(line("a", 1000, discounts=[Says(code="A", said=Money(1, USD))]))


# --- P-4 to P-6: taxes ---


@pytest.mark.parametrize(
    ("gross", "tax"), [(10200, 1700), (1900, 317), (3800, 633), (100, 17), (3, 1)]
)
def test_included_tax_of_twenty_percent(gross: int, tax: int) -> None:
    """102.00 contains 17.00; and the other printed vectors of RULES P-6."""
    order = priced(line("a", gross, taxes=[vat(20)], included=True))
    assert (order.total, order.tax) == (eur(gross), eur(tax))


def test_tax_per_unit_or_per_line() -> None:
    """2 × 19.70 incl. 20 % contain 6.57 by line and 6.56 by unit."""
    goods = line("a", 1970, 2, taxes=[vat(20)], included=True)
    assert priced(goods).tax == eur(657)
    assert priced(goods, policy=PricingPolicy(taxes_per=TaxRounding.UNIT)).tax == eur(656)


def test_prices_for_several_units_are_not_taxed_per_unit() -> None:
    """A gram has no tax of its own: 750 g at 2.99 per kg are taxed as a line."""
    flour = line("flour", UnitPrice(eur(299), 1000), 750, taxes=[vat(20)])
    assert priced(flour, policy=PricingPolicy(taxes_per=TaxRounding.UNIT)).tax == eur(45)


def test_group_tax_is_apportioned_back() -> None:
    """Three lines of 0.33 at 19 %: 0.06 each by line; as a group 0.19, of which one has 0.07."""
    lines = [line(name, 33, taxes=[vat(19)]) for name in "abc"]
    by_line = priced(*lines)
    assert [one.tax.minor for one in by_line.lines] == [6, 6, 6]
    group = priced(*lines, policy=PricingPolicy(taxes_per=TaxRounding.GROUP))
    assert [one.tax.minor for one in group.lines] == [7, 6, 6]


def test_a_group_spans_goods_and_shipping() -> None:
    """One rounding for the rate, wherever it stands; another mode is another group."""
    policy = PricingPolicy(taxes_per=TaxRounding.GROUP)
    order = priced(
        line("a", 33, taxes=[vat(19)]), charges=[shipping(33, taxes=[vat(19)])], policy=policy
    )
    assert order.tax == eur(13)
    mixed = priced(
        line("a", 33, taxes=[vat(19)]),
        charges=[shipping(33, taxes=[vat(19)], included=True)],
        policy=policy,
    )
    assert mixed.tax == eur(6 + 5)


def test_equal_taxes_stay_equal_in_groups() -> None:
    """Two taxes of 9 % under two codes never differ by a cent."""
    halves = [vat(9, "CENTRAL"), vat(9, "STATE")]
    policy = PricingPolicy(taxes_per=TaxRounding.GROUP)
    order = priced(*[line(name, 55, taxes=halves) for name in "abc"], policy=policy)
    for one in order.lines:
        assert one.taxes[0].amount == one.taxes[1].amount


def test_several_included_rates_each_by_itself_or_together() -> None:
    """0.10 incl. 3 × 5 %: 0.00 each by itself (0.43); together 0.01, given to the first."""
    taxes = [vat(5, name) for name in "abc"]
    goods = line("x", 10, taxes=taxes, included=True)
    assert [tax.amount.minor for tax in priced(goods).lines[0].taxes] == [0, 0, 0]
    together = PricingPolicy(included=IncludedTax.TOTAL)
    assert [tax.amount.minor for tax in priced(goods, policy=together).lines[0].taxes] == [1, 0, 0]


def test_included_compound_tax() -> None:
    """115.47 incl. 5 % and then 9.975 % compound contain 15.47."""
    taxes = [vat(5, "GST"), vat("9.975", "QST", compound=True)]
    order = priced(line("a", 11547, taxes=taxes, included=True))
    assert [tax.amount.minor for tax in order.lines[0].taxes] == [500, 1047]
    on_top = priced(line("a", 10000, taxes=taxes))
    assert [tax.amount.minor for tax in on_top.lines[0].taxes] == [500, 1047]
    assert on_top.total == order.total


def test_a_plain_tax_beside_others_before_a_compound_one() -> None:
    """100.00 + 5 % + 7 % + 10 % on all: 5.00, 7.00 and 11.20; inside 123.20 the same."""
    taxes = [vat(5, "A"), vat(7, "B"), vat(10, "C", compound=True)]
    on_top = priced(line("a", 10000, taxes=taxes))
    assert [tax.amount.minor for tax in on_top.lines[0].taxes] == [500, 700, 1120]
    inside = priced(line("a", 12320, taxes=taxes, included=True))
    assert [tax.amount.minor for tax in inside.lines[0].taxes] == [500, 700, 1120]


def test_included_and_added_tax_in_one_order() -> None:
    """Each line says whether its price has the tax in it."""
    order = priced(
        line("a", 1190, taxes=[vat(19)], included=True), line("b", 1000, taxes=[vat(19)])
    )
    assert (order.net, order.tax, order.total) == (eur(2000), eur(380), eur(2380))


@pytest.mark.parametrize(
    ("base", "tax"), [(TaxBase.AFTER_DISCOUNTS, 180), (TaxBase.BEFORE_DISCOUNTS, 200)]
)
def test_the_base_is_after_or_before_discounts(base: TaxBase, tax: int) -> None:
    """20 % of 9.00 or of 10.00, on goods and on shipping."""
    policy = PricingPolicy(tax_base=base)
    goods = line("a", 1000, taxes=[vat(20)], discounts=[TEN_PERCENT])
    assert priced(goods, policy=policy).tax == eur(tax)
    cheaper = evolve(shipping(1000, taxes=[vat(20)]), discounts=(TEN_PERCENT,))
    assert priced(line("b", 1), charges=[cheaper], policy=policy).tax == eur(tax)


def test_an_included_tax_is_never_more_than_what_is_charged() -> None:
    """Before discounts, and all given away: there is nothing left that could contain it."""
    policy = PricingPolicy(tax_base=TaxBase.BEFORE_DISCOUNTS)
    most = AmountOff(code="A", amount=eur(1999))
    taxes = [vat(10, "A"), vat(10, "B")]
    order = priced(line("a", 2000, taxes=taxes, included=True, discounts=[most]), policy=policy)
    assert (order.total, order.tax, order.net) == (eur(1), eur(1), eur(0))


def test_an_included_tax_per_unit_is_never_more_than_what_is_charged() -> None:
    """100 units of 0.01 less 10 %, incl. 200 %: 0.006 of each is a cent; more than there is."""
    off = PercentOff(code="OFF", rate=Fraction(1, 10))
    goods = line("a", 1, 100, taxes=[vat(200)], included=True, discounts=[off])
    order = priced(goods, policy=PricingPolicy(taxes_per=TaxRounding.UNIT))
    assert (90, 90, 0) == (order.total.minor, order.tax.minor, order.net.minor)


def test_zero_exempt_and_reverse_charge_are_different_things() -> None:
    """All are zero, and each keeps its category and evidence."""
    exempt = Tax(code="EX", category=TaxCategory.EXEMPT, evidence="certificate 7")
    reverse = Tax(code="RC", category=TaxCategory.REVERSE_CHARGE)
    zero = Tax(code="Z", category=TaxCategory.ZERO)
    order = priced(*[line(tax.code, 1000, taxes=[tax]) for tax in (exempt, reverse, zero)])
    assert order.tax == eur(0)
    assert [one.taxes[0].category.value for one in order.lines] == ["E", "AE", "Z"]
    assert order.lines[0].taxes[0].evidence == "certificate 7"


def test_taxes_from_outside_are_kept() -> None:
    """A stated amount is never computed anew; its neighbours are."""
    stated = evolve(vat(20, "A"), amount=eur(123))
    order = priced(line("a", 1000, taxes=[stated, vat(10, "B")]))
    assert [tax.amount.minor for tax in order.lines[0].taxes] == [123, 100]
    assert [tax.verbatim for tax in order.lines[0].taxes] == [True, False]
    group = PricingPolicy(taxes_per=TaxRounding.GROUP)
    again = priced(line("a", 1000, taxes=[stated, vat(10, "B")]), policy=group)
    assert [tax.amount.minor for tax in again.lines[0].taxes] == [123, 100]


def test_stated_taxes_that_cannot_be_are_refused() -> None:
    """More than the amount that contains it, or with another sign."""
    stated = evolve(vat(20), amount=eur(1001))
    with pytest.raises(InvalidTaxError, match="more is stated"):
        priced(line("a", 1000, taxes=[stated], included=True))
    with pytest.raises(InvalidTaxError, match="another sign"):
        priced(line("a", 1000, taxes=[evolve(vat(20), amount=eur(-1))]))


def test_the_rounding_of_taxes_is_a_policy() -> None:
    """10 % of 0.05 is half a cent."""
    goods = line("a", 5, taxes=[vat(10)])
    assert priced(goods).tax == eur(1)
    assert priced(goods, policy=PricingPolicy(tax_rounding=Rounding.HALF_EVEN)).tax == eur(0)


# --- charges ---


def test_shipping_is_spread_by_what_is_charged() -> None:
    """1000.00 and 30.00 over 311900, 311900 and 648.90."""
    lines = [line(str(n), unit) for n, unit in enumerate((31190000, 31190000, 64890))]
    order = priced(*lines, charges=[shipping(100000), shipping(3000, kind=ChargeKind.GIFT_WRAP)])
    parts = [[share.charged.minor for share in charge.shares] for charge in order.charges]
    assert parts == [[49948, 49948, 104], [1499, 1498, 3]]


def test_shipping_is_borne_by_what_is_shipped() -> None:
    """A download pays no freight, but it has its share of a fee."""
    download = evolve(line("d", 1000), kind=LineKind.DIGITAL, needs_fulfilment=False)
    order = priced(
        line("a", 1000), download, charges=[shipping(500), shipping(100, kind=ChargeKind.FEE)]
    )
    assert [len(charge.shares) for charge in order.charges] == [1, 2]
    assert [share.charged.minor for share in order.charges[1].shares] == [50, 50]


def test_a_charge_may_name_who_bears_it() -> None:
    """Gift wrap for one line belongs to that line."""
    wrap = evolve(shipping(300, kind=ChargeKind.GIFT_WRAP), lines=(LineId("b"),))
    order = priced(line("a", 1000), line("b", 1000), charges=[wrap])
    assert [share.line for share in order.charges[0].shares] == ["b"]


def test_free_goods_bear_shipping_by_their_units() -> None:
    """Where nothing is charged, the units count."""
    order = priced(line("a", 0, 1), line("b", 0, 3), charges=[shipping(400)])
    assert [share.charged.minor for share in order.charges[0].shares] == [100, 300]


def test_shipping_at_its_own_rate() -> None:
    """5.00 + 19 %, whatever the goods have."""
    order = priced(line("a", 1000, taxes=[vat(7)]), charges=[shipping(500, taxes=[vat(19)])])
    assert order.charges[0].tax == eur(95)
    assert order.total == eur(1000 + 70 + 500 + 95)


def test_shipping_split_by_the_rates_of_the_goods() -> None:
    """4.00 over 30.00 at 19 % and 10.00 at 7 %: 3.00 and 1.00, taxed at those rates."""
    order = priced(
        line("a", 3000, taxes=[vat(19)]),
        line("b", 1000, taxes=[vat(7)]),
        charges=[shipping(400, split=True)],
    )
    taxes = [(tax.code, tax.amount.minor) for tax in order.charges[0].taxes]
    assert taxes == [("VAT19", 57), ("VAT7", 7)]
    shares = [[tax.minor for tax in share.taxes] for share in order.charges[0].shares]
    assert shares == [[57, 0], [0, 7]]


def test_a_split_does_not_use_the_stated_amounts_of_the_goods() -> None:
    """A stated tax belongs to its line; the charge is taxed at the rate."""
    stated = evolve(vat(20), amount=eur(199))
    order = priced(line("a", 1000, taxes=[stated]), charges=[shipping(500, split=True)])
    assert order.charges[0].tax == eur(100)
    assert order.lines[0].tax == eur(199)


def test_shipping_has_its_own_discounts() -> None:
    """Free shipping is a discount that one can see."""
    free = PercentOff(code="FREESHIP", rate=Fraction(1))
    charge = evolve(shipping(490, taxes=[vat(19)]), discounts=(free,))
    order = priced(line("a", 1000), charges=[charge])
    assert order.total == eur(1000)
    assert order.charges[0].discounts[0].amount == eur(490)
    assert order.charges[0].list_amount == eur(490)


def test_an_adjustment_may_be_negative_but_not_the_total() -> None:
    """A stated difference to somebody else's total."""
    less = shipping(-30, kind=ChargeKind.ADJUSTMENT, taxes=[vat(20)])
    order = priced(line("a", 100), line("b", 100), charges=[less])
    assert order.total == eur(200 - 30 - 6)
    assert [share.charged.minor for share in order.charges[0].shares] == [-15, -15]
    with pytest.raises(NegativeTotalError):
        priced(line("a", 29), charges=[less])


def test_an_adjustment_shares_no_group_with_what_it_adjusts() -> None:
    """A negative base is rounded by itself, so that each tax keeps the sign of its base."""
    group = PricingPolicy(taxes_per=TaxRounding.GROUP)
    less = shipping(-30, kind=ChargeKind.ADJUSTMENT, taxes=[vat(20)])
    order = priced(line("a", 100, taxes=[vat(20)]), charges=[less], policy=group)
    assert (order.lines[0].tax, order.charges[0].tax) == (eur(20), eur(-6))


# --- P-9, P-10 ---


def test_a_price_override_is_kept_with_its_reason() -> None:
    """The price that counts, the regular one, and who gave it why."""
    override = PriceOverride(
        price=UnitPrice(eur(800)), actor=Actor("staff:ann"), reason="scratched"
    )
    order = priced(evolve(line("a", 1000, 2), override=override))
    assert order.total == eur(1600)
    assert order.lines[0].override == override
    assert order.lines[0].unit_price == UnitPrice(eur(800))
    assert order.lines[0].regular_price == UnitPrice(eur(1000))


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (QuantityRule(item=ItemId("item-a"), most=4), "at most 4"),
        (QuantityRule(item=ItemId("item-a"), least=6), "at least 6"),
        (QuantityRule(item=ItemId("item-a"), step=2), "only multiples of 2"),
    ],
)
def test_quantity_rules_bind_the_sum_of_all_lines(rule: QuantityRule, problem: str) -> None:
    """Splitting an item over two lines does not pass its limit."""
    item = line("a", 100).item
    lines = [line("a", 100, 3), evolve(line("b", 100, 2), item=item)]
    with pytest.raises(QuantityRuleError, match=problem):
        price(evolve(draft(*lines), quantity_rules=(rule,)))
    other = (evolve(rule, item=ItemId("other")),)
    assert price(evolve(draft(*lines), quantity_rules=other)).total == eur(500)


def test_units_in_kits_count_for_the_most_but_not_for_the_least() -> None:
    """A kit is no way around a limit, and needs no minimum of its parts."""
    kit = evolve(line("kit", 1000, 3), components=(component("a", 1), component("b", 1)))
    rule = QuantityRule(item=component("a", 1).item, least=2, most=2)
    with pytest.raises(QuantityRuleError, match="3 of item-a"):
        price(evolve(draft(kit), quantity_rules=(rule,)))
    enough = evolve(rule, most=3)
    assert price(evolve(draft(kit), quantity_rules=(enough,))).total == eur(3000)


def test_a_kit_is_apportioned_to_its_components() -> None:
    """29.90 for a book of 20.00 and a film of 15.00, each with its own rate."""
    kit = evolve(
        line("kit", 2990, 2, taxes=[vat(19)], included=True),
        components=(component("book", 2000, taxes=(vat(7),)), component("film", 1500)),
    )
    order = priced(kit)
    assert [(one.id, one.charged.minor, one.kit) for one in order.lines] == [
        ("book", 3417, "kit"),
        ("film", 2563, "kit"),
    ]
    assert [one.taxes[0].code for one in order.lines] == ["VAT7", "VAT19"]
    assert order.total == eur(5980)
    assert order.lines[0].unit_price == UnitPrice(eur(3417), 2)


def test_discounts_on_a_kit_are_for_the_kit() -> None:
    """1.00 per kit, not per component; and an order discount may name it."""
    per_kit = AmountOff(code="A", amount=eur(100), per_unit=True)
    kit = evolve(
        line("kit", 1000, 2, discounts=[per_kit]),
        components=(component("a", 1, 3), component("b", 1)),
    )
    order = priced(kit)
    assert order.total == eur(1800)
    assert [one.quantity for one in order.lines] == [6, 2]
    off = OrderDiscount(discount=TEN_PERCENT, lines=(LineId("kit"), LineId("a")))
    assert priced(kit, line("c", 1000), discounts=[off]).total == eur(1620 + 1000)


def test_the_minimum_price_of_a_kit_is_divided_over_its_components() -> None:
    """A discount takes the kit down to its floor and no further."""
    half = PercentOff(code="H", rate=Fraction(1, 2))
    kit = evolve(
        line("kit", 1000, discounts=[half]),
        components=(component("a", 1), component("b", 2)),
        minimum_unit_price=eur(800),
    )
    assert priced(kit).total == eur(800)


# --- limits, quotation ---


def test_totals_beyond_64_bits_are_refused() -> None:
    """A quantity of 10^12 at a price of 10^9."""
    with pytest.raises(LimitExceededError):
        priced(line("a", 10**11, 10**12))
    lines = [line(str(n), 10**12, 10**6) for n in range(10)]
    with pytest.raises(LimitExceededError):
        priced(*lines)
    with pytest.raises(LimitExceededError):
        priced(line("a", 9 * 10**18, taxes=[vat(1000)]))


def test_a_quotation_expires() -> None:
    """At its last moment it is valid, a second later it is not."""
    until = datetime(2026, 5, 1, 12, tzinfo=UTC)
    order = price(evolve(draft(line("a", 100)), valid_until=until))
    check_still_valid(order, until)
    with pytest.raises(QuotationExpiredError):
        check_still_valid(order, until + timedelta(seconds=1))


def test_the_evidence_of_an_exemption_expires() -> None:
    """A certificate is valid until a moment."""
    until = datetime(2026, 5, 1, tzinfo=UTC)
    exempt = Tax(code="EX", category=TaxCategory.EXEMPT, evidence="7", valid_until=until)
    order = priced(line("a", 100, taxes=[exempt]))
    check_still_valid(order, until)
    with pytest.raises(EvidenceExpiredError):
        check_still_valid(order, until + timedelta(days=1))


def test_the_order_keeps_how_it_was_priced() -> None:
    """The policy, the flags and the kind are frozen with the amounts (RULES P-8)."""
    policy = PricingPolicy(percents=Percents.PARALLEL)
    goods = evolve(
        line("a", 100),
        kind=LineKind.SERVICE,
        needs_fulfilment=False,
        returnable=False,
        category="care",
        minimum_age=18,
        weight_g=7,
        extends=LineId("z"),
    )
    order = priced(goods, policy=policy)
    assert order.policy == policy
    one = order.lines[0]
    kept = (one.kind, one.needs_fulfilment, one.returnable, one.category, one.minimum_age)
    assert kept == (LineKind.SERVICE, False, False, "care", 18)
    assert (one.weight_g, one.extends) == (7, "z")


def test_a_total_is_found_by_looking_up_lines() -> None:
    """A line is found by its id; none is an error of the look-up family."""
    order = priced(line("a", 100), line("b", 200))
    assert order.line(LineId("b")).charged == eur(200)
    with pytest.raises(LookupError):
        order.line(LineId("c"))


def test_charges_are_part_of_the_total() -> None:
    """Grand total = lines + charges, nets + taxes."""
    order = priced(
        line("a", 1000, taxes=[vat(20)]),
        charges=[
            shipping(500, taxes=[vat(20)], included=True),
            Charge(id="tip", kind=ChargeKind.TIP, amount=Money(200, EUR)),
        ],
    )
    assert order.net == eur(1000 + 417 + 200)
    assert order.tax == eur(200 + 83)
    assert order.total == eur(1900)


def test_what_is_no_draft_is_refused() -> None:
    """A price list is no draft."""
    with pytest.raises(ValueError, match="must be Draft"):
        loose(price, [])
    with pytest.raises(InvalidQuantityError):
        line("a", 100, 0)


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own included: work that no clock has to measure."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_the_work_per_line_does_not_grow() -> None:
    """Ten times the lines take ten times the calls: with discounts, charges, groups and kits."""

    def drafted(count: int) -> Draft:
        goods = [
            line(str(n), 100 + n, 1 + n % 5, taxes=[vat(20)], included=True) for n in range(count)
        ]
        kits = [
            evolve(line(f"k{n}", 500), components=(component(f"x{n}", 3), component(f"y{n}", 1)))
            for n in range(count // 10)
        ]
        off = OrderDiscount(discount=PercentOff(code="TENTH", rate=Fraction(1, 10)))
        policy = PricingPolicy(taxes_per=TaxRounding.GROUP, minimum_unit_price=eur(50))
        charges = [shipping(490, split=True), shipping(99, kind=ChargeKind.FEE)]
        return draft(*goods, *kits, discounts=[off], charges=charges, policy=policy)

    few, many = drafted(60), drafted(600)
    assert calls_of(lambda: price(many)) < 10.5 * calls_of(lambda: price(few))
