"""
Which whole line goes to which site, where lines of the same item compete for the same units.

A line is served by one site or not at all. More served units are better than fewer; among equals
the cheapest assignment wins. Depth first with two bounds, all integers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from attrs import define, field, frozen

__all__ = ["Packed", "WholeLine", "pack"]

DEEPEST: Final = 200
"""With more lines than this the first plan is the answer."""


@frozen(kw_only=True)
class WholeLine:
    """
    A line of *quantity* units. ``sites`` are those where it fits, each with its pool and cost.

    A pool is what the line shares with others: the units of its item at that site.
    """

    quantity: int
    sites: tuple[tuple[int, int, int], ...]
    """Site, pool and cost of serving the whole line there, cheapest first."""


@frozen(kw_only=True)
class Packed:
    """The site of each line (None: unserved), and whether nothing better exists for certain."""

    sites: tuple[int | None, ...]
    units: int
    cost: int
    complete: bool


@define
class _Search:
    lines: Sequence[WholeLine]
    fixed: Sequence[int]
    left: list[int]
    budget: int
    order: list[int] = field(factory=list[int])
    cheapest: list[int] = field(factory=list[int])
    units_after: list[int] = field(factory=list[int])
    used: dict[int, int] = field(factory=dict[int, int])
    chosen: list[int | None] = field(factory=list["int | None"])
    best: tuple[int, int] = (0, 0)
    sites: tuple[int | None, ...] = ()

    def __attrs_post_init__(self) -> None:
        self.order = sorted(range(len(self.lines)), key=lambda at: (-self.lines[at].quantity, at))
        self.units_after, self.cheapest = [0], [0]
        for at in reversed(self.order):
            line = self.lines[at]
            units = line.quantity if line.sites else 0
            self.units_after.append(self.units_after[-1] + units)
            self.cheapest.append(self.cheapest[-1] + min((c for _, _, c in line.sites), default=0))
        self.units_after.reverse()
        self.cheapest.reverse()
        self.chosen = [None] * len(self.lines)
        self.sites = tuple(self.chosen)

    def first_fit(self) -> None:
        """Begin with a plain plan: the longest line first, each to its cheapest site."""
        left, used = list(self.left), set[int]()
        units = cost = 0
        chosen: list[int | None] = [None] * len(self.lines)
        for at in self.order:
            line = self.lines[at]
            fit = ((s, p, c) for s, p, c in line.sites if left[p] >= line.quantity)
            for site, pool, price in itertools.islice(fit, 1):
                left[pool] -= line.quantity
                chosen[at], units = site, units + line.quantity
                cost += price + (0 if site in used else self.fixed[site])
                used.add(site)
        self.best, self.sites = (units, -cost), tuple(chosen)

    def visit(self, depth: int, units: int, cost: int) -> None:
        """Try everything for the lines from *depth* on that can still beat the best."""
        if self.budget <= 0:
            return
        self.budget -= 1
        if (units, -cost) > self.best:
            self.best, self.sites = (units, -cost), tuple(self.chosen)
        if depth == len(self.order):
            return
        top = units + self.units_after[depth]
        cheap = cost + (self.cheapest[depth] if top == self.best[0] else 0)
        if (top, -cheap) <= self.best:
            return
        at = self.order[depth]
        line = self.lines[at]
        for site, pool, price in line.sites:
            if self.left[pool] >= line.quantity:
                extra = 0 if self.used.get(site) else self.fixed[site]
                self._take(at, site, pool, sign=1)
                self.visit(depth + 1, units + line.quantity, cost + price + extra)
                self._take(at, site, pool, sign=-1)
        self.visit(depth + 1, units, cost)

    def _take(self, at: int, site: int, pool: int, *, sign: int) -> None:
        self.left[pool] -= sign * self.lines[at].quantity
        self.used[site] = self.used.get(site, 0) + sign
        self.chosen[at] = site if sign > 0 else None


def pack(
    lines: Sequence[WholeLine], *, pools: Sequence[int], fixed: Sequence[int], effort: int
) -> Packed:
    """
    The best assignment of whole lines to sites.

    Args:
        lines: What is wanted; the search goes as deep as there are lines, at most 200.
        pools: How many units each pool has.
        fixed: What using each site costs once.
        effort: How many steps the search may take; then it answers with the best so far.

    Source:
        RULES I-7 (a line may not be split).
    """
    search = _Search(lines, fixed, list(pools), effort if len(lines) <= DEEPEST else 0)
    search.first_fit()
    search.visit(0, 0, 0)
    return Packed(
        sites=search.sites,
        units=search.best[0],
        cost=-search.best[1],
        complete=search.budget > 0,
    )
