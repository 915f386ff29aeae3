"""
What a search says: the lives that went wrong, and how many were judged.
"""

from __future__ import annotations

from collections import Counter

from attrs import define, field, frozen

from ordercore.testing._simulation_faults import Fault, Schedule
from ordercore.testing._simulation_shop import Setting

__all__ = ["Finding", "Tally"]


@frozen(kw_only=True)
class Finding:
    """
    A life that did not end as it must: printed with the effects that were struck.

    ``repeats``: whether it went wrong once more when it was lived from its start. Where it did
    not, something is kept from life to life, and ``problems`` are those that were seen first.
    """

    flow: str
    setting: Setting
    schedule: Schedule
    effects: tuple[str, ...]
    problems: tuple[str, ...]
    seed: int | None = None
    repeats: bool = True

    def __str__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        struck = (
            f"  effect {index} {self.effects[index]}: {fault}"
            for index, fault in self.schedule.strikes
            if index < len(self.effects)
        )
        once = (
            () if self.repeats else ("  not repeated when it was lived from its start; at first:",)
        )
        told = (f"  -> {problem}" for problem in self.problems)
        return "\n".join((f"{self.flow} ({self.setting}){seed}", *struck, *once, *told))


@define
class Tally:
    """
    How many lives were judged, and which faults struck at which kind of boundary.

    ``struck`` counts the lives in which one was to strike; ``hits`` the calls of clients, webhooks
    and workers in which it had something to strike: a webhook that was there to be served, a read
    that answers differently, a rival that tried. A call that is remembered is not counted anew.
    """

    lives: int = 0
    """Schedules judged; of `merged` ones the rest was known from an equal state."""
    merged: int = 0
    calls: int = 0
    """Calls of clients, webhooks and workers that were really made."""
    struck: Counter[tuple[str, Fault]] = field(factory=Counter[tuple[str, Fault]])
    hits: Counter[tuple[str, Fault]] = field(factory=Counter[tuple[str, Fault]])
