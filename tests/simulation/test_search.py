"""The search itself: what it says of harm, and that nothing hides from it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attrs import define, evolve

from ordercore.errors import BrokenContractError
from ordercore.facts import Request
from ordercore.testing._simulation_search import Explorer
from ordercore.testing.simulation import (
    NAMED,
    SETTINGS,
    Flow,
    Setting,
    Step,
    Tally,
    World,
    effects,
    exhaustive,
    relive,
    replay,
    seeds,
)

PLACE = NAMED["place"]
GREEDY = evolve(PLACE, live=1)
"""A flow of the same name that wants what does not happen."""


@define
class UnsteadyError(BrokenContractError):
    """What is wrong once only."""

    sentence = "It is wrong once."


def unsteady() -> Flow:
    """A flow whose first life of all goes wrong, and no other one."""
    lives: list[Step] = []

    def place(world: World) -> Request | None:
        lives.append(place)
        if len(lives) == 1:
            raise UnsteadyError
        return PLACE.steps[0](world)

    return evolve(PLACE, steps=(place,))


def test_harm_that_is_not_repeated_is_told() -> None:
    """What went wrong once is a finding of both searches, with what was seen then."""
    searches: tuple[Callable[[Flow], list[object]], ...] = (
        lambda flow: [(found.repeats, found.problems) for found in exhaustive(flow)],
        lambda flow: [(found.repeats, found.problems) for found in seeds(5, flows=(flow,))],
    )
    for search in searches:
        assert [(False, (f"{UnsteadyError.code}: It is wrong once.",))] == search(unsteady())
    (found,) = exhaustive(unsteady())
    assert "not repeated" in str(found)
    assert "It is wrong once." in str(found)


def test_harm_that_is_repeated_says_so() -> None:
    """A calm life that ends badly does so each time."""
    (calm,) = exhaustive(GREEDY)
    found = [calm, *seeds(5, flows=(GREEDY,))]
    assert len(found) > 1
    assert all(each.repeats for each in found)
    assert not any("not repeated" in str(each) for each in found)


def test_two_flows_of_one_name_are_two() -> None:
    """Of a right flow and a wrong one each seed lives one, whichever comes first."""
    wrong_last, wrong_first = (
        {found.seed for found in seeds(12, flows=flows, settings=SETTINGS[:1])}
        for flows in ((PLACE, GREEDY), (GREEDY, PLACE))
    )
    assert set(range(12)) == wrong_last | wrong_first
    assert set() == wrong_last & wrong_first
    assert min(len(wrong_last), len(wrong_first)) > 0


def test_a_seed_is_a_life() -> None:
    """What a seed finds among others it finds alone; its schedule and setting do so without it."""
    tight = tuple(evolve(each, reconciles=False) for each in SETTINGS)
    found = list(seeds(12, flows=(PLACE, GREEDY), settings=tight))
    assert len({each.schedule for each in found}) > 1
    assert len({str(each.setting) for each in found}) > 1
    for each in found:
        assert each.seed is not None
        assert each == replay(each.seed, flows=(PLACE, GREEDY), settings=tight)
        again = relive(GREEDY, each.schedule, setting=each.setting)
        assert again is not None
        assert each == evolve(again, seed=each.seed)
        assert f"place ({each.setting}), seed {each.seed}" == str(each).splitlines()[0]


def test_a_setting_is_told_in_a_few_words() -> None:
    """Which world it was, beside the host's own things."""
    assert [
        "told",
        "never told",
        "never told, slow worker",
        "told, client in a hurry",
    ] == list(map(str, SETTINGS))


def test_every_random_life_is_struck() -> None:
    """However short a life is; the flow has fewer effects than there may be before a fault."""
    assert len(effects(PLACE)) < 40
    for seed in range(60):
        tally = Tally()
        assert Explorer(PLACE, Setting(), tally).wander(Random(seed)) is None
        assert 1 == tally.lives
        assert 1 <= tally.struck.total() <= 3
