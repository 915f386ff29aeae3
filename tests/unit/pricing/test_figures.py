"""Figures of slots: the printed vectors of RULES M-7, and their edges."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.ids import LineId
from ordercore.pricing.discounts import AmountOff, PercentOff
from ordercore.pricing.figures import amount_keys, amounts_upto, line_figures, slot_value
from ordercore.pricing.model import ChargeKind, PricedOrder
from ordercore.pricing.policy import PricingPolicy, TaxBase
from ordercore.pricing.slots import NO_SLOTS, InvalidSlotsError, SlotSet
from ordercore.pricing.values import UnknownLineError
from tests.unit.pricing.shop import eur, line, priced, shipping, slot_minors, vat

A = LineId("a")


def tax_minors(order: PricedOrder) -> list[int]:
    """The first tax of each slot of line a, in cents."""
    return [
        line_figures(order, A, SlotSet.of(slot, slot + 1)).taxes[0][1].minor
        for slot in order.line(A).slots
    ]


def test_two_units_with_an_odd_tax() -> None:
    """2 × 5.00 incl. 10 %: slots of 5.00 and 5.00 with tax 0.46 and 0.45."""
    order = priced(line("a", 500, 2, taxes=[vat(10)], included=True))
    assert slot_minors(order, "a") == [500, 500]
    assert tax_minors(order) == [46, 45]


def test_an_odd_amount_over_four_units() -> None:
    """10.10 for 4: 2.53, 2.52, 2.53, 2.52; cancel one (2.52) and dispatch three (7.58)."""
    off = AmountOff(code="A", amount=eur(90))
    order = priced(line("a", 275, 4, discounts=[off]))
    assert slot_minors(order, "a") == [253, 252, 253, 252]
    assert line_figures(order, A, SlotSet.of(3, 4)).goods == eur(252)
    assert line_figures(order, A, SlotSet.of(0, 3)).goods == eur(758)


def test_three_units_for_ten() -> None:
    """10.00 for 3: 3.33, 3.34, 3.33."""
    order = priced(line("a", 1000, 3, discounts=[PercentOff(code="A", rate=Fraction(2, 3))]))
    assert slot_minors(order, "a") == [333, 334, 333]


def test_discounts_are_differences_of_running_amounts() -> None:
    """Each discount has its own figure; with the goods they make the list amount."""
    twice = [PercentOff(code=code, rate=Fraction(1, 3)) for code in "XY"]
    order = priced(line("a", 100, 3, discounts=twice))
    for slot in range(3):
        figures = line_figures(order, A, SlotSet.of(slot, slot + 1))
        taken = sum(amount.minor for _, amount in figures.discounts)
        assert figures.list_amount.minor == figures.goods.minor + taken
        assert [code for code, _ in figures.discounts] == ["X", "Y"]


def test_tax_on_nothing_is_shared_by_units() -> None:
    """All given away, taxed before discounts: the tax belongs to the units."""
    policy = PricingPolicy(tax_base=TaxBase.BEFORE_DISCOUNTS)
    free = PercentOff(code="A", rate=Fraction(1))
    order = priced(line("a", 100, 3, taxes=[vat(10)], discounts=[free]), policy=policy)
    assert slot_minors(order, "a") == [0, 0, 0]
    assert tax_minors(order) == [10, 10, 10]


def test_goods_for_free_have_slots_worth_nothing() -> None:
    """A price of zero: every figure is zero."""
    order = priced(line("a", 0, 2, taxes=[vat(10)]))
    assert slot_value(order, A, SlotSet.of(0, 2)) == eur(0)


def test_charges_are_figures_of_their_own() -> None:
    """Net, taxes and gross of what the slots bear, per charge."""
    order = priced(
        line("a", 1000, 2, taxes=[vat(20)]),
        charges=[
            shipping(500, taxes=[vat(20)]),
            shipping(120, kind=ChargeKind.FEE, taxes=[vat(20)], included=True),
        ],
    )
    figures = line_figures(order, A, SlotSet.of(0, 1))
    found = [(one.charge, one.kind, one.net.minor, one.gross.minor) for one in figures.charges]
    assert found == [
        ("shipping", ChargeKind.SHIPPING, 250, 300),
        ("fee", ChargeKind.FEE, 50, 60),
    ]
    assert figures.charges[0].taxes == (("VAT20", eur(50)),)
    assert (figures.net, figures.gross, figures.value) == (eur(1000), eur(1200), eur(1560))
    assert slot_value(order, A, SlotSet.of(0, 1)) == eur(1560)


def test_no_slots_have_no_value() -> None:
    """The empty set is worth nothing."""
    order = priced(line("a", 1000, 2, taxes=[vat(20)]), charges=[shipping(500)])
    assert line_figures(order, A, NO_SLOTS).value == eur(0)
    assert slot_value(order, A, NO_SLOTS) == eur(0)


def test_slots_in_several_spans() -> None:
    """The figures of apart spans are the sum of the figures of each."""
    order = priced(line("a", 333, 5, taxes=[vat(19)]), charges=[shipping(499)])
    apart = SlotSet.from_slots([0, 2, 4])
    single = [line_figures(order, A, SlotSet.of(slot, slot + 1)).value.minor for slot in (0, 2, 4)]
    assert line_figures(order, A, apart).value.minor == sum(single)
    assert slot_value(order, A, apart).minor == sum(single)


def test_a_line_of_a_trillion_units_costs_no_more_than_one_of_two() -> None:
    """The cost is in the spans."""
    order = priced(line("a", 1, 10**12))
    assert slot_value(order, A, SlotSet.of(5, 10**12 - 5)) == eur(10**12 - 10)


def test_slots_and_lines_that_are_not_there() -> None:
    """One slot too many, or an unknown line, is an error."""
    order = priced(line("a", 1000, 2))
    for ask in (line_figures, slot_value):
        with pytest.raises(InvalidSlotsError):
            ask(order, A, SlotSet.of(1, 3))
        with pytest.raises(UnknownLineError):
            ask(order, LineId("x"), SlotSet.of(0, 1))


def test_the_amounts_have_names() -> None:
    """Net and taxes of the goods, and of each charge; together the gross value."""
    order = priced(
        line("a", 1200, 2, taxes=[vat(20)], included=True),
        charges=[evolve(shipping(600, taxes=[vat(20)], included=True))],
    )
    assert amount_keys(order, A) == (
        ("", ""),
        ("", "VAT20"),
        ("shipping", ""),
        ("shipping", "VAT20"),
    )
    assert amounts_upto(order, A, 0) == [0, 0, 0, 0]
    assert amounts_upto(order, A, 1) == [1000, 200, 250, 50]
    assert amounts_upto(order, A, 2) == [2000, 400, 500, 100]
