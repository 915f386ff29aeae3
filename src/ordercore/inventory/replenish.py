"""
When to order again, and how much (RULES I-10). An optional room: nothing else asks it.

Demand is a mean and a spread; the normal distribution says how much more to keep for a service
level. Statistics may use floats; every result is a whole number of units or days.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum, unique
from fractions import Fraction
from statistics import NormalDist
from typing import cast

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.inventory._checks import limit, units
from ordercore.inventory.model import Counters, StockPlace
from ordercore.money import checked_quantity

__all__ = [
    "Advice",
    "Demand",
    "InvalidDemandError",
    "Level",
    "ReplenishRule",
    "advise",
    "days_of_cover",
    "demand_of",
    "economic_order_quantity",
    "order_up_to",
    "position",
    "reorder_point",
    "safety_stock",
]


@define
class InvalidDemandError(InvalidValueError):
    """Statistics from which nothing can be planned."""

    sentence = "This demand cannot be planned with: {problem}."
    problem: str


def _figure(value: Fraction | int) -> Fraction:
    """A converter: a whole number or fraction of zero or more; no float."""
    if type(cast("object", value)) not in {int, Fraction}:
        raise InvalidDemandError("figures must be ints or Fractions")
    if not 0 <= value <= 10**12:
        raise InvalidDemandError("figures must lie between 0 and 10^12")
    return Fraction(value)


def _level(value: Fraction) -> Fraction:
    """A converter: a probability that can be kept, below one."""
    if type(cast("object", value)) is not Fraction or not 0 < value < 1:
        raise InvalidDemandError("a service level must be a Fraction between 0 and 1")
    return value


def _root(value: Fraction) -> Fraction:
    """The square root, to a millionth, rounded down."""
    return Fraction(math.isqrt(math.floor(value * 10**12)), 10**6)


@frozen(kw_only=True)
class Demand:
    """Units per day: the mean and the standard deviation of single days."""

    mean: Fraction = field(converter=_figure)
    deviation: Fraction = field(default=Fraction(0), converter=_figure)


@frozen(kw_only=True)
class ReplenishRule:
    """
    How a place is supplied.

    Args:
        lead_days: From the order to its arrival, the mean, and ``lead_deviation`` its spread.
        review_days: How often orders are made; 0: whenever needed.
        service_level: How probable it shall be that nobody waits until the arrival.
        pack: Orders are whole packs of so many units.
        least: The smallest order.
        overstock_days: Cover for longer than this is too much; None: nothing is.
    """

    lead_days: Fraction = field(converter=_figure)
    lead_deviation: Fraction = field(default=Fraction(0), converter=_figure)
    review_days: Fraction = field(default=Fraction(0), converter=_figure)
    service_level: Fraction = field(default=Fraction(95, 100), converter=_level)
    pack: int = field(default=1, validator=units)
    least: int = field(default=1, validator=units)
    overstock_days: int | None = field(default=None, validator=limit)


@unique
class Level(StrEnum):
    """How the stock of a place is."""

    LOW = "low"
    ENOUGH = "enough"
    OVER = "over"


@frozen(kw_only=True)
class Advice:
    """What to do about one place: its level, its position, and how many units to order."""

    place: StockPlace
    level: Level
    position: int
    order: int
    days_of_cover: int | None


def demand_of(history: Sequence[int]) -> Demand:
    """
    The demand that days of sales show: mean and sample standard deviation.

    Raises:
        InvalidDemandError: No day, or a day of less than zero units.

    Source:
        RULES I-10.

    >>> demand_of([2, 4, 4, 6])
    Demand(mean=Fraction(4, 1), deviation=Fraction(1632993, 1000000))
    """
    days = [_figure(units_sold) for units_sold in history]
    if not days:
        raise InvalidDemandError("there must be at least one day")
    mean = sum(days, Fraction(0)) / len(days)
    squares = sum(((day - mean) ** 2 for day in days), Fraction(0))
    return Demand(mean=mean, deviation=_root(squares / max(1, len(days) - 1)))


def _kept(demand: Demand, rule: ReplenishRule, days: Fraction) -> Fraction:
    """What to keep beyond the mean demand of *days*, for the service level; never below zero."""
    spread = _root(days * demand.deviation**2 + demand.mean**2 * rule.lead_deviation**2)
    factor = Fraction(NormalDist().inv_cdf(float(rule.service_level))).limit_denominator(10**6)
    return max(Fraction(0), factor * spread)


def safety_stock(demand: Demand, rule: ReplenishRule) -> int:
    """
    Units to keep for days that sell more, and deliveries that take longer, than the mean.

    z × √(L σ² + μ² σ_L²), rounded up, with z from the service level, L the lead time, μ and σ of
    the demand.

    Source:
        RULES I-10.

    >>> rule = ReplenishRule(lead_days=9)
    >>> safety_stock(Demand(mean=10, deviation=2), rule)
    10
    """
    return math.ceil(_kept(demand, rule, rule.lead_days))


def reorder_point(demand: Demand, rule: ReplenishRule) -> int:
    """
    At which position to order: mean demand until the arrival, and the safety stock; rounded up.

    Source:
        RULES I-10.

    >>> reorder_point(Demand(mean=10, deviation=2), ReplenishRule(lead_days=9))
    100
    """
    return math.ceil(demand.mean * rule.lead_days + _kept(demand, rule, rule.lead_days))


def order_up_to(demand: Demand, rule: ReplenishRule) -> int:
    """
    To which position to order: enough until the arrival after the next review; rounded up.

    Source:
        RULES I-10.

    >>> order_up_to(Demand(mean=10, deviation=2), ReplenishRule(lead_days=9, review_days=7))
    174
    """
    days = rule.lead_days + rule.review_days
    return math.ceil(demand.mean * days + _kept(demand, rule, days))


def economic_order_quantity(
    per_year: int, *, order_cost_minor: int, holding_cost_minor: int
) -> int:
    """
    The order quantity at which ordering and keeping cost least together; at least 1 unit.

    Of the two whole numbers beside √(2 D S / H) the cheaper one, the smaller among equals.

    Args:
        per_year: Units needed in a year (D).
        order_cost_minor: What one order costs (S), in minor units.
        holding_cost_minor: What keeping one unit for a year costs (H), in minor units.

    Raises:
        InvalidQuantityError: A figure is no int, or below 1.

    Source:
        RULES I-10.

    >>> economic_order_quantity(1200, order_cost_minor=5000, holding_cost_minor=300)
    200
    """
    need = checked_quantity(per_year, "units per year")
    order = checked_quantity(order_cost_minor, "order cost")
    hold = checked_quantity(holding_cost_minor, "holding cost")
    low = max(1, math.isqrt(2 * need * order // hold))

    def cost(quantity: int) -> Fraction:
        return Fraction(need * order, quantity) + Fraction(hold * quantity, 2)

    return min((low, low + 1), key=lambda quantity: (cost(quantity), quantity))


def position(counters: Counters) -> int:
    """What is there or announced, less what is promised: may be below zero."""
    there = counters.on_hand - counters.unavailable + counters.incoming
    return there - counters.reserved - counters.queued


def days_of_cover(units_left: int, demand: Demand) -> int | None:
    """
    For how many whole days the units last at the mean demand; None when nothing is sold.

    Source:
        RULES I-10.

    >>> days_of_cover(25, Demand(mean=10))
    2
    """
    if not demand.mean:
        return None
    return max(0, math.floor(units_left / demand.mean))


def advise(
    counters: Mapping[StockPlace, Counters],
    demands: Mapping[StockPlace, Demand],
    rules: Mapping[StockPlace, ReplenishRule],
) -> tuple[Advice, ...]:
    """
    What to order, the most urgent first: low places by their cover, then the rest, over last.

    An order lifts the position to the order-up-to level, in whole packs and at least the smallest
    order. Places without a rule or demand are left out.

    Source:
        RULES I-10.
    """
    found = [
        _advice(place, row, demands[place], rules[place])
        for place, row in counters.items()
        if place in demands and place in rules
    ]
    levels = list(Level)
    return tuple(sorted(found, key=lambda one: (levels.index(one.level), _urgency(one), one.place)))


def _urgency(advice: Advice) -> int:
    return 10**15 if advice.days_of_cover is None else advice.days_of_cover


def _advice(place: StockPlace, counters: Counters, demand: Demand, rule: ReplenishRule) -> Advice:
    stands = position(counters)
    cover = days_of_cover(stands, demand)
    level, order = Level.ENOUGH, 0
    top = max(order_up_to(demand, rule), counters.safety_stock)
    if stands <= reorder_point(demand, rule) and top > stands:
        packs = -(-max(rule.least, top - stands) // rule.pack)
        level, order = Level.LOW, packs * rule.pack
    elif rule.overstock_days is not None and (cover is None or cover > rule.overstock_days):
        level = Level.OVER if stands > 0 else Level.ENOUGH
    return Advice(place=place, level=level, position=stands, order=order, days_of_cover=cover)
