"""
How long the optimal strategies search, and whether they prove their plan, at the promised size.

Twenty lines over fifty locations: by how many locations have an item (the share), how many units
a line wants at most, and which strategy. Each row is the same instances in every run::

    PYTHONPATH=src python tests/benchmarks/bench_sourcing.py [instances per row]

It fails when a plan is not proven optimal.
"""

from __future__ import annotations

import sys
import time
from random import Random

from ordercore.ids import ItemId, LineId, LocationId
from ordercore.inventory.model import StockPlace, WantedLine
from ordercore.inventory.sourcing import (
    FewestParcels,
    LeastCost,
    Site,
    SourcingRequest,
    Strategy,
)

LINES, LOCATIONS = 20, 50
SHARES = (0.1, 0.2, 0.4, 0.8)
MOST = (2, 10, 40)


def request(seed: str, *, share: float, most: int) -> SourcingRequest:
    """One order and the stock it meets."""
    chance = Random(seed)
    locations = [LocationId(f"l{number:02}") for number in range(LOCATIONS)]
    items = [ItemId(f"i{number:02}") for number in range(LINES)]
    return SourcingRequest(
        wanted=tuple(
            WantedLine(line=LineId(item), item=item, quantity=chance.randint(1, most))
            for item in items
        ),
        supply={
            StockPlace(item, at): chance.randint(1, most)
            for item in items
            for at in locations
            if chance.random() < share
        },
        sites={
            at: Site(parcel_minor=chance.randint(0, 900), unit_minor=chance.randint(0, 90))
            for at in locations
        },
    )


def row(strategy: Strategy, *, share: float, most: int, count: int) -> int:
    """Print one row of figures; returns how many plans were not proven."""
    times: list[float] = []
    bounded = 0
    for number in range(count):
        asked = request(f"{share}-{most}-{number}", share=share, most=most)
        began = time.process_time()
        plan = strategy.plan(asked)
        times.append(time.process_time() - began)
        bounded += plan.bounded
    name = type(strategy).__name__
    middle = sorted(times)[len(times) // 2]
    print(
        f"{name:14} {share:4.0%} have it, 1 to {most:2} units:"
        f" median {middle:6.3f} s, worst {max(times):6.3f} s, bounded {bounded} of {count}"
    )
    return bounded


def main() -> int:
    """All rows."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    bounded = sum(
        row(strategy, share=share, most=most, count=count)
        for strategy in (FewestParcels(), LeastCost())
        for share in SHARES
        for most in MOST
    )
    print(f"{bounded} plans were not proven optimal")
    return min(bounded, 1)


if __name__ == "__main__":
    raise SystemExit(main())
