"""
How long one guarded step of a state machine takes, beside two well-known libraries.

Each library lends a book and takes it back, with one guard on either step, in one process and in
turns, so that a busy moment meets all of them. What it costs to fold a fact into an order stands
beside it and is not counted. Run it for the figures, after
``pip install transitions python-statemachine``::

    python tests/benchmarks/bench_machine.py

It fails when a step of ours is not ten times as fast as one of ``transitions`` and twenty times as
fast as one of ``python-statemachine``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from attrs import frozen

from ordercore.ids import OrderId
from ordercore.machine import Conditions, Guard, StateMachine, To
from ordercore.money import EUR, Money
from ordercore.order.commands import Place
from ordercore.order.decide import decide, evolve, replay
from ordercore.order.events import OrderConfirmed
from ordercore.testing.scenario import small_order

ROUNDS = 9
STEPS = 2_000

TIMES_FASTER = {"transitions": 10, "python-statemachine": 20}

Run = Callable[[int], None]


class Book(StrEnum):
    """Where a library book is."""

    SHELVED = "shelved"
    LENT = "lent"
    SCRAPPED = "scrapped"


@frozen
class Facts:
    """What the guards look at."""

    readers: int
    damaged: bool = False


WANTED = Guard[Facts]("somebody wants it", lambda facts: facts.readers > 0)
WHOLE = Guard[Facts]("it is not damaged", lambda facts: not facts.damaged)

MACHINE: StateMachine[Book, Facts] = StateMachine(
    Book,
    initial=Book.SHELVED,
    terminal=[Book.SCRAPPED],
    table={
        Book.SHELVED: {"lend": To(Book.LENT, (WANTED,)), "scrap": Book.SCRAPPED},
        Book.LENT: {"take_back": To(Book.SHELVED, (WHOLE,))},
    },
)

STATUS: Conditions[Book, Facts] = Conditions(
    Book,
    rules=[
        (Book.SCRAPPED, Guard[Facts]("it is damaged", lambda facts: facts.damaged)),
        (Book.LENT, WANTED),
    ],
    otherwise=Book.SHELVED,
)


def ours() -> Run:
    """The next state, looked up."""

    def run(steps: int) -> None:
        facts, state = Facts(1), Book.SHELVED
        for _ in range(steps // 2):
            state = MACHINE.next(state, "lend", facts)
            state = MACHINE.next(state, "take_back", facts)
        assert state is Book.SHELVED

    return run


def our_conditions() -> Run:
    """A derived status, read off the facts."""

    def run(steps: int) -> None:
        facts = Facts(1)
        for _ in range(steps):
            assert STATUS.of(facts) is Book.LENT

    return run


def with_transitions() -> Run:
    """The same machine on a model of transitions."""
    library: Any = importlib.import_module("transitions")

    class Model:
        facts = Facts(1)

        def is_wanted(self) -> bool:
            return self.facts.readers > 0

        def is_whole(self) -> bool:
            return not self.facts.damaged

    model: Any = Model()
    machine = library.Machine(
        model, states=[str(state) for state in Book], initial="shelved", auto_transitions=False
    )
    machine.add_transition("lend", "shelved", "lent", conditions="is_wanted")
    machine.add_transition("scrap", "shelved", "scrapped")
    machine.add_transition("take_back", "lent", "shelved", conditions="is_whole")

    def run(steps: int) -> None:
        for _ in range(steps // 2):
            model.lend()
            model.take_back()
        assert model.state == "shelved"

    return run


def with_python_statemachine() -> Run:
    """The same machine as a class of python-statemachine."""
    library: Any = importlib.import_module("statemachine")
    shelved = library.State("shelved", initial=True)
    lent, scrapped = library.State("lent"), library.State("scrapped", final=True)
    facts = Facts(1)

    def is_wanted(_: object) -> bool:
        return facts.readers > 0

    def is_whole(_: object) -> bool:
        return not facts.damaged

    body: dict[str, Any] = {
        "shelved": shelved,
        "lent": lent,
        "scrapped": scrapped,
        "lend": shelved.to(lent, cond="is_wanted"),
        "scrap": shelved.to(scrapped),
        "take_back": lent.to(shelved, cond="is_whole"),
        "is_wanted": is_wanted,
        "is_whole": is_whole,
    }
    machine: Any = type(library.StateMachine)("Library", (library.StateMachine,), body)()

    def run(steps: int) -> None:
        for _ in range(steps // 2):
            machine.lend()
            machine.take_back()
        assert [state.id for state in machine.configuration] == ["shelved"]

    return run


def money() -> Run:
    """One addition of two amounts, for scale."""

    def run(steps: int) -> None:
        total, cent = Money.zero(EUR), Money(1, EUR)
        for _ in range(steps):
            total += cent
        assert total.minor == steps

    return run


def folding() -> Run:
    """One fact folded into an order: what our next state costs where it is an order's."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    placing = Place(order=OrderId("o-1"), priced=small_order().priced)
    order = replay(decide(None, placing, at))
    fact = OrderConfirmed(at=at)

    def run(steps: int) -> None:
        for _ in range(steps):
            assert evolve(order, fact).confirmed_at == at

    return run


def nanoseconds(runs: dict[str, Run]) -> dict[str, float]:
    """The median time of one step of each, taken in turns."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(STEPS // 10)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.perf_counter_ns()
            run(STEPS)
            found[name].append((time.perf_counter_ns() - began) / STEPS)
    return {name: statistics.median(times) for name, times in found.items()}


def version(name: str) -> str:
    """The version of a library that is measured."""
    return f"{name} {importlib.metadata.version(name)}"


def main() -> int:
    """Print the figures; 1 if ours is not fast enough."""
    found = nanoseconds(
        {
            "ordercore machine": ours(),
            "ordercore conditions": our_conditions(),
            "ordercore money +": money(),
            "ordercore evolve": folding(),
            "transitions": with_transitions(),
            "python-statemachine": with_python_statemachine(),
        }
    )
    ours_ns = found["ordercore machine"]
    print(f"one step, median of {ROUNDS} x {STEPS:,}, Python {sys.version.split()[0]}")
    print(f"{version('transitions')}, {version('python-statemachine')}")
    for name, took in found.items():
        print(f"  {name:24}{took:10,.0f} ns{took / ours_ns:10.1f} x")
    slow = [name for name, times in TIMES_FASTER.items() if found[name] < times * ours_ns]
    for name in slow:
        print(f"not {TIMES_FASTER[name]} times as fast as {name}")
    return bool(slow)


if __name__ == "__main__":
    sys.exit(main())
