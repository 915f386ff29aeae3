"""Every example that RULES M and P print, and every vector beside them: one test each, by name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.ids import CreditId, LineId
from ordercore.money import (
    CHF,
    CLP,
    EUR,
    ISK,
    JPY,
    USD,
    Currency,
    Money,
    TooPreciseError,
    apportion,
    from_gateway_minor,
    round_to_increment,
    share,
    to_gateway_minor,
)
from ordercore.pricing.discounts import AmountOff, OrderDiscount
from ordercore.pricing.figures import line_figures
from ordercore.pricing.model import ChargeKind, PricedOrder, PricedTax, Tax, UnitPrice
from ordercore.pricing.policy import PricingPolicy, TaxRounding
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from tests.unit.pricing.shop import component, eur, line, priced, shipping, slot_minors, vat

A = LineId("a")


def tax_of(order: PricedOrder, slots: SlotSet) -> list[int]:
    """What some slots of line a contain of each tax."""
    return [amount.minor for _, amount in line_figures(order, A, slots).taxes]


def included(gross: int, *taxes: Tax, quantity: int = 1) -> PricedOrder:
    """One line with these taxes in its price."""
    return priced(line("a", gross, quantity, taxes=taxes, included=True))


# --- M ---


@pytest.mark.parametrize(("code", "digits"), [("HRK", 2), ("BGN", 2), ("JPY", 0), ("BHD", 3)])
def test_m1_withdrawn_currencies_are_known(code: str, digits: int) -> None:
    """HRK and BGN are in the table as JPY and BHD are."""
    assert digits == Currency(code).exponent


@pytest.mark.parametrize(
    ("currency", "digits", "amount", "sent"),
    [(CLP, 2, 5, 500), (ISK, 2, 5, 500), (Currency("CVE"), 0, 500, 5)],
)
def test_m1_adyen_counts_otherwise(currency: Currency, digits: int, amount: int, sent: int) -> None:
    """Adyen: CLP 2, ISK 2, CVE 0."""
    exponents = {currency.code: digits}
    assert sent == to_gateway_minor(Money(amount, currency), exponents)
    assert Money(amount, currency) == from_gateway_minor(sent, currency, exponents)


@pytest.mark.parametrize(("text", "currency"), [("10.005", USD), ("1.5", JPY)])
def test_m2_more_digits_are_refused_never_rounded(text: str, currency: Currency) -> None:
    """As text, and as the decimal that JSON is read with."""
    with pytest.raises(TooPreciseError):
        Money.parse(text, currency)
    with pytest.raises(TooPreciseError):
        Money.from_decimal(Decimal(text), currency)


@pytest.mark.parametrize(("minor", "cash"), [(1002, 1000), (1003, 1005), (-1003, -1005)])
def test_m3_cash_is_rounded_to_five_rappen(minor: int, cash: int) -> None:
    """Cash rounding to 0.05."""
    assert Money(cash, CHF) == round_to_increment(Money(minor, CHF), 5)


def test_m4_ten_over_three_equal_lines() -> None:
    """10.00 over three equal lines: 3.34, 3.33, 3.33; as an amount and as an order discount."""
    assert [334, 333, 333] == [part.minor for part in apportion(eur(1000), [1, 1, 1])]
    off = OrderDiscount(discount=AmountOff(code="TEN", amount=eur(1000)))
    order = priced(*(line(name, 2000) for name in "abc"), discounts=[off])
    assert [334, 333, 333] == [one.discounts[0].amount.minor for one in order.lines]


def test_m4_one_cent_less_over_nothing_and_two_equals() -> None:
    """[0, 500, 500] and −1: the first of the equals bears it, and nothing is doubled."""
    assert [0, -1, 0] == [part.minor for part in apportion(eur(-1), [0, 500, 500])]


def test_m5_ten_over_three_units() -> None:
    """10.00 over three units: 3.33, 3.34, 3.33; as an amount and as a line."""
    units = [share(eur(1000), of=3, start=unit, stop=unit + 1).minor for unit in range(3)]
    assert [333, 334, 333] == units
    assert units == slot_minors(priced(line("a", UnitPrice(eur(1000), 3), 3)), "a")


def test_m7_two_units_of_five_with_ten_percent() -> None:
    """2 × 5.00 incl. 10 %: slots of 5.00 and 5.00 with tax 0.46 and 0.45."""
    order = included(500, vat(10), quantity=2)
    assert [500, 500] == slot_minors(order, "a")
    assert [[46], [45]] == [tax_of(order, SlotSet.of(n, n + 1)) for n in (0, 1)]


def test_m7_ten_ten_over_four_units() -> None:
    """10.10 for 4: 2.53, 2.52, 2.53, 2.52; cancel the highest (2.52), dispatch three (7.58)."""
    order = priced(line("a", UnitPrice(eur(1010), 4), 4))
    assert [253, 252, 253, 252] == slot_minors(order, "a")
    slots = order.line(A).slots
    assert 252 == line_figures(order, A, slots.highest(1)).goods.minor
    assert 758 == line_figures(order, A, slots.lowest(3)).goods.minor


def test_m7_a_slot_of_a_cent_with_two_included_taxes_may_have_a_net_of_minus_one() -> None:
    """0.04 for 4 with two included taxes of 0.01: slot 1 costs 0.01 and bears both."""
    order = included(1, vat(50, "X"), vat(50, "Y"), quantity=4)
    (one,) = order.lines
    assert [1, 1] == [tax.amount.minor for tax in one.taxes]
    nets = [line_figures(order, A, SlotSet.of(n, n + 1)).net.minor for n in range(4)]
    assert [1, -1, 1, 1] == nets
    assert 2 == one.net.minor


# --- P ---


@pytest.mark.parametrize(
    ("gross", "tax"), [(10200, 1700), (1900, 317), (3800, 633), (100, 17), (3, 1)]
)
def test_p6_what_an_amount_with_twenty_percent_contains(gross: int, tax: int) -> None:
    """102.00: 17.00; 19.00: 3.17; 38.00: 6.33; 1.00: 0.17; 0.03: 0.01."""
    order = included(gross, vat(20))
    assert (tax, gross - tax, gross) == (order.tax.minor, order.net.minor, order.total.minor)


def test_p6_five_and_then_compound() -> None:
    """115.47 incl. 5 % and then 9.975 % compound: 15.47, of which 5.00 and 10.47."""
    order = included(11547, vat(5, "GST"), vat("9.975", "QST", compound=True))
    assert (1547, 10000) == (order.tax.minor, order.net.minor)
    assert [500, 1047] == [tax.amount.minor for tax in order.lines[0].taxes]


@pytest.mark.parametrize(("per", "tax"), [(TaxRounding.LINE, 657), (TaxRounding.UNIT, 656)])
def test_p5_two_units_of_nineteen_seventy(per: TaxRounding, tax: int) -> None:
    """2 × 19.70 incl. 20 % contains 6.57 by line and 6.56 by unit."""
    goods = line("a", 1970, 2, taxes=[vat(20)], included=True)
    order = priced(goods, policy=PricingPolicy(taxes_per=per))
    assert (tax, 3940) == (order.tax.minor, order.total.minor)


@pytest.mark.parametrize(
    ("kind", "minor", "parts"),
    [
        (ChargeKind.SHIPPING, 100_000, [49_948, 49_948, 104]),
        (ChargeKind.GIFT_WRAP, 3000, [1499, 1498, 3]),
    ],
)
def test_a_charge_over_two_dear_lines_and_a_cheap_one(
    kind: ChargeKind, minor: int, parts: list[int]
) -> None:
    """Over 311900, 311900, 648.90: 1000.00 is 499.48/499.48/1.04, 30.00 is 14.99/14.98/0.03."""
    goods = [line("a", 31_190_000), line("b", 31_190_000), line("c", 64_890)]
    order = priced(*goods, charges=[shipping(minor, kind=kind)])
    assert parts == [one.charged.minor for one in order.charges[0].shares]
    weights = [Fraction("311900"), Fraction("311900"), Fraction("648.90")]
    assert parts == [part.minor for part in apportion(Money(minor, EUR), weights)]


def without_rates(order: PricedOrder) -> PricedOrder:
    """The same order, with every rate forgotten."""

    def forgotten(taxes: tuple[PricedTax, ...]) -> tuple[PricedTax, ...]:
        return tuple(evolve(tax, rate=Fraction(0)) for tax in taxes)

    return evolve(
        order,
        lines=tuple(evolve(one, taxes=forgotten(one.taxes)) for one in order.lines),
        charges=tuple(evolve(one, taxes=forgotten(one.taxes)) for one in order.charges),
    )


def test_p8_nothing_is_later_computed_from_a_rate() -> None:
    """With every rate forgotten, each slot, each refund and the total are what they were."""
    order = priced(
        line("a", 1970, 3, taxes=[vat(20)], included=True),
        line("b", 333, 2, taxes=[vat(5, "GST"), vat("9.975", "QST", compound=True)]),
        charges=[shipping(490, split=True)],
    )
    blank = without_rates(order)
    assert order.total == blank.total
    for one in order.lines:
        for slot in one.slots:
            slots = SlotSet.of(slot, slot + 1)
            assert line_figures(order, one.id, slots) == line_figures(blank, one.id, slots)
            asked = RefundRequest(
                id=CreditId("C"),
                cause=CreditCause.RETURNED,
                items=(RefundItem(line=one.id, slots=slots),),
            )
            credits_of = [calculate(RefundBasis(priced=each), asked) for each in (order, blank)]
            assert credits_of[0].credit == credits_of[1].credit


def test_p10_a_component_of_a_kit_comes_back_singly() -> None:
    """29.90 for a book of 20.00 at 7 % and a film of 15.00 at 19 %: the film alone is 12.81."""
    parts = (
        component("book", 2000, taxes=(vat(7),)),
        component("film", 1500, taxes=(vat(19),)),
    )
    order = priced(evolve(line("kit", 2990, included=True), components=parts))
    assert [1709, 1281] == [one.charged.minor for one in order.lines]
    asked = RefundRequest(
        id=CreditId("C"),
        cause=CreditCause.RETURNED,
        items=(RefundItem(line=LineId("film"), slots=SlotSet.of(0, 1)),),
    )
    quote = calculate(RefundBasis(priced=order, held=order.total), asked)
    assert (1281, 1281) == (quote.credit.amount.minor, quote.pay_back.minor)
    assert [("goods", 1076), ("tax", 205)] == [
        (part.component, part.amount.minor) for part in quote.credit.parts
    ]


@pytest.mark.parametrize(("minor", "cash"), [(1002, 1000), (1003, 1005)])
def test_p11_the_order_is_not_rounded_for_cash(minor: int, cash: int) -> None:
    """10.02 and 10.03 stay what they are; the tender takes 10.00 and 10.05."""
    order = priced(line("a", minor))
    assert minor == order.total.minor
    assert cash == round_to_increment(order.total, 5).minor
