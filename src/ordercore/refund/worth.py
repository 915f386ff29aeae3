"""
What slots are still worth after credits: the slots' figures less what was taken off them.

A credit in full takes all that is left of its slots, so these are never looked at again. What
only *adjusts* slots (a price reduction, a promotion taken back, a charge on its own) is one more
running amount that follows the one before it, as a discount does (RULES M-7); so whatever comes
back later, and in whatever order, the sum is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from attrs import Factory, define

from ordercore.ids import LineId
from ordercore.money import Money, follow, sum_money
from ordercore.pricing.figures import amount_keys, amounts_upto, line_figures
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import NO_SLOTS, InvalidSlotsError, SlotSet
from ordercore.refund.model import Credit, CreditPart

__all__ = ["PROMOTION", "Key", "Worth", "credited_slots", "slots_in_full"]

PROMOTION: Final = "promotion "
"""With what the rule of a part begins that takes a promotion back; its code follows."""

Key: TypeAlias = tuple[str, str]
"""Charge (or nothing) and tax code (or nothing), see `amount_keys`."""


def credited_slots(earlier: Iterable[Credit]) -> dict[LineId, SlotSet]:
    """The slots of each line that are credited in full."""
    return slots_in_full(part for credit in earlier for part in credit.parts)


def slots_in_full(parts: Iterable[CreditPart]) -> dict[LineId, SlotSet]:
    """The slots of each line that these parts credit in full."""
    sets: dict[LineId, list[SlotSet]] = {}
    for part in parts:
        if part.component == "goods" and not part.adjusts and part.line is not None:
            sets.setdefault(part.line, []).append(part.slots)
    return {line: SlotSet.union(slots) for line, slots in sets.items()}


@define
class Worth:
    """
    What the slots of an order are worth after its credits.

    Args:
        priced: What was charged.
        credited: The slots of each line that are credited in full.
    """

    priced: PricedOrder
    credited: dict[LineId, SlotSet] = Factory(dict[LineId, SlotSet])
    _given: dict[tuple[LineId, str], SlotSet] = Factory(dict[tuple[LineId, str], SlotSet])
    """The slots that have given back what they bear of a charge, by line and charge."""
    _adjusted: dict[LineId, list[CreditPart]] = Factory(dict[LineId, list[CreditPart]])

    @classmethod
    def after(
        cls,
        priced: PricedOrder,
        earlier: Sequence[Credit],
        credited: Mapping[LineId, SlotSet] | None = None,
    ) -> Worth:
        """The worth after *earlier* credits; *credited* saves gathering it from them."""
        known = credited_slots(earlier) if credited is None else dict(credited)
        worth = cls(priced, known)
        given: dict[tuple[LineId, str], list[SlotSet]] = {}
        for credit in earlier:
            for part in credit.parts:
                worth._sort_in(part, given)
        worth._given = {key: SlotSet.union(slots) for key, slots in given.items()}
        return worth

    def add(self, parts: Iterable[CreditPart]) -> None:
        """Count parts of a new credit."""
        given: dict[tuple[LineId, str], list[SlotSet]] = {}
        for part in parts:
            self._sort_in(part, given)
            if part.component == "goods" and not part.adjusts and part.line is not None:
                self.credited[part.line] = self.credited.get(part.line, NO_SLOTS) | part.slots
        for key, slots in given.items():
            self._given[key] = SlotSet.union([self._given.get(key, NO_SLOTS), *slots])

    def _sort_in(self, part: CreditPart, given: dict[tuple[LineId, str], list[SlotSet]]) -> None:
        if part.line is None or not part.slots:
            return
        if part.adjusts:
            self._adjusted.setdefault(part.line, []).append(part)
        elif part.charge:
            given.setdefault((part.line, part.charge), []).append(part.slots)

    def open_of(self, line: LineId, charge: str = "") -> SlotSet:
        """The slots of a line that are not credited yet, or that still bear this charge."""
        return self._still(line, charge, self.priced.line(line).slots)

    def _still(self, line: LineId, charge: str, slots: SlotSet) -> SlotSet:
        """Those of the slots that are not credited yet, or that still bear this charge."""
        gone = self._given.get((line, charge)) if charge else self.credited.get(line)
        return slots - gone if gone else slots

    def left(self, line: LineId, slots: SlotSet) -> dict[Key, int]:
        """
        What is left of each amount of these slots, in minor units.

        Raises:
            UnknownLineError: The order has no such line.
            InvalidSlotsError: The line has not so many slots.
        """
        keys = amount_keys(self.priced, line)
        adjusted = self._adjusted.get(line, [])
        still = {charge: self._still(line, charge, slots) for charge, _ in keys}
        points, table = self._table(line, [*still.values(), *[part.slots for part in adjusted]])
        place_of = {point: place for place, point in enumerate(points)}
        result: dict[Key, int] = {}
        for column, key in enumerate(keys):
            amounts = [row[column] for row in table]
            for _, taken in self._taken(adjusted, key, points, amounts):
                amounts = [amount - off for amount, off in zip(amounts, taken, strict=True)]
            result[key] = _over(still[key[0]], place_of, amounts)
        return result

    def taken(self, line: LineId, slots: SlotSet, rule: str) -> int:
        """How much adjustments by this rule have taken off these slots, in minor units."""
        adjusted = self._adjusted.get(line, [])
        points, table = self._table(line, [slots, *[part.slots for part in adjusted]])
        place_of = {point: place for place, point in enumerate(points)}
        total = 0
        for column, key in enumerate(amount_keys(self.priced, line)):
            amounts = [row[column] for row in table]
            for part, off in self._taken(adjusted, key, points, amounts):
                if part.rule == rule:
                    total += _over(slots, place_of, off)
        return total

    def _table(self, line: LineId, sets: Iterable[SlotSet]) -> tuple[list[int], list[list[int]]]:
        """All ends of all spans, sorted, and the running amounts of the line up to each."""
        points = sorted({end for slots in sets for span in slots.spans for end in span})
        if points and points[-1] > self.priced.line(line).quantity:
            raise InvalidSlotsError(f"line {line} has not so many slots")
        return points, [amounts_upto(self.priced, line, point) for point in points]

    def _taken(
        self, parts: Iterable[CreditPart], key: Key, points: Sequence[int], amounts: Sequence[int]
    ) -> Iterator[tuple[CreditPart, list[int]]]:
        """What each part of this key takes up to each point, given what the earlier ones left."""
        for part in parts:
            if part.key == key:
                off = _off(part, points, amounts, self._given_by(part, points))
                amounts = [amount - taken for amount, taken in zip(amounts, off, strict=True)]
                yield part, off

    def _given_by(self, part: CreditPart, points: Sequence[int]) -> list[int] | None:
        """What the promotion that a part takes back gave up to each point; None for others."""
        code = part.rule.removeprefix(PROMOTION)
        if code == part.rule or part.line is None:
            return None
        upto = (line_figures(self.priced, part.line, SlotSet.of(0, point)) for point in points)
        return [
            sum(amount.minor for found, amount in one.discounts if found == code) for one in upto
        ]

    def value(self, line: LineId, slots: SlotSet) -> Money:
        """What these slots are still worth, with tax and charges."""
        return Money(sum(self.left(line, slots).values()), self.priced.currency)

    def total(self, slots_of: Mapping[LineId, SlotSet]) -> Money:
        """What these slots of several lines are still worth."""
        values = [self.value(line, slots) for line, slots in slots_of.items()]
        return sum_money(values, self.priced.currency)


def _over(slots: SlotSet, place_of: Mapping[int, int], amounts: Sequence[int]) -> int:
    """The part of a running amount that belongs to *slots*, whose ends are points."""
    return sum(amounts[place_of[stop]] - amounts[place_of[start]] for start, stop in slots.spans)


def _off(
    part: CreditPart, points: Sequence[int], amounts: Sequence[int], given: Sequence[int] | None
) -> list[int]:
    """
    What *part* takes off its slots, up to each point.

    What is left follows what was there, as with a discount; a promotion is taken back where it was
    *given*. Slots that were worth nothing, or were given nothing, share equally.
    """
    along = amounts if given is None else given
    base, count = [0], [0]
    starts = _starts(part.slots, points)
    for place, (start, stop) in enumerate(pairwise(points)):
        inside = place in starts
        base.append(base[-1] + (along[place + 1] - along[place] if inside else 0))
        count.append(count[-1] + (stop - start if inside else 0))
    minor = part.amount.minor
    if base[-1] == 0:
        return [follow(minor, upto, count[-1]) for upto in count]
    if given is not None:
        return [follow(minor, upto, base[-1]) for upto in base]
    left = base[-1] - minor
    return [upto - follow(left, upto, base[-1]) for upto in base]


def _starts(slots: SlotSet, points: Sequence[int]) -> set[int]:
    """The places of the points where a stretch inside *slots* begins."""
    place_of = {point: place for place, point in enumerate(points)}
    return {
        place for start, stop in slots.spans for place in range(place_of[start], place_of[stop])
    }
