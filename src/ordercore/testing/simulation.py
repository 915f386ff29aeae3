"""
The same life of an order again and again, each time with a fault at another place.

A life is a few steps of a client, served by the real engine over a store in memory and a sandbox
gateway, on a clock that only the simulation moves. Every touch of the outside is an effect
(`ordercore.service.effects`), and effects are counted: a `Schedule` names the numbers at which a
fault strikes, so that any life can be lived again exactly.

>>> [str(finding) for finding in exhaustive(NAMED["place"], depth=1)]
[]
>>> relive(NAMED["place"], Schedule(((7, Fault.CRASH_BEFORE),))) is None
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from attrs import define, evolve, field

from ordercore.testing._simulation_faults import (
    FAULTS,
    CrashedError,
    Fault,
    Schedule,
    name_of,
)
from ordercore.testing._simulation_finding import Finding, Tally
from ordercore.testing._simulation_flows import FLOWS, NAMED
from ordercore.testing._simulation_search import Explorer
from ordercore.testing._simulation_shop import Shop
from ordercore.testing._simulation_world import (
    LINE,
    ORDER,
    PUNCTUAL,
    SHOP,
    SLOW,
    Elsewhere,
    Flow,
    Setting,
    Step,
    World,
)

__all__ = [
    "FAULTS",
    "FLOWS",
    "LINE",
    "NAMED",
    "ORDER",
    "PUNCTUAL",
    "SETTINGS",
    "SHOP",
    "SLOW",
    "CrashedError",
    "Elsewhere",
    "Fault",
    "Finding",
    "Flow",
    "Schedule",
    "Setting",
    "Shop",
    "Step",
    "Tally",
    "World",
    "effects",
    "exhaustive",
    "relive",
    "replay",
    "seeds",
    "shrink",
]

SETTINGS: Final = (
    Setting(),
    Setting(hears=False),
    Setting(hears=False, lateness=SLOW),
    Setting(hurries=True),
)
"""
Told by webhooks; never told; never told, and with a worker that comes late; told, and with a
client that does not wait until all is known.
"""


def exhaustive(
    flow: Flow,
    depth: int = 1,
    *,
    setting: Setting | None = None,
    tally: Tally | None = None,
    is_exact: bool = False,
) -> Iterator[Finding]:
    """
    Live through a flow with every schedule of up to *depth* faults; each life that went wrong.

    A life that went wrong is not struck again: its finding has as few faults as possible. Where
    two lives meet in like states (`Saved`), what follows is lived once; *tally* counts how often.
    Where the search ``is_exact``, the states must be equal. Harm that did not show again when the
    life was lived from its start is told, too (`Finding.repeats`).
    """
    explorer = Explorer(flow, setting or Setting(), tally, is_exact=is_exact)
    yield from map(explorer.confirm, explorer.search(depth))


def relive(
    flow: Flow,
    schedule: Schedule,
    *,
    setting: Setting | None = None,
    tally: Tally | None = None,
) -> Finding | None:
    """Live one life again from its start; None: nothing is wrong with it."""
    return Explorer(flow, setting or Setting(), tally).relive(schedule)


def effects(
    flow: Flow, schedule: Schedule | None = None, *, setting: Setting | None = None
) -> tuple[str, ...]:
    """
    What a life asks of the outside, by name: the numbers of a `Schedule` count these.

    >>> effects(NAMED["place"])[:3]
    ('FindKey', 'Now', 'ReadCounters')
    """
    trace, _ = Explorer(flow, setting or Setting()).live(schedule or Schedule())
    return tuple(map(name_of, trace))


def shrink(flow: Flow, schedule: Schedule, *, setting: Setting | None = None) -> Finding | None:
    """
    The same with as few faults as still do harm; None: the schedule does none.

    Effects after a fault that is taken away may get other numbers, so that not every schedule gets
    shorter.
    """
    found = relive(flow, schedule, setting=setting)
    nth = 0
    while found is not None and nth < len(found.schedule.strikes):
        less = relive(flow, found.schedule.without(nth), setting=setting)
        found, nth = (found, nth + 1) if less is None else (less, 0)
    return found


# --- by chance ----------------------------------------------------------------------------------


@define
class _Lives:
    """Random lives over some flows and settings; what one has lived the next ones know."""

    flows: Sequence[Flow]
    settings: Sequence[Setting]
    tally: Tally = field(factory=Tally)
    explorers: dict[tuple[int, int], Explorer] = field(factory=dict[tuple[int, int], Explorer])
    """By the places of flow and setting: two flows may have one name."""

    def live(self, seed: int) -> Finding | None:
        chance = Random(seed)
        place = chance.randrange(len(self.flows))
        flow = self.flows[place]
        fitting = [n for n, one in enumerate(self.settings) if one.hears or not flow.must_hear]
        number = chance.choice(fitting)
        key = place, number
        if key not in self.explorers:
            self.explorers[key] = Explorer(flow, self.settings[number], self.tally)
        explorer = self.explorers[key]
        harm = explorer.wander(chance)
        explorer.forget()
        return None if harm is None else explorer.confirm(harm)


def seeds(
    count: int,
    *,
    first: int = 0,
    flows: Sequence[Flow] = FLOWS,
    settings: Sequence[Setting] = SETTINGS,
    tally: Tally | None = None,
) -> Iterator[Finding]:
    """
    Live *count* random lives, each with one to three faults; each that went wrong.

    A finding names its seed, for `replay`, and its schedule and setting, for `relive`.

    >>> list(seeds(5))
    []
    """
    lives = _Lives(flows, settings, tally or Tally())
    for seed in range(first, first + count):
        found = lives.live(seed)
        if found is not None:
            yield evolve(found, seed=seed)


def replay(
    seed: int, *, flows: Sequence[Flow] = FLOWS, settings: Sequence[Setting] = SETTINGS
) -> Finding | None:
    """Live the life of one seed again; its finding names the whole schedule."""
    return next(seeds(1, first=seed, flows=flows, settings=settings), None)
