"""
A bug that is planted in the simulation, and how it is found: with the safety net off.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve, frozen

from ordercore.order.terms import Terms
from ordercore.service.engine import Engine
from ordercore.testing.simulation import NAMED, SLOW, Finding, Setting, exhaustive, relive
from tests.planted.test_sandbox_shop import Between


@frozen(kw_only=True)
class Bug:
    """What is put where, and in which flow it does harm."""

    name: str
    flow: str = "place"
    engine: type[Engine] = Engine
    between: type[Between] = Between
    patches: tuple[tuple[object, str, object], ...] = ()
    hears: bool = False
    slow: bool = False
    hurries: bool = False
    terms: Terms = Terms()

    def setting(self) -> Setting:
        """The world in which it is looked for: with the safety net off."""
        return Setting(
            engine=self.engine(),
            between=self.between,
            hears=self.hears,
            lateness=SLOW if self.slow else timedelta(0),
            hurries=self.hurries,
            terms=self.terms,
            reconciles=False,
        )


def finding_of(bug: Bug) -> Finding:
    """
    The first life in which a bug does harm, with one fault at most.

    Raises:
        StopIteration: There is none.
    """
    return next(exhaustive(NAMED[bug.flow], setting=bug.setting()))


def law_of_planting(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """One fault is enough; the printed schedule finds it again, and only while it is there."""
    with monkeypatch.context() as patched:
        for where, name, value in bug.patches:
            patched.setattr(where, name, value)
        harm = finding_of(bug)
        assert len(harm.schedule.strikes) <= 1
        assert harm == relive(NAMED[bug.flow], harm.schedule, setting=bug.setting())
        for _, fault in harm.schedule.strikes:
            assert str(fault) in str(harm)
    sane = evolve(bug, engine=Engine, between=Between)
    assert relive(NAMED[bug.flow], harm.schedule, setting=sane.setting()) is None
    return harm
