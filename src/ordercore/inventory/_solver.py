"""
Which sites to open so that everything is served at least cost: exact, by branch and bound.

The problem is facility location with several goods. ``need[i]`` units of good ``i`` are wanted;
site ``s`` can give ``give[s][i]`` of them for ``unit[s][i]`` each, once it is opened for
``fixed[s]``. Given the open sites, each good is served from the cheapest first; so the search is
over sets of sites only.

The lower bound is Lagrangian: every good pays a price ``v[i]`` per unit, and a site is worth
opening when the prices exceed its costs. For any prices,
``Σ need·v + Σ min(0, fixed + Σ min(0, unit - v)·give)`` is at most the cost of the best plan, so
rounding of the prices never makes it wrong. All figures are integers.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from attrs import define, field, frozen

__all__ = ["Found", "Sites", "cheapest_sites"]

SCALE: Final = 256
"""How fine prices are, in parts of a unit of cost."""
SMALL: Final = 20_000
"""Up to how many offers plans are polished by hand."""
ROOT_STEPS: Final = 300
NODE_STEPS: Final = 30
UNDECIDED, OPEN, CLOSED = 0, 1, 2


@frozen(kw_only=True)
class Sites:
    """
    The problem: what is needed, and what each site can give at which cost.

    ``give[s]`` maps goods to units (at least 1, at most needed), ``unit[s]`` to the cost of one.
    """

    need: tuple[int, ...]
    give: tuple[Mapping[int, int], ...]
    unit: tuple[Mapping[int, int], ...]
    fixed: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many offers there are: one per site and good that it has."""
        return sum(len(offers) for offers in self.give)


@frozen(kw_only=True)
class Found:
    """
    The sites to open and their cost. ``bound``: no plan can cost less. ``steps``: work done.

    The plan is optimal when cost and bound are equal.
    """

    sites: tuple[int, ...]
    cost: int
    bound: int
    steps: int = 0


@frozen(order=True)
class _Node:
    """A part of the search: some sites are decided; ``bound`` holds for all plans in it."""

    bound: int
    number: int
    state: tuple[int, ...] = field(order=False)
    prices: tuple[int, ...] = field(order=False)


@frozen
class _Relaxed:
    """The best bound that was seen, its prices, and how often each site was worth opening."""

    bound: int
    prices: tuple[int, ...]
    reduced: tuple[int, ...]
    often: tuple[int, ...]


def _by_site(sites: Sites) -> list[list[tuple[int, int, int]]]:
    return [
        [(good, sites.unit[site][good] * SCALE, give) for good, give in sorted(offers.items())]
        for site, offers in enumerate(sites.give)
    ]


def _by_good(sites: Sites) -> list[list[tuple[int, int, int]]]:
    found: list[list[tuple[int, int, int]]] = [[] for _ in sites.need]
    for site, offers in enumerate(sites.give):
        for good, give in offers.items():
            found[good].append((sites.unit[site][good], site, give))
    return [sorted(offers) for offers in found]


@define
class _Search:
    """The best plan so far, and the problem in the two orders in which it is read."""

    sites: Sites
    budget: int
    best: tuple[int, ...] = ()
    cost: int = 0
    steps: int = 0
    offers: list[list[tuple[int, int, int]]] = field(factory=list[list[tuple[int, int, int]]])
    goods: list[list[tuple[int, int, int]]] = field(factory=list[list[tuple[int, int, int]]])

    def __attrs_post_init__(self) -> None:
        self.offers, self.goods = _by_site(self.sites), _by_good(self.sites)

    def cost_of(self, opened: frozenset[int]) -> int | None:
        """What it costs to serve everything from these sites; None when they cannot."""
        total = sum(self.sites.fixed[site] for site in opened)
        for need, offers in zip(self.sites.need, self.goods, strict=True):
            for unit, site, give in offers:
                if site in opened:
                    taken = min(need, give)
                    total += taken * unit
                    need -= taken
                    if not need:
                        break
            if need:
                return None
        return total

    def offer(self, opened: Iterable[int]) -> None:
        """Take the plan with these sites if it is the best so far, less what it can do without."""
        plan = frozenset(opened)
        cost = self.cost_of(plan)
        if cost is None:
            return
        if self.sites.size <= SMALL:
            for site in sorted(plan, key=lambda at: (-self.sites.fixed[at], at)):
                less = self.cost_of(plan - {site})
                if less is not None and less <= cost:
                    plan, cost = plan - {site}, less
        if not self.best or cost < self.cost:
            self.best, self.cost = tuple(sorted(plan)), cost

    def reduced(self, prices: Sequence[int], alive: Sequence[int]) -> list[int]:
        """What opening each living site costs, less what it earns at these prices."""
        worth = [0] * len(self.offers)
        for site in alive:
            total = self.sites.fixed[site] * SCALE
            for good, unit, give in self.offers[site]:
                gain = unit - prices[good]
                if gain < 0:
                    total += gain * give
            worth[site] = total
        return worth

    def relax(self, node: _Node, steps: int) -> _Relaxed:
        """Raise the bound of a node by better prices: subgradient steps that halve when stuck."""
        sites, state = self.sites, node.state
        prices, best = list(node.prices), _Relaxed(-1, node.prices, (), ())
        alive = [site for site, what in enumerate(state) if what != CLOSED]
        often = [0] * len(state)
        stuck, part = 0, 2 * SCALE
        for _ in range(min(steps, max(1, self.budget - self.steps))):
            self.steps += 1
            worth = self.reduced(prices, alive)
            bound = sum(need * price for need, price in zip(sites.need, prices, strict=True))
            chosen: list[int] = []
            for site in alive:
                if worth[site] < 0 or state[site] == OPEN:
                    bound += worth[site]
                    chosen.append(site)
                    often[site] += 1
            if bound > best.bound:
                best, stuck = _Relaxed(bound, tuple(prices), tuple(worth), ()), 0
            else:
                stuck += 1
            if stuck > 6:
                part, stuck = part // 2, 0
            if _rounded_up(best.bound) >= self.cost or not part:
                break
            if not self._step(prices, chosen, bound=bound, part=part):
                self.offer(chosen)
                break
        return _Relaxed(best.bound, best.prices, best.reduced, tuple(often))

    def _step(self, prices: list[int], chosen: list[int], *, bound: int, part: int) -> bool:
        """Move the prices towards what is missing; False when nothing is missing or too much."""
        missing = list(self.sites.need)
        for site in chosen:
            for good, unit, give in self.offers[site]:
                if unit < prices[good]:
                    missing[good] -= give
        square = sum(gap * gap for gap in missing)
        if not square:
            return False
        ahead = max(self.cost * SCALE - bound, SCALE)
        for good, gap in enumerate(missing):
            prices[good] = max(0, prices[good] + part * ahead * gap // (SCALE * square))
        return True


def _rounded_up(bound: int) -> int:
    return -(-bound // SCALE)


def cheapest_sites(sites: Sites, *, effort: int) -> Found:
    """
    The cheapest set of sites that serves every need, and a bound that proves it.

    Best-first branch and bound: the part of the search with the lowest bound is split next, so
    the bound of the whole is always known. When the effort is spent it stops with the best plan.

    Args:
        sites: The problem; all sites together must be able to serve every need.
        effort: How many offers (a site's of a good) may be looked at, in thousands.

    Source:
        RULES I-7.
    """
    search = _Search(sites, 1 + effort * 1000 // max(1, sites.size))
    search.offer(range(len(sites.fixed)))
    search.offer(_greedy(sites))
    heap = [_Node(0, 0, (UNDECIDED,) * len(sites.fixed), tuple(_first_prices(sites)))]
    number = 0
    while heap and heap[0].bound < search.cost and (search.steps < search.budget or not number):
        node = heapq.heappop(heap)
        for child in _split(search, node, steps=NODE_STEPS if number else ROOT_STEPS):
            number += 1
            heapq.heappush(heap, _Node(child.bound, number, child.state, child.prices))
        number += 1
    bound = min([search.cost, *(node.bound for node in heap[:1])])
    return Found(sites=search.best, cost=search.cost, bound=bound, steps=search.steps)


def _split(search: _Search, node: _Node, *, steps: int) -> Iterable[_Node]:
    """The parts of a node that can still hold a better plan: none, itself decided, or two."""
    relaxed = search.relax(node, steps)
    search.offer(_repaired(search.sites, node.state, relaxed))
    bound = max(node.bound, _rounded_up(relaxed.bound))
    state = _fixed(search, node.state, relaxed)
    if bound >= search.cost or state is None:
        return ()
    open_sites = [site for site, what in enumerate(state) if what == UNDECIDED]
    if not open_sites:
        search.offer(site for site, what in enumerate(state) if what == OPEN)
        return ()
    most = max(relaxed.often) or 1
    at = min(open_sites, key=lambda site: (abs(2 * relaxed.often[site] - most), site))
    return tuple(
        _Node(bound, 0, child, relaxed.prices)
        for what in (OPEN, CLOSED)
        if _can_serve(search.sites, child := (*state[:at], what, *state[at + 1 :]))
    )


def _fixed(search: _Search, state: tuple[int, ...], relaxed: _Relaxed) -> tuple[int, ...] | None:
    """Sites whose other choice would cost more than the best plan are decided at once."""
    decided = list(state)
    for site, total in enumerate(relaxed.reduced):
        if state[site] == UNDECIDED and _rounded_up(relaxed.bound + abs(total)) >= search.cost:
            decided[site] = CLOSED if total > 0 else OPEN
    result = tuple(decided)
    return result if _can_serve(search.sites, result) else None


def _can_serve(sites: Sites, state: Sequence[int]) -> bool:
    """Whether the sites that are not closed can serve every need."""
    missing = list(sites.need)
    for site, what in enumerate(state):
        if what != CLOSED:
            for good, give in sites.give[site].items():
                missing[good] -= give
    return all(gap <= 0 for gap in missing)


def _first_prices(sites: Sites) -> Iterable[int]:
    """For each good, the middling cost of a unit with its part of the site's own cost."""
    for good in range(len(sites.need)):
        offers = sorted(
            sites.unit[site][good] * SCALE
            + sites.fixed[site] * SCALE // max(1, sum(sites.give[site].values()))
            for site, give in enumerate(sites.give)
            if good in give
        )
        yield offers[0] if offers else 0


def _greedy(sites: Sites, begun: Iterable[int] = ()) -> list[int]:
    """Sites until everything is served: always the one that serves a unit at least cost."""
    opened, missing = list(begun), list(sites.need)
    for site in opened:
        _serve(sites, site, missing)
    # What a site can add only shrinks, so an old price is a bound: look again only at the first.
    queue = [(Fraction(0), site) for site in range(len(sites.fixed)) if site not in opened]
    while queue and any(missing):
        _, site = heapq.heappop(queue)
        price = _price(sites, site, missing)
        if price is None:
            continue
        if queue and (price, site) > queue[0]:
            heapq.heappush(queue, (price, site))
        else:
            opened.append(site)
            _serve(sites, site, missing)
    return opened


def _price(sites: Sites, site: int, missing: Sequence[int]) -> Fraction | None:
    """What a unit costs that this site would add; None when it adds none."""
    count, cost = 0, sites.fixed[site]
    for good, give in sites.give[site].items():
        taken = min(missing[good], give)
        count += taken
        cost += taken * sites.unit[site][good]
    return Fraction(cost, count) if count else None


def _serve(sites: Sites, site: int, missing: list[int]) -> None:
    for good, give in sites.give[site].items():
        missing[good] = max(0, missing[good] - give)


def _repaired(sites: Sites, state: Sequence[int], relaxed: _Relaxed) -> list[int]:
    """The sites worth opening at the best prices, and as many more as are needed."""
    chosen = [
        site
        for site, total in enumerate(relaxed.reduced)
        if state[site] == OPEN or (total < 0 and state[site] == UNDECIDED)
    ]
    return _greedy(sites, chosen)
