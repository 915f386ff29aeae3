"""The explanation of a total: rows that a bookkeeper can add up."""

from __future__ import annotations

from fractions import Fraction

from attrs import evolve

from ordercore.ids import Actor
from ordercore.pricing.discounts import PercentOff
from ordercore.pricing.explain import RowKind, explain, explained
from ordercore.pricing.model import ChargeKind, PriceOverride, UnitPrice
from tests.unit.pricing.shop import component, eur, line, priced, shipping, vat


def test_rows_add_up_to_subtotals_and_to_the_total() -> None:
    """Added rows sum to the subtotal below them, subtotals to the total."""
    order = priced(
        line("a", 1990, 3, taxes=[vat(19)], discounts=[PercentOff(code="X", rate=Fraction(1, 7))]),
        line("b", 777, taxes=[vat(7)], included=True),
        charges=[shipping(490, split=True), shipping(99, kind=ChargeKind.FEE)],
    )
    running = total = 0
    for row in explained(order):
        if row.kind is RowKind.ADD:
            running += row.amount.minor
        elif row.kind is RowKind.SUBTOTAL:
            assert running == row.amount.minor
            total, running = total + running, 0
    last = explained(order)[-1]
    assert (last.kind, last.amount) == (RowKind.TOTAL, order.total)
    assert total == order.total.minor
    summary = [row for row in explained(order) if row.of == "" and row.kind is RowKind.CONTAINED]
    assert sum(row.amount.minor for row in summary) == order.total.minor


def test_the_text_says_what_happened() -> None:
    """Prices per several units, overrides, kits, discounts, and taxes in percent."""
    kit = evolve(line("kit", 1000), components=(component("p", 1),))
    override = PriceOverride(price=UnitPrice(eur(90)), actor=Actor("ann"), reason="scratched")
    text = explain(
        priced(
            line("flour", UnitPrice(eur(299), 1000), 750, taxes=[vat("9.975")]),
            evolve(line("cup", 100), override=override),
            kit,
            line("x", 100, taxes=[evolve(vat(5), amount=eur(4))]),
            line("y", 300, taxes=[vat(Fraction(100, 3), "THIRD")]),
            discounts=[],
            charges=[evolve(shipping(100), title="Parcel")],
        )
    )
    for words in (
        "750 × FLOUR at 2.99 EUR per 1000",
        "plus VAT9.975 9.975 %",
        "1 × CUP at 0.90 EUR (by ann: scratched)",
        "1 × P, its part of kit kit",
        "plus VAT5 as stated",
        "plus THIRD 100/3 %",
        "Parcel",
        "= 19.40 EUR  Total",
    ):
        assert words in text
