"""
Wrong ways to price and to divide, each of which a law must notice.

A bug is planted by exchanging one function of the library; then the law that passed without it
must fall. The bugs are ones that shops have had: tax before the discount, an included tax added on
top, the odd cent at the wrong line, cut-off digits, a floor that nobody looks at, units rounded
one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from ordercore.ids import LineId
from ordercore.money import Rounding, apportion_minor, follow, round_ratio, share_minor
from ordercore.pricing import _charges, _lots, discounts, figures, taxes, totals
from ordercore.pricing._lots import Lot
from ordercore.pricing.discounts import Discount, Discountable
from ordercore.pricing.model import ChargeShare, Draft, PricedCharge, PricedLine, PricedOrder
from ordercore.pricing.policy import Percents, PricingPolicy, TaxRounding
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.taxes import Taxable
from tests.laws.test_pricing import (
    drafts,
    law_of_explaining,
    law_of_floors,
    law_of_groups,
    law_of_mirrored_adjustments,
    law_of_spreading,
    law_of_the_arithmetic,
    law_of_totals,
    law_of_unit_taxes,
    plain_drafts,
)
from tests.laws.test_slots import (
    Figure,
    Named,
    law_of_small_worlds,
    named_figures,
    small_orders,
    summed,
    totals_of,
)
from tests.planted.test_money import is_caught

Plant = Callable[[pytest.MonkeyPatch], None]


def truncated(numerator: int, denominator: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Digits are cut off."""
    del rounding
    return round_ratio(numerator, denominator, Rounding.DOWN)


def last_takes_the_rest(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Every line is cut off, and the last one gets what is missing."""
    everything = sum(weights)
    parts = [total * weight // everything for weight in weights]
    parts[-1] += total - sum(parts)
    return tuple(parts)


def each_by_itself(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Every line is rounded half up, and nobody looks at the sum."""
    return tuple(follow(total, weight, sum(weights)) for weight in weights)


def down_for_debts(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """A negative total is divided as if the odd cents went the same way."""
    if total >= 0:
        return apportion_minor(total, weights)
    parts = [total * weight // sum(weights) for weight in weights]
    for place in range(total - sum(parts), 0):
        parts[place] += 1
    missing = total - sum(parts)
    return (parts[0] + missing, *parts[1:])


def without_room(total: int, weights: Sequence[int], room: Sequence[int]) -> tuple[int, ...]:
    """Nobody looks at what a line may take."""
    del room
    return apportion_minor(total, weights) if total else (0,) * len(weights)


def rest_is_lost(total: int, weights: Sequence[int], room: Sequence[int]) -> tuple[int, ...]:
    """What a line cannot take is given to nobody."""
    parts = without_room(total, weights, room)
    return tuple(min(part, most) for part, most in zip(parts, room, strict=True))


def no_floor(*_: object) -> int:
    """Every line may become free."""
    return 0


def uncapped(discount: Discount, on: Discountable, name: str) -> object:
    """An offer takes more than there is."""
    del name
    return discount.amount_off(on)


def before_discounts(lot: Lot, *, before: bool) -> Taxable:
    """Every tax is taken of the list amount."""
    del before
    return _taxable(lot, before=True)


def never_included(lot: Lot, *, before: bool) -> Taxable:
    """An included tax is computed as if it came on top."""
    return evolve(_taxable(lot, before=before), included=False)


def side_by_side(pool: list[Lot], quantity: int, draft: Draft) -> Discountable:
    """A second percentage is taken of the amount before the first."""
    policy = evolve(draft.policy, percents=Percents.PARALLEL)
    return _discountable(pool, quantity, evolve(draft, policy=policy))


def per_unit(things: Sequence[Taxable], policy: PricingPolicy) -> list[tuple[int, ...]]:
    """Taxes are rounded per unit where the policy says per line."""
    return _taxes_of(things, evolve(policy, taxes_per=TaxRounding.UNIT))


def per_line(things: Sequence[Taxable], policy: PricingPolicy) -> list[tuple[int, ...]]:
    """Taxes are rounded per line where the policy says per unit."""
    return _taxes_of(things, evolve(policy, taxes_per=TaxRounding.LINE))


def all_half_even(numerator: int, denominator: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Ties go to the even neighbour, whatever was asked for."""
    del rounding
    return round_ratio(numerator, denominator, Rounding.HALF_EVEN)


def only_the_first_rate(self: object) -> None:
    """An included rate is taken as if it stood alone: the other rates are forgotten."""
    assert isinstance(self, taxes._Plan)
    _plan(self)
    if self.included and not self.is_compound:
        self.factors = tuple(tax.rate / (1 + tax.rate) for tax in self.taxes)


_discountable = _lots._discountable
_taxes_of = taxes.taxes_of
_plan = taxes._Plan.__attrs_post_init__
_taxable = totals._taxable  # pyright: ignore[reportPrivateUsage] - it is to be exchanged
_ARITHMETIC = (plain_drafts, law_of_the_arithmetic)


def _set(module: object, name: str, wrong: object) -> Plant:
    return lambda patch: patch.setattr(module, name, wrong)


PLANTED: list[tuple[str, Plant, Callable[[], Any], Callable[[Draft], None]]] = [
    ("digits of taxes are cut off", _set(taxes, "round_ratio", truncated), *_ARITHMETIC),
    ("digits of prices are cut off", _set(_lots, "round_ratio", truncated), *_ARITHMETIC),
    ("digits of percents are cut off", _set(discounts, "round_ratio", truncated), *_ARITHMETIC),
    ("tax before discount", _set(totals, "_taxable", before_discounts), *_ARITHMETIC),
    ("included tax as added", _set(totals, "_taxable", never_included), *_ARITHMETIC),
    ("percents side by side", _set(_lots, "_discountable", side_by_side), *_ARITHMETIC),
    ("tax per unit instead of per line", _set(totals, "taxes_of", per_unit), *_ARITHMETIC),
    (
        "tax per line instead of per unit",
        _set(totals, "taxes_of", per_line),
        drafts,
        law_of_unit_taxes,
    ),
    ("ties of taxes to even", _set(taxes, "round_ratio", all_half_even), *_ARITHMETIC),
    (
        "included rates, each as if it stood alone",
        _set(taxes._Plan, "__attrs_post_init__", only_the_first_rate),
        *_ARITHMETIC,
    ),
    (
        "the last line takes the rest of a discount",
        _set(discounts, "apportion_minor", last_takes_the_rest),
        *_ARITHMETIC,
    ),
    (
        "each line's part of a discount is rounded by itself",
        _set(discounts, "apportion_minor", each_by_itself),
        *_ARITHMETIC,
    ),
    ("offers are not capped", _set(_charges, "amount_taken", uncapped), drafts, law_of_totals),
    ("floors are ignored", _set(_lots, "apportion_capped", without_room), drafts, law_of_floors),
    (
        "undiscountable goods are discounted",
        _set(_lots, "_lowest", no_floor),
        drafts,
        law_of_floors,
    ),
    (
        "the last line takes the rest of a charge",
        _set(_charges, "apportion_minor", last_takes_the_rest),
        drafts,
        law_of_spreading,
    ),
    (
        "each line's part of a charge is rounded by itself",
        _set(_charges, "apportion_minor", each_by_itself),
        drafts,
        law_of_spreading,
    ),
    (
        "a negative amount is divided another way",
        _set(_charges, "apportion_minor", down_for_debts),
        drafts,
        law_of_mirrored_adjustments,
    ),
    (
        "a group's tax is rounded line by line",
        _set(taxes, "apportion_minor", each_by_itself),
        drafts,
        law_of_groups,
    ),
    (
        "a charge is not in the total",
        _set(PricedOrder, "parts", property(lambda order: order.lines)),
        drafts,
        law_of_totals,
    ),
    (
        "the explanation forgets a tax on top",
        _set(PricedLine, "gross", property(lambda one: one.charged)),
        drafts,
        law_of_explaining,
    ),
]


@pytest.mark.parametrize(
    ("plant", "cases", "law"), [bug[1:] for bug in PLANTED], ids=[bug[0] for bug in PLANTED]
)
def test_a_law_notices(
    plant: Plant,
    cases: Callable[[], Any],
    law: Callable[[Draft], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The law falls with the bug in place; without it, tests/laws says that it holds."""
    plant(monkeypatch)
    assert is_caught(law, cases())


def test_what_a_floor_leaves_is_given_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losing it is noticed: the parts no longer sum to what was to be taken."""
    total, weights, room = 300, (500, 500), (500, 100)
    assert sum(discounts.apportion_capped(total, weights, room)) == total
    monkeypatch.setattr(discounts, "apportion_capped", rest_is_lost)
    assert sum(discounts.apportion_capped(total, weights, room)) != total


# --- slots ---


def of_parts(order: PricedOrder, name: LineId, divide: Callable[[int, int], int]) -> Named:
    """All figures of a line, each divided by itself."""
    source = order.line(name)
    return {
        label: divide(minor, source.quantity) for label, minor in totals_of(order, source).items()
    }


def rounded_units(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """Each unit is rounded half up by itself."""
    return of_parts(order, name, lambda minor, of: follow(minor, 1, of) * len(slots))


def cut_off(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """The weighted share of the units, digits cut off."""
    return of_parts(order, name, lambda minor, of: minor * len(slots) // of)


def own_cursor(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """Cancelled and captured units are counted from zero, each with a cursor of its own."""
    return named_figures(order, name, SlotSet.of(0, len(slots)))


def always_last(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """Every piece takes the rest, as if it were the last one."""
    of = order.line(name).quantity
    return named_figures(order, name, SlotSet.of(of - len(slots), of))


def shared_apart(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """Every figure is shared by units for itself, and none follows another."""
    return of_parts(
        order,
        name,
        lambda minor, of: sum(share_minor(minor, of, start, stop) for start, stop in slots.spans),
    )


def tax_shared_apart(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """The goods follow their discounts, but the taxes are shared by units."""
    found, apart = named_figures(order, name, slots), shared_apart(order, name, slots)
    tax = 0
    for label in found:
        if label.startswith("tax "):
            found[label] = apart[label]
            tax += apart[label]
    if order.line(name).tax_included:
        found["net"] = found["gross"] - tax
    else:
        found["gross"] = found["net"] + tax
    return found


def from_a_rate(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """The tax of some units is computed anew, from the rate."""
    found, source = named_figures(order, name, slots), order.line(name)
    whole = 1 + sum((tax.rate for tax in source.taxes), Fraction(0))
    for tax in source.taxes:
        rate = tax.rate / whole if source.tax_included else tax.rate
        found[f"tax {tax.code}"] = round(found["goods"] * rate)
    return found


def discounts_shared(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """Discounts are shared by units, and do not follow the amount they are taken off."""
    found, apart = named_figures(order, name, slots), shared_apart(order, name, slots)
    goods = found["list"]
    for label in found:
        if label.startswith("discount"):
            found[label] = apart[label]
            goods -= apart[label]
    found["goods"] = goods
    return found


def second_tax_takes_the_rest(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """Two taxes are shared as one sum, and the second gets what the first leaves."""
    found = named_figures(order, name, slots)
    labels = [label for label in found if label.startswith("tax ")]
    if len(labels) == 2:
        source = order.line(name)
        both = sum(tax.amount.minor for tax in source.taxes)
        part = sum(
            follow(both, stop, source.quantity) - follow(both, start, source.quantity)
            for start, stop in slots.spans
        )
        found[labels[0]] = part // 2
        found[labels[1]] = part - part // 2
    return found


def whole_units(order: PricedOrder, name: LineId, slots: SlotSet, *, odd_cents_at: int) -> Named:
    """Every unit is cut off, and one slot has all the odd cents of the line."""
    of = order.line(name).quantity
    has_them = odd_cents_at % of in slots
    return of_parts(
        order, name, lambda minor, of: minor // of * len(slots) + (minor % of if has_them else 0)
    )


def odd_cents_at_the_last(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """The last slot takes the rest."""
    return whole_units(order, name, slots, odd_cents_at=-1)


def odd_cents_at_the_first(order: PricedOrder, name: LineId, slots: SlotSet) -> Named:
    """The first slot, and so the first refund, gets the odd cents."""
    return whole_units(order, name, slots, odd_cents_at=0)


WRONG_FIGURES: list[Figure] = [
    odd_cents_at_the_first,
    odd_cents_at_the_last,
    rounded_units,
    cut_off,
    own_cursor,
    always_last,
    shared_apart,
    tax_shared_apart,
    from_a_rate,
    discounts_shared,
    second_tax_takes_the_rest,
]


def falls(figure: Figure) -> bool:
    """Whether a law of slots falls somewhere in the small worlds."""
    try:
        law_of_small_worlds(small_orders(), figure)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("figure", WRONG_FIGURES)
def test_the_small_worlds_notice(figure: Figure) -> None:
    """A wrong way to divide a line falls in a world of four units."""
    assert falls(figure)


def test_the_right_figures_do_not_fall() -> None:
    """What is noticed is the bug, not the judge."""
    assert not falls(named_figures)


def charges_from_the_list(
    line: PricedLine, borne: Sequence[tuple[PricedCharge, ChargeShare]], upto: int
) -> list[int]:
    """What is charged follows, but the first running amount is cut off instead of rounded."""
    amounts = _running(line, borne, upto)
    amounts[0] = line.list_amount.minor * upto // line.quantity
    return amounts


_running = figures._running  # pyright: ignore[reportPrivateUsage] - it is to be exchanged


def test_a_list_amount_out_of_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The discounts are differences: one running amount out of step makes them negative."""
    monkeypatch.setattr(figures, "_running", charges_from_the_list)
    assert falls(named_figures)


def test_a_sum_that_forgets_a_name_is_no_sum() -> None:
    """The judge's own adding up is judged too."""
    assert summed([{"a": 1}, {"a": 2, "b": 3}]) == {"a": 3, "b": 3}
