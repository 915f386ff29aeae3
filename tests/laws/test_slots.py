"""
The laws of slots (RULES M-7), as functions that also judge a wrong mechanism.

`Figure` is what they judge: it says the amounts of some slots of a line, by name. The library's is
`named_figures`; `tests/planted/test_pricing.py` hands them others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.ids import LineId
from ordercore.pricing.discounts import AmountOff, Discount, OrderDiscount, PercentOff
from ordercore.pricing.figures import amount_keys, amounts_upto, line_figures, slot_value
from ordercore.pricing.model import ChargeKind, PricedLine, PricedOrder, UnitPrice
from ordercore.pricing.policy import TaxBase
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.pricing.totals import price
from tests.laws.test_pricing import drafts
from tests.unit.pricing.shop import eur, line, priced, shipping, vat

EXAMPLES: int = max(500, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

Named: TypeAlias = dict[str, int]
Figure: TypeAlias = Callable[[PricedOrder, LineId, SlotSet], Named]


def named_figures(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """The library's figures of some slots, by name, in cents."""
    figures = line_figures(order, name, slots)
    named = {"list": figures.list_amount.minor, "goods": figures.goods.minor}
    for place, (code, amount) in enumerate(figures.discounts):
        named[f"discount {place} {code}"] = amount.minor
    for code, amount in figures.taxes:
        named[f"tax {code}"] = amount.minor
    named["net"], named["gross"] = figures.net.minor, figures.gross.minor
    for charge in figures.charges:
        named[f"{charge.charge} net"] = charge.net.minor
        for code, amount in charge.taxes:
            named[f"{charge.charge} tax {code}"] = amount.minor
        named[f"{charge.charge} gross"] = charge.gross.minor
    named["value"] = figures.value.minor
    return named


def totals_of(order: PricedOrder, source: PricedLine) -> Named:
    """The same names, from the printed components of the line and of the charges it bears."""
    named = {"list": source.list_amount.minor, "goods": source.charged.minor}
    for place, discount in enumerate(source.discounts):
        named[f"discount {place} {discount.code}"] = discount.amount.minor
    for tax in source.taxes:
        named[f"tax {tax.code}"] = tax.amount.minor
    named["net"], named["gross"] = source.net.minor, source.gross.minor
    worth = source.gross.minor
    for charge in order.charges:
        for share in charge.shares:
            if share.line == source.id:
                taxes = sum(tax.minor for tax in share.taxes)
                on_top = 0 if charge.tax_included else taxes
                named[f"{charge.id} net"] = share.charged.minor + on_top - taxes
                for tax, amount in zip(charge.taxes, share.taxes, strict=True):
                    named[f"{charge.id} tax {tax.code}"] = amount.minor
                named[f"{charge.id} gross"] = share.charged.minor + on_top
                worth += share.charged.minor + on_top
    named["value"] = worth
    return named


def summed(pieces: Iterable[Named]) -> Named:
    """All pieces together, name by name."""
    result: Named = {}
    for piece in pieces:
        for name, minor in piece.items():
            result[name] = result.get(name, 0) + minor
    return result


# --- the laws ---


def law_of_partitions(
    order: PricedOrder, name: LineId, parts: Sequence[SlotSet], figure: Figure = named_figures
) -> None:
    """Every figure's slots sum to its total, however they are divided."""
    assert summed(figure(order, name, part) for part in parts) == totals_of(order, order.line(name))


def lowest_net(taxes: int) -> int:
    """Of two included taxes −1, of n taxes −(n − 1); nothing else is ever below zero (M-7)."""
    return min(1 - taxes, 0)


def law_of_bounds(order: PricedOrder, name: LineId, figure: Figure = named_figures) -> None:
    """No slot's figure is below zero, or above the one that it is a part of."""
    source = order.line(name)
    for slot in range(source.quantity):
        found = figure(order, name, SlotSet.of(slot, slot + 1))
        assert 0 <= found["goods"] <= found["list"]
        taken = [minor for label, minor in found.items() if label.startswith("discount")]
        assert all(minor >= 0 for minor in taken)
        assert found["list"] - sum(taken) == found["goods"]
        assert all(minor >= 0 for label, minor in found.items() if "tax" in label)
        for charge in order.charges:
            assert found.get(f"{charge.id} net", 0) >= lowest_net(len(charge.taxes))
        tax = sum(minor for label, minor in found.items() if label.startswith("tax "))
        assert found["gross"] == found["net"] + tax
        if source.tax_included:
            assert found["gross"] == found["goods"]
            assert found["net"] >= lowest_net(len(source.taxes))
        else:
            assert found["net"] == found["goods"]
        if source.charged.minor and not found["goods"]:
            assert found["value"] == 0


def law_of_equal_taxes(order: PricedOrder, name: LineId, figure: Figure = named_figures) -> None:
    """Two taxes of the same amount have the same figure on every slot."""
    source = order.line(name)
    for one, other in pairwise(source.taxes):
        if one.amount == other.amount:
            for slot in range(source.quantity):
                found = figure(order, name, SlotSet.of(slot, slot + 1))
                assert found[f"tax {one.code}"] == found[f"tax {other.code}"]


def law_of_nearness(order: PricedOrder, name: LineId, figure: Figure = named_figures) -> None:
    """Up to any slot, the goods are near the exact part: one half per running amount before."""
    source = order.line(name)
    steps = Fraction(len(source.discounts) + 1, 2)
    for upto in range(source.quantity + 1):
        found = figure(order, name, SlotSet.of(0, upto)) if upto else {"goods": 0}
        exact = Fraction(source.charged.minor * upto, source.quantity)
        assert abs(found["goods"] - exact) <= steps


# --- the properties ---


@st.composite
def divided_lines(draw: st.DrawFn) -> tuple[PricedOrder, LineId, list[SlotSet]]:
    """An order, one of its lines, and a partition of its slots."""
    order = price(draw(drafts(3)))
    source = order.lines[draw(st.integers(0, len(order.lines) - 1))]
    if source.quantity <= 6:
        homes = draw(
            st.lists(st.integers(0, 3), min_size=source.quantity, max_size=source.quantity)
        )
        parts = [
            SlotSet.from_slots(slot for slot, home in enumerate(homes) if home == wanted)
            for wanted in range(4)
        ]
    else:
        inner = sorted(draw(st.sets(st.integers(1, source.quantity - 1), max_size=5)))
        cuts = [0, *inner, source.quantity]
        pieces = [SlotSet.of(start, stop) for start, stop in pairwise(cuts)]
        parts = [SlotSet.union(pieces[::2]), SlotSet.union(pieces[1::2])]
    return order, source.id, parts


@LAW
@given(divided_lines())
def test_any_partition_sums_to_the_line(case: tuple[PricedOrder, LineId, list[SlotSet]]) -> None:
    """RULES M-7, for every figure at once."""
    law_of_partitions(*case)


@LAW
@given(divided_lines())
def test_slots_stay_within_their_bounds(case: tuple[PricedOrder, LineId, list[SlotSet]]) -> None:
    """No slot below zero, none above what it is a part of; equal taxes stay equal."""
    order, name, _ = case
    # Taxed before discounts, a slot that costs nothing may have a tax.
    after = order.policy.tax_base is TaxBase.AFTER_DISCOUNTS
    if order.line(name).quantity <= 50 and (after or not order.line(name).discounts):
        law_of_bounds(order, name)
        law_of_equal_taxes(order, name)


@LAW
@given(divided_lines())
def test_the_short_way_to_a_value_is_the_long_one(
    case: tuple[PricedOrder, LineId, list[SlotSet]],
) -> None:
    """`slot_value`, the sum of the named amounts, and the figures' value are the same."""
    order, name, parts = case
    for part in parts:
        value = slot_value(order, name, part)
        assert value == line_figures(order, name, part).value
        running = [sum(amounts_upto(order, name, end)) for span in part.spans for end in span]
        assert value.minor == sum(running[1::2]) - sum(running[::2])
    source = order.line(name)
    assert len(amount_keys(order, name)) == len(amounts_upto(order, name, source.quantity))


slot_sets = st.builds(SlotSet.from_slots, st.sets(st.integers(0, 30)))


@LAW
@given(slot_sets, slot_sets, st.integers(0, 40))
def test_sets_of_slots_are_sets(one: SlotSet, other: SlotSet, count: int) -> None:
    """Spans do what Python's sets do."""
    left, right = set(one), set(other)
    assert set(one | other) == left | right
    assert set(one - other) == left - right
    assert set(one & other) == left & right
    assert (one <= other) is (left <= right)
    assert len(one) == len(left)
    assert bool(one) is bool(left)
    assert list(one.lowest(count)) == sorted(left)[:count]
    assert list(one.highest(count)) == sorted(left)[max(len(left) - count, 0) :]
    assert SlotSet.union([one, other]) == one | other
    assert all((slot in one) is (slot in left) for slot in range(32))
    assert one | NO_SLOTS == one


# --- small worlds, all of them ---

SMALL_PRICES: tuple[int | UnitPrice, ...] = (1, 33, 100, 999, UnitPrice(eur(1), 2))
SMALL_TAXES = (
    ((), False),
    ((vat(20),), True),
    ((vat(50),), True),
    ((vat(19),), False),
    ((vat(9, "CENTRAL"), vat(9, "STATE")), True),
    ((vat(5, "GST"), vat("9.975", "QST", compound=True)), False),
)
SMALL_DISCOUNTS: tuple[tuple[Discount, ...], ...] = (
    (),
    (AmountOff(code="A", amount=eur(50)),),
    (PercentOff(code="P", rate=Fraction(1, 3)), PercentOff(code="Q", rate=Fraction(1, 10))),
)


def small_orders() -> Iterable[PricedOrder]:
    """Every price, quantity up to four, taxation and discount; beside a line of 1.00."""
    for minor, quantity, (taxes, included), discounts in product(
        SMALL_PRICES, (1, 2, 3, 4), SMALL_TAXES, SMALL_DISCOUNTS
    ):
        yield priced(
            line("a", minor, quantity, taxes=taxes, included=included, discounts=discounts),
            line("b", 100),
            discounts=[OrderDiscount(discount=AmountOff(code="O", amount=eur(7)))],
            charges=[shipping(490, split=True), shipping(29, kind=ChargeKind.FEE)],
        )


def law_of_small_worlds(orders: Iterable[PricedOrder], figure: Figure = named_figures) -> None:
    """Every partition of the slots into two, slot by slot, and every bound."""
    for order in orders:
        source = order.line(LineId("a"))
        for mask in range(2**source.quantity):
            inside = SlotSet.from_slots(slot for slot in source.slots if mask >> slot & 1)
            law_of_partitions(order, source.id, (inside, source.slots - inside), figure)
        singles = [SlotSet.of(slot, slot + 1) for slot in source.slots]
        law_of_partitions(order, source.id, singles, figure)
        law_of_bounds(order, source.id, figure)
        law_of_equal_taxes(order, source.id, figure)
        law_of_nearness(order, source.id, figure)


def test_every_small_line_is_exact() -> None:
    """360 lines, every subset of their slots."""
    law_of_small_worlds(small_orders())


def test_the_small_worlds_differ() -> None:
    """Their values are not all the same."""
    values = {order.total.minor for order in small_orders()}
    assert len(values) > 100
