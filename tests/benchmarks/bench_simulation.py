"""
How many lives of orders the simulation judges a second, on one core.

First every flow with every single fault, as CI does, and then random lives with up to three faults
in all settings. Run it for the figures::

    python tests/benchmarks/bench_simulation.py

It fails when a life does harm, or when fewer than 300 lives a second are judged over all flows.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator

from ordercore.testing.simulation import FLOWS, Finding, Tally, exhaustive, seeds

WANTED = 300
"""Lives a second, over all flows."""
AT_RANDOM = 10_000


def single(tally: Tally) -> Iterator[Finding]:
    """Every flow, with every single fault."""
    for flow in FLOWS:
        before, began = tally.lives, time.process_time()
        yield from exhaustive(flow, tally=tally)
        lives, spent = tally.lives - before, time.process_time() - began
        print(f"  {flow.name:38}{lives:6,} lives{lives / spent:8,.0f} a second")


def at_random(tally: Tally) -> Iterator[Finding]:
    """Up to three faults in any flow and setting."""
    yield from seeds(AT_RANDOM, tally=tally)


def judged(name: str, lives: Callable[[Tally], Iterator[Finding]]) -> tuple[float, bool]:
    """How many lives a second of processor time, and whether one of them did harm."""
    tally, began = Tally(), time.process_time()
    found = list(lives(tally))
    spent = time.process_time() - began
    print(
        f"{name}: {tally.lives:,} lives in {spent:.1f} s, {tally.merged:,} merged, "
        f"{tally.calls:,} calls: {tally.lives / spent:,.0f} lives a second"
    )
    for harm in found:
        print(harm)
    return tally.lives / spent, bool(found)


def main() -> int:
    """Print the figures; 1 if there is harm, or if it is too slow."""
    gc.set_threshold(100_000, 50, 100)  # millions of values live on for good
    speed, harm = judged("every single fault", single)
    _, more_harm = judged("random lives", at_random)
    if speed < WANTED:
        print(f"fewer than {WANTED} lives a second")
    return int(harm or more_harm or speed < WANTED)


if __name__ == "__main__":
    sys.exit(main())
