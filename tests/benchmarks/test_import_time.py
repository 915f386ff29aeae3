"""
How long a host waits for ``import ordercore``, beside ``import attrs``.

Run it by itself for the figures: ``python tests/benchmarks/test_import_time.py``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 15
AT_MOST = 2.0
"""The lazy face may cost twice as much as attrs; measured, it costs a small part of it."""

TIMER = "import time; s = time.perf_counter_ns(); import {}; print(time.perf_counter_ns() - s)"


def once(module: str) -> float:
    """Milliseconds for one import in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", TIMER.format(module)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return int(done.stdout) / 1e6


def medians(*names: str, rounds: int) -> list[float]:
    """The median of each import, taken in turns so that a busy moment meets all of them."""
    for name in names:
        once(name)
    turns = [[once(name) for name in names] for _ in range(rounds)]
    return [statistics.median(each) for each in zip(*turns, strict=True)]


def test_the_import_is_cheap() -> None:
    """Importing the package takes no longer than a small multiple of importing attrs."""
    ours, attrs = medians("ordercore", "attrs", rounds=5)
    assert ours <= AT_MOST * attrs


def main() -> None:
    """Print the figures."""
    names = ("ordercore", "attrs", "ordercore.money", "ordercore.order")
    found = dict(zip(names, medians(*names, rounds=ROUNDS), strict=True))
    print(f"import time, median of {ROUNDS} fresh interpreters, Python {sys.version.split()[0]}")
    for name, milliseconds in found.items():
        print(f"  {name:18}{milliseconds:8.2f} ms{milliseconds / found['attrs']:8.2f} x attrs")


if __name__ == "__main__":
    main()
