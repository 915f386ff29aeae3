"""
Slots: the n units of a line keep the places 0..n-1 for life (RULES M-7).

`SlotSet` is a set of such places, kept as sorted half-open spans, so that a line of ten thousand
units costs no more than a line of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError

__all__ = ["NO_SLOTS", "InvalidSlotsError", "SlotSet"]


MOST_SLOTS: Final = 10**12
"""As many as a line has units at most."""


@define
class InvalidSlotsError(InvalidValueError):
    """The spans are no set of slots."""

    sentence = "These slots cannot be used: {problem}."
    problem: str


def _checked(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    try:
        result = tuple((start, stop) for start, stop in spans)
    except (TypeError, ValueError):
        raise InvalidSlotsError("spans are pairs: the first slot, and the one after") from None
    last = -1
    for start, stop in result:
        if type(start) is not int or type(stop) is not int or not last < start < stop:
            raise InvalidSlotsError("spans must be sorted, apart, not empty and not negative")
        last = stop
    if last > MOST_SLOTS:
        raise InvalidSlotsError(f"a line has at most {MOST_SLOTS} of them")
    return result


@frozen
class SlotSet:
    """
    A set of slots of one line, as sorted half-open spans that do not touch.

    >>> SlotSet.of(0, 5) - SlotSet.of(1, 3)
    SlotSet(spans=((0, 1), (3, 5)))
    """

    spans: tuple[tuple[int, int], ...] = field(default=(), converter=_checked)

    @classmethod
    def of(cls, start: int, stop: int) -> SlotSet:
        """The slots from *start* up to, not including, *stop*."""
        if type(start) is int and type(stop) is int and 0 <= start and stop <= MOST_SLOTS:
            return _made(((start, stop),)) if start < stop else NO_SLOTS
        return cls(((start, stop),))

    @classmethod
    def from_slots(cls, slots: Iterable[int]) -> SlotSet:
        """The set of these single slots, in any order."""
        if not isinstance(cast("object", slots), Iterable):
            raise InvalidSlotsError("they must be several")
        found = tuple(slots)
        if not set(map(type, found)) <= {int}:
            raise InvalidSlotsError("each must be an int")
        return cls(_joined((slot, slot + 1) for slot in found))

    @classmethod
    def union(cls, sets: Iterable[SlotSet]) -> SlotSet:
        """All slots of all sets, joined at once."""
        return _made(_joined(span for slots in sets for span in slots.spans))

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __iter__(self) -> Iterator[int]:
        for start, stop in self.spans:
            yield from range(start, stop)

    def __contains__(self, slot: object) -> bool:
        return isinstance(slot, int) and any(start <= slot < stop for start, stop in self.spans)

    def __or__(self, other: SlotSet) -> SlotSet:
        if not other.spans:
            return self
        return _made(_joined((*self.spans, *other.spans))) if self.spans else other

    def __sub__(self, other: SlotSet) -> SlotSet:
        if not (self.spans and other.spans):
            return self
        return _made(_without(self.spans, other.spans))

    def __and__(self, other: SlotSet) -> SlotSet:
        if not (self.spans and other.spans):
            return NO_SLOTS
        return _made(_common(self.spans, other.spans))

    def __le__(self, other: SlotSet) -> bool:
        return not _without(self.spans, other.spans)

    def lowest(self, count: int) -> SlotSet:
        """The *count* lowest slots (all of them, when there are fewer)."""
        taken: list[tuple[int, int]] = []
        for start, stop in self.spans:
            if count <= 0:
                break
            taken.append((start, min(stop, start + count)))
            count -= stop - start
        return _made(tuple(taken))

    def highest(self, count: int) -> SlotSet:
        """The *count* highest slots (all of them, when there are fewer)."""
        return self - self.lowest(max(len(self) - count, 0))


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    result: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        else:
            result.append((start, stop))
    return tuple(result)


def _without(
    spans: tuple[tuple[int, int], ...], gone: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """What is left of *spans*; both are sorted, so that each is walked through once."""
    result: list[tuple[int, int]] = []
    cut: int = 0
    for start, stop in spans:
        while cut < len(gone) and gone[cut][1] <= start:
            cut += 1
        place: int = cut
        begin: int = start
        while place < len(gone) and gone[place][0] < stop:
            if begin < gone[place][0]:
                result.append((begin, gone[place][0]))
            begin = gone[place][1]
            place += 1
        if begin < stop:
            result.append((begin, stop))
        cut = max(cut, place - 1)
    return tuple(result)


def _common(
    spans: tuple[tuple[int, int], ...], others: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """What is in both; whoever ends first makes room for its next span."""
    result: list[tuple[int, int]] = []
    place = other = 0
    while place < len(spans) and other < len(others):
        start = max(spans[place][0], others[other][0])
        stop = min(spans[place][1], others[other][1])
        if start < stop:
            result.append((start, stop))
        if spans[place][1] <= others[other][1]:
            place += 1
        else:
            other += 1
    return tuple(result)


def _made(spans: tuple[tuple[int, int], ...]) -> SlotSet:
    """A set of spans that are known to be sorted and apart, without checking them again."""
    if not spans:
        return NO_SLOTS
    slots = object.__new__(SlotSet)
    object.__setattr__(slots, "spans", spans)
    return slots


NO_SLOTS: Final = SlotSet()
