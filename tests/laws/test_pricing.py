"""
The laws of pricing (RULES P-2 to P-7), as functions that also judge a wrong implementation.

Each law takes a draft, prices it, and judges what came out; `tests/planted/test_pricing.py` prices
with a planted bug and sees the law fall. `expected` works out the same amounts anew, in fractions
and without a line of the library's arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import OrderCoreError
from ordercore.money import EUR, Money
from ordercore.pricing.discounts import (
    AmountOff,
    Discount,
    FixedPrice,
    OrderDiscount,
    PercentOff,
)
from ordercore.pricing.explain import RowKind, explained
from ordercore.pricing.model import (
    Charge,
    ChargeKind,
    Draft,
    DraftLine,
    PricedCharge,
    PricedLine,
    PricedOrder,
    Tax,
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
from ordercore.pricing.totals import price
from tests.unit.pricing.shop import component, draft, line, shipping, vat

EXAMPLES: int = max(500, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

RATES = (
    (),
    (vat(19),),
    (vat(7),),
    (vat("8.875"),),
    (vat(9, "CENTRAL"), vat(9, "STATE")),
    (vat(5, "GST"), vat("9.975", "QST", compound=True)),
    (vat(3, "A"), vat(4, "B"), vat(2, "C", compound=True)),
)

AMOUNTS = [Money(minor, EUR) for minor in (0, 1, 7, 100, 250, 999, 3000, 123_456)]
PERCENTS = [Fraction(n, 100) for n in (5, 10, 33, 50, 100)] + [Fraction(1, 3)]
UNITS = (None, 1, 2, 4)
FIXED: list[Discount] = [AmountOff(code="OFF", amount=amount) for amount in AMOUNTS]
EACH: list[Discount] = [
    AmountOff(code="EACH", amount=amount, per_unit=True, units=units)
    for amount, units in product(AMOUNTS[:5], UNITS)
]
SHARES: list[Discount] = [
    PercentOff(code="PERCENT", rate=rate, units=units) for rate, units in product(PERCENTS, UNITS)
]
TO_PRICE: list[Discount] = [FixedPrice(code="FOR", price=amount) for amount in AMOUNTS]
PLAIN = [*FIXED, *EACH, *SHARES]
POLICIES = [
    PricingPolicy(
        percents=percents,
        rounds=rounds,
        taxes_per=taxes_per,
        tax_base=base,
        included=included,
        minimum_unit_price=minimum,
    )
    for percents, rounds, taxes_per, base, included, minimum in product(
        Percents, DiscountRounding, TaxRounding, TaxBase, IncludedTax, [None, *AMOUNTS[2:4]]
    )
]

# Few, large choices: a draft takes milliseconds to draw, and still shrinks.
minors = st.sampled_from([0, 1, 2, 33, 99, 100, 333, 999]) | st.integers(0, 10**6)
quantities = st.integers(1, 5) | st.integers(1, 1000)
pers = st.sampled_from([1, 1, 1, 3, 1000])
taxings = st.sampled_from(list(product(RATES, (False, True))))
plain_discounts = st.lists(st.sampled_from(PLAIN), max_size=2)
all_discounts = st.lists(st.sampled_from([*PLAIN, *TO_PRICE]), max_size=2)
specials = st.sampled_from(["", "", "", "", "kit", "floor", "fixed"])


@st.composite
def draft_lines(draw: st.DrawFn, name: str, found: st.SearchStrategy[list[Discount]]) -> DraftLine:
    """A line of goods."""
    taxes, included = draw(taxings)
    unit = UnitPrice(Money(draw(minors), EUR), draw(pers))
    return line(name, unit, draw(quantities), taxes=taxes, included=included, discounts=draw(found))


@st.composite
def special_lines(draw: st.DrawFn, name: str) -> DraftLine:
    """A line of goods; some are kits, have a floor, or take no discount."""
    goods = draw(draft_lines(name, all_discounts))
    match draw(specials):
        case "kit":
            parts = (component(f"{name}-x", 3, 2), component(f"{name}-y", draw(st.integers(0, 5))))
            return evolve(goods, components=parts)
        case "floor":
            return evolve(goods, minimum_unit_price=draw(st.sampled_from(AMOUNTS[:5])))
        case "fixed":
            return evolve(goods, discountable=False, discounts=())
        case _:
            return goods


@st.composite
def charges(draw: st.DrawFn, kind: ChargeKind) -> Charge:
    """Shipping or a surcharge, at its own rate or split by the goods' rates."""
    taxes, included = draw(taxings)
    split = draw(st.booleans())
    charge = shipping(
        draw(st.integers(0, 1500)),
        kind=kind,
        taxes=() if split else taxes,
        included=included,
        split=split,
    )
    return evolve(charge, discounts=tuple(draw(all_discounts)[:1]))


@st.composite
def drafts(draw: st.DrawFn, most: int = 5) -> Draft:
    """Drafts with everything that RULES P has."""
    count = draw(st.integers(1, most))
    lines = [draw(special_lines(str(number))) for number in range(count)]
    orders: list[OrderDiscount] = []
    for discount in draw(all_discounts):
        some = draw(st.integers(0, count))
        names = tuple(one.id for one in lines[:some]) or None
        least = draw(st.sampled_from([None, *AMOUNTS]))
        orders.append(OrderDiscount(discount=discount, lines=names, minimum_spend=least))
    kinds = (ChargeKind.SHIPPING, ChargeKind.GIFT_WRAP)[: draw(st.integers(0, 2))]
    return draft(
        *lines,
        discounts=orders,
        charges=[draw(charges(kind)) for kind in kinds],
        policy=draw(st.sampled_from(POLICIES)),
    )


def priced_or_fail(given_draft: Draft) -> PricedOrder:
    """The priced order; a valid draft that cannot be priced breaks the law too."""
    try:
        return price(given_draft)
    except OrderCoreError as error:
        raise AssertionError(f"a valid draft was refused: {error}") from error


# --- the laws ---


def law_of_totals(given_draft: Draft) -> None:
    """The grand total is the sum of the printed parts; nothing is below zero (RULES P-7)."""
    order = priced_or_fail(given_draft)
    parts: list[PricedLine | PricedCharge] = [*order.lines, *order.charges]
    total = 0
    for part in parts:
        off = sum(discount.amount.minor for discount in part.discounts)
        assert part.charged.minor == part.list_amount.minor - off
        tax = sum(one.amount.minor for one in part.taxes)
        assert part.net.minor + tax == part.gross.minor
        assert part.gross.minor == part.charged.minor + (0 if part.tax_included else tax)
        assert min(part.charged.minor, part.net.minor, tax) >= 0 or _is_tiny(part)
        total += part.gross.minor
    assert order.total.minor == order.net.minor + order.tax.minor == total


def _is_tiny(part: PricedLine | PricedCharge) -> bool:
    """Several included taxes of a few cents may exceed them by one (RULES M-7)."""
    return part.tax_included and len(part.taxes) > 1 and part.net.minor >= -len(part.taxes)


def law_of_spreading(given_draft: Draft) -> None:
    """What the lines bear of a charge sums to it, is in proportion, and has its sign (M-4)."""
    order = priced_or_fail(given_draft)
    for charge in order.charges:
        shares = {share.line: share for share in charge.shares}
        assert charge.charged.minor == sum(one.charged.minor for one in charge.shares)
        for place, tax in enumerate(charge.taxes):
            assert tax.amount.minor == sum(one.taxes[place].minor for one in charge.shares)
        weights = {one.id: one.charged.minor for one in order.lines}
        if not any(weights.values()):
            weights = {one.id: one.quantity for one in order.lines}
        everything = sum(weights.values())
        for name, weight in weights.items():
            exact = Fraction(charge.charged.minor * weight, everything)
            borne = shares[name].charged.minor if name in shares else 0
            assert abs(borne - exact) < 1
            assert borne * charge.charged.minor >= 0


def law_of_floors(given_draft: Draft) -> None:
    """Offers take no line under its minimum price, and nothing off what takes none (P-3)."""
    order = priced_or_fail(given_draft)
    for source in given_draft.lines:
        own = [one for one in order.lines if source.id in {one.id, one.kit}]
        listed = sum(one.list_amount.minor for one in own)
        left = sum(one.charged.minor for one in own)
        if not source.discountable:
            assert left == listed
        least = source.minimum_unit_price
        if least is None and given_draft.policy.minimum_unit_price is not None:
            least = UnitPrice(given_draft.policy.minimum_unit_price)
        if least is not None:
            floor = Fraction(least.amount.minor * source.quantity, least.per)
            assert left >= floor or left == listed


def law_of_mirrored_adjustments(given_draft: Draft) -> None:
    """An adjustment of −x is the mirror image of one of +x, with its taxes and its shares."""
    goods = priced_or_fail(evolve(given_draft, charges=()))
    minor = max(sum(one.charged.minor for one in goods.lines) // 3, 1)
    up = shipping(minor, kind=ChargeKind.ADJUSTMENT, taxes=(vat(9, "CENTRAL"), vat(9, "STATE")))
    down = evolve(up, amount=-up.amount)
    if goods.total.minor <= 2 * minor:
        return
    policy = evolve(given_draft.policy, taxes_per=TaxRounding.LINE)
    plus, minus = (
        priced_or_fail(evolve(given_draft, charges=(charge,), policy=policy)).charges[0]
        for charge in (up, down)
    )
    assert plus.charged == -minus.charged
    assert [tax.amount for tax in plus.taxes] == [-tax.amount for tax in minus.taxes]
    assert plus.taxes[0].amount == plus.taxes[1].amount
    for share, other in zip(plus.shares, minus.shares, strict=True):
        assert share.charged == -other.charged
        assert share.taxes == tuple(-tax for tax in other.taxes)
        assert share.taxes[0] == share.taxes[1]


def law_of_groups(given_draft: Draft) -> None:
    """Rounded by group, a tax differs from base × rate by no more than one rounding (P-5)."""
    policy = evolve(
        given_draft.policy, taxes_per=TaxRounding.GROUP, tax_base=TaxBase.AFTER_DISCOUNTS
    )
    order = priced_or_fail(evolve(given_draft, policy=policy, charges=()))
    groups: dict[tuple[str, bool], list[tuple[int, int, Fraction]]] = {}
    for part in order.lines:
        whole = _whole(part) if part.tax_included else Fraction(1)
        for multiple, tax in zip(_multiples(part), part.taxes, strict=True):
            found = groups.setdefault((tax.code, part.tax_included), [])
            found.append((part.charged.minor, tax.amount.minor, multiple / whole))
    for members in groups.values():
        factor = members[0][2]
        assert {factor} == {other for _, _, other in members}
        base = sum(charged for charged, _, _ in members)
        assert sum(tax for _, tax, _ in members) == half_up(base * factor)


def law_of_unit_taxes(given_draft: Draft) -> None:
    """Rounded per unit, a tax is so many times the rounded tax of one unit (P-5)."""
    policy = evolve(
        given_draft.policy,
        taxes_per=TaxRounding.UNIT,
        tax_base=TaxBase.AFTER_DISCOUNTS,
        included=IncludedTax.EACH,
    )
    order = priced_or_fail(evolve(given_draft, policy=policy, charges=()))
    for part in order.lines:
        if any(tax.compound for tax in part.taxes):
            continue
        units = part.quantity if part.kit is None and part.unit_price.per == 1 else 1
        whole = _whole(part) if part.tax_included else Fraction(1)
        for multiple, tax in zip(_multiples(part), part.taxes, strict=True):
            one = half_up(Fraction(part.charged.minor, units) * multiple / whole)
            assert tax.amount.minor == one * units


def law_of_explaining(given_draft: Draft) -> None:
    """The explanation adds up to the total."""
    order = priced_or_fail(given_draft)
    rows = explained(order)
    counted = sum(row.amount.minor for row in rows if row.kind is RowKind.ADD)
    assert counted == sum(row.amount.minor for row in rows if row.kind is RowKind.SUBTOTAL)
    assert counted == order.total.minor


# --- the same amounts, worked out anew ---


def half_up(value: Fraction) -> int:
    """Round to the nearest, ties away from zero."""
    return math.floor(value + Fraction(1, 2)) if value >= 0 else -half_up(-value)


def _multiples(part: PricedLine | PricedCharge) -> list[Fraction]:
    """Each tax as a multiple of the net."""
    found: list[Fraction] = []
    for tax in part.taxes:
        found.append(tax.rate * (1 + sum(found)) if tax.compound else tax.rate)
    return found


def _whole(part: PricedLine | PricedCharge) -> Fraction:
    return 1 + sum(_multiples(part), Fraction(0))


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Apportion by the textbook: floors first, then the largest rests, ties to the first."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [math.floor(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts


def expected(given_draft: Draft) -> tuple[list[int], list[list[int]]]:
    """
    What is charged for each line, and its taxes, in cents: for plain drafts only.

    Plain: no kits, no minimum prices, percentages and amounts, sequential, taxes per line.
    """
    lists = [
        half_up(Fraction(one.unit_price.amount.minor * one.quantity, one.unit_price.per))
        for one in given_draft.lines
    ]
    left = list(lists)
    for place, one in enumerate(given_draft.lines):
        for discount in one.discounts:
            left[place] -= min(_said(discount, left[place], one.quantity), left[place])
    for ordered in given_draft.discounts:
        quantity = sum(one.quantity for one in given_draft.lines)
        off = min(_said(ordered.discount, sum(left), quantity), sum(left))
        if off:
            parts = largest_remainder(off, left)
            left = [amount - part for amount, part in zip(left, parts, strict=True)]
    taxes = [_taxes(one, left[place]) for place, one in enumerate(given_draft.lines)]
    return left, taxes


def _said(discount: Discount, left: int, quantity: int) -> int:
    if isinstance(discount, PercentOff):
        units = min(discount.units or quantity, quantity)
        return half_up(discount.rate * left * Fraction(units, quantity))
    assert isinstance(discount, AmountOff)
    times = min(discount.units or quantity, quantity) if discount.per_unit else 1
    return discount.amount.minor * times


def _taxes(one: DraftLine, charged: int) -> list[int]:
    if not one.tax_included:
        result: list[int] = []
        for tax in one.taxes:
            base = charged + sum(result) if tax.compound else charged
            result.append(half_up(base * tax.rate))
        return result
    if any(tax.compound for tax in one.taxes) and len(one.taxes) == 3:
        return _three(charged, [tax.rate for tax in one.taxes])
    if len(one.taxes) == 2 and one.taxes[1].compound:
        first, second = (tax.rate for tax in one.taxes)
        middle = half_up(charged / (1 + second))
        return [middle - half_up(charged / (1 + second) / (1 + first)), charged - middle]
    rates = sum((tax.rate for tax in one.taxes), Fraction(0))
    return [half_up(charged * tax.rate / (1 + rates)) for tax in one.taxes]


def _three(charged: int, rates: list[Fraction]) -> list[int]:
    """Two plain rates and a compound one, included."""
    plain = 1 + rates[0] + rates[1]
    whole = plain * (1 + rates[2])
    last = charged - half_up(charged * plain / whole)
    return [half_up(charged * rates[0] / whole), half_up(charged * rates[1] / whole), last]


@st.composite
def plain_drafts(draw: st.DrawFn) -> Draft:
    """Drafts that `expected` can work out."""
    lines = [
        draw(draft_lines(str(number), plain_discounts)) for number in range(draw(st.integers(1, 5)))
    ]
    ordered = [OrderDiscount(discount=one) for one in draw(plain_discounts)]
    return draft(*lines, discounts=ordered)


def law_of_the_arithmetic(given_draft: Draft) -> None:
    """Every amount is what the rules say it is, worked out another way (P-1 to P-6, M-4)."""
    order = priced_or_fail(given_draft)
    charged, taxes = expected(given_draft)
    assert charged == [one.charged.minor for one in order.lines]
    assert taxes == [[tax.amount.minor for tax in one.taxes] for one in order.lines]


# --- the properties ---


@LAW
@given(drafts())
def test_every_total_is_the_sum_of_its_parts(given_draft: Draft) -> None:
    """RULES P-7, for drafts with everything in them."""
    law_of_totals(given_draft)


@LAW
@given(drafts())
def test_charges_are_spread_in_proportion(given_draft: Draft) -> None:
    """RULES M-4 for shipping and surcharges."""
    if all(not one.components for one in given_draft.lines):
        law_of_spreading(given_draft)


@LAW
@given(drafts())
def test_no_offer_goes_under_a_floor(given_draft: Draft) -> None:
    """RULES P-3."""
    law_of_floors(given_draft)


@LAW
@given(drafts())
def test_adjustments_are_symmetric(given_draft: Draft) -> None:
    """RULES M-4: the sign changes the sign, and nothing else."""
    law_of_mirrored_adjustments(given_draft)


@LAW
@given(drafts())
def test_group_taxes_are_rounded_once(given_draft: Draft) -> None:
    """RULES P-5."""
    law_of_groups(given_draft)


@LAW
@given(drafts())
def test_unit_taxes_are_multiples_of_one_units_tax(given_draft: Draft) -> None:
    """RULES P-5."""
    law_of_unit_taxes(given_draft)


@LAW
@given(drafts())
def test_the_explanation_adds_up(given_draft: Draft) -> None:
    """A bookkeeper finds no cent too many."""
    law_of_explaining(given_draft)


@LAW
@given(plain_drafts())
def test_the_arithmetic_is_the_rules(given_draft: Draft) -> None:
    """Against fractions, without the library's arithmetic."""
    law_of_the_arithmetic(given_draft)


@LAW
@given(drafts())
def test_the_same_draft_is_always_priced_the_same(given_draft: Draft) -> None:
    """Pricing reads nothing but the draft."""
    assert price(given_draft) == price(evolve(given_draft))


def test_tax_rates_of_this_file_have_one_code_each() -> None:
    """A draft may mix all of them."""
    seen: dict[str, Tax] = {}
    for taxes in RATES:
        for tax in taxes:
            assert seen.setdefault(tax.code, tax).rate == tax.rate
