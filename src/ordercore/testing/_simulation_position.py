"""
Where a search stands: between two calls of a life, after one, and where a life went wrong.
"""

from __future__ import annotations

from collections.abc import Hashable

from attrs import frozen

from ordercore.facts import Request
from ordercore.service.effects import Effect
from ordercore.testing._simulation_faults import Schedule
from ordercore.testing._simulation_store import Saved

__all__ = ["Acted", "Harm", "Position"]


@frozen(kw_only=True)
class Position:
    """
    Where a life stands between two calls: asking for a step, or coming to rest after it.

    ``effects`` counts those of the whole life so far; ``command`` is what is asked, ``origin``
    the state in which it was made up. ``tries`` and ``turns`` bound what may be repeated, and who
    ``was_refused`` has looked at the order since.
    """

    step: int = 0
    resting: bool = False
    is_served: bool = False
    was_refused: bool = False
    tries: int = 0
    turns: int = 0
    is_late: bool = False
    is_over: bool = False
    effects: int = 0
    command: Request | None = None
    origin: Hashable = None

    @property
    def fingerprint(self) -> Hashable:
        """What of it decides how life goes on."""
        origin = None if self.is_served else self.origin
        return (
            self.step,
            self.resting,
            self.is_served,
            self.was_refused,
            self.tries,
            self.turns,
            self.is_late,
            self.is_over,
            origin,
        )


@frozen(kw_only=True)
class Acted:
    """What one call led to."""

    saved: Saved
    position: Position
    trace: tuple[Effect[object], ...]
    problems: tuple[str, ...]


@frozen
class Harm:
    """A schedule that went wrong, and how."""

    schedule: Schedule
    problems: tuple[str, ...]
