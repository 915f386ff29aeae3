"""Every place at which one thing can go wrong, and random lives in which several do."""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Final

import pytest
from _pytest.mark.structures import ParameterSet
from attrs import evolve

from ordercore.service import effects as boundaries
from ordercore.service.effects import (
    Commit,
    Effect,
    FindKey,
    Load,
    NewId,
    RecordFailure,
    SendToGateway,
    Sleep,
)
from ordercore.testing.simulation import (
    FAULTS,
    FLOWS,
    NAMED,
    SETTINGS,
    Fault,
    Finding,
    Flow,
    Schedule,
    Setting,
    Tally,
    effects,
    exhaustive,
    relive,
    seeds,
    shrink,
)

TOLD, NEVER_TOLD, SLOW_WORKER, HURRIED = SETTINGS
SHORT: Final = ("place", "capture at placement", "cancel at once", "expire", "in doubt")
DEPTH_2: Final = 2


@pytest.fixture(autouse=True, scope="module")
def _rarely_collected() -> Iterator[None]:
    """Millions of values live on for good: the collector looks through them in vain."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    yield
    gc.set_threshold(*before)


def law_of_faults(flow: Flow, setting: Setting, depth: int = 1) -> list[Finding]:
    """Whatever goes wrong, both books end the same and the client gets what it wanted."""
    return list(exhaustive(flow, depth, setting=setting))


def _cases(*, deep: bool) -> Iterator[ParameterSet]:
    """Every flow, told by webhooks; in the other settings the short ones, and by night all."""
    for name, number in product(NAMED, range(len(SETTINGS))):
        setting = SETTINGS[number]
        if setting.hears or not NAMED[name].must_hear:
            is_short = name in SHORT and (setting is SLOW_WORKER or setting is HURRIED)
            is_deep = deep or not (setting is TOLD or is_short)
            marks = [pytest.mark.deep] if is_deep else []
            yield pytest.param(name, number, marks=marks, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "number"), tuple(_cases(deep=False)))
def test_no_single_fault_does_harm(name: str, number: int) -> None:
    """Each life with one fault comes to rest with equal books and with what was wanted."""
    assert "" == "\n".join(map(str, law_of_faults(NAMED[name], SETTINGS[number])))


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("name", "number"), tuple(_cases(deep=True)))
def test_no_two_faults_do_harm(name: str, number: int) -> None:
    """Each life with two faults does so too."""
    found = law_of_faults(NAMED[name], SETTINGS[number], DEPTH_2)
    assert "" == "\n".join(map(str, found))


def test_random_lives_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    """Some hundred lives with up to three faults each; the speed is printed."""
    _live_at_random(300, capsys)


@pytest.mark.deep
@pytest.mark.timeout(0)
def test_a_hundred_thousand_random_lives_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    """The same by night."""
    _live_at_random(100_000, capsys)


def _live_at_random(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    tally, began = Tally(), time.process_time()
    found = list(seeds(count, tally=tally))
    spent = time.process_time() - began
    with capsys.disabled():
        sys.stdout.write(f"\n{count} random lives: {count / spent:.0f} a second\n")
    assert "" == "\n".join(map(str, found))
    assert count == tally.lives


def test_the_speed_of_lives_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """How many lives a second are judged on one core, over the flows of CI."""
    tally, began = Tally(), time.process_time()
    for name in SHORT:
        assert [] == list(exhaustive(NAMED[name], tally=tally))
    speed = tally.lives / (time.process_time() - began)
    with capsys.disabled():
        sys.stdout.write(f"\n{tally.lives} lives, {tally.merged} merged: {speed:.0f} a second\n")
    assert tally.merged < tally.lives


PLACED: Final = "Commit(OrderPlaced, UnitsReserved, OperationIntended)"
TWO_PLACED: Final = "Commit(OrderPlaced, UnitsReserved, OperationIntended, OperationIntended)"
TAKEN: Final = "Commit(OperationSucceeded)"
BY_TWO: Final = (
    ("gift card with card", 4, TWO_PLACED, Fault.CRASH_AFTER, 33, Fault.STALE_READ),
    ("gift card with card", 4, TWO_PLACED, Fault.PAST_WINDOW, 10, Fault.SAME_KEY_FIRST),
    ("gift card with card", 11, TAKEN, Fault.PAST_WINDOW, 17, Fault.WEBHOOK_FIRST),
    ("gift card with card", 11, TAKEN, Fault.PAST_WINDOW, 17, Fault.WEBHOOK_AT_ONCE),
    ("gift card with card", 9, "Now", Fault.CLOCK_BACK, 14, Fault.WEBHOOK_AT_ONCE),
    ("book a carrier", 4, PLACED, Fault.PAST_WINDOW, 44, Fault.WEBHOOK_AT_ONCE),
)
"""Lives in which a fault finds something to strike only after another one."""


def test_every_fault_strikes_every_boundary() -> None:
    """Each pair of the table finds something to strike, where it takes two faults by two."""
    tally = Tally()
    for name, setting in (
        ("in doubt", TOLD),
        ("in doubt", SLOW_WORKER),
        ("cancel at once", TOLD),
        ("book a carrier", TOLD),
        ("backorder", TOLD),
        ("gift card with card", TOLD),
    ):
        assert [] == list(exhaustive(NAMED[name], setting=setting, tally=tally))
    _strike_by_two(tally)
    _strike_after_a_failure(tally)
    wanted = {(kind.__name__, fault) for kind, faults in FAULTS.items() for fault in faults}
    assert set() == wanted - set(tally.hits)


def _strike_by_two(tally: Tally) -> None:
    for name, first, kind, before, then, fault in BY_TWO:
        assert kind == effects(NAMED[name])[first]
        schedule = Schedule(((first, before), (then, fault)))
        assert relive(NAMED[name], schedule, tally=tally) is None


def _strike_after_a_failure(tally: Tally) -> None:
    """A worker that cannot read its order notes the failure, and ends it by a sleep."""
    flow, setting = NAMED["in doubt"], NEVER_TOLD
    names = effects(flow, setting=setting)
    failure = Schedule(((names.index("Load", names.index("TakeDue")), Fault.STORE_DOWN),))
    after = effects(flow, failure, setting=setting)
    for kind in (RecordFailure, Sleep):
        index = after.index(kind.__name__)
        for fault in FAULTS[kind]:
            schedule = failure.then(index, fault)
            assert relive(flow, schedule, setting=setting, tally=tally) is None


@pytest.mark.parametrize(
    ("name", "kind", "start", "fault"),
    [
        ("in doubt", SendToGateway, 0, Fault.WEBHOOK_AT_ONCE),
        ("in doubt", FindKey, 0, Fault.STALE_READ),
        ("in doubt", Load, 0, Fault.SAME_KEY_FIRST),
        ("cancel at once", FindKey, 1, Fault.GATEWAY_BACK),
    ],
)
def test_a_fault_may_find_nothing_to_strike(
    name: str, kind: type[object], start: int, fault: Fault
) -> None:
    """No webhook, nothing newer, no client, a clock that was told already: the life is calm."""
    tally, flow = Tally(), NAMED[name]
    schedule = Schedule(((_first(flow, kind, start), fault),))
    assert relive(flow, schedule, tally=tally) is None
    assert effects(flow) == effects(flow, schedule)
    assert Counter[tuple[str, Fault]]() == tally.hits
    assert 1 == tally.lives


def test_every_effect_has_its_faults() -> None:
    """An effect without a row in the table would only ever see a crash before it."""
    named = (vars(boundaries)[name] for name in boundaries.__all__)
    kinds: set[object] = {one for one in named if isinstance(one, type) and issubclass(one, Effect)}
    assert kinds - {Effect, NewId} == set(FAULTS)
    assert all(FAULTS.values())


# --- the tools themselves -----------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.STALE_READ, Fault.CRASH_AFTER, Fault.ZOMBIE])
def test_a_schedule_of_two_is_lived_again(fault: Fault) -> None:
    """A schedule with faults at two places is one life; it is clean here."""
    schedule = Schedule(((3, Fault.CRASH_BEFORE), (9, fault)))
    assert relive(NAMED["place"], schedule) is None
    assert shrink(NAMED["place"], schedule) is None


def test_no_fault_is_blamed_for_what_goes_wrong_without_one() -> None:
    """Where a flow fails by itself that is the only finding, and it names no fault."""
    wrong = evolve(NAMED["place"], live=1)
    (found,) = exhaustive(wrong, depth=2)
    assert Schedule() == found.schedule
    assert "not (1, 0, 0)" in str(found)


def test_an_exact_search_judges_as_many_lives() -> None:
    """Going on from one of several like states only saves calls; see the planted bugs, too."""
    likely, exact = Tally(), Tally()
    assert [] == list(exhaustive(NAMED["cancel at once"], tally=likely))
    assert [] == list(exhaustive(NAMED["cancel at once"], tally=exact, is_exact=True))
    assert likely.lives == exact.lives
    assert likely.calls < exact.calls


# --- bugs that were found -----------------------------------------------------------------------


@pytest.mark.parametrize("boundary", [FindKey, Load, Commit])
def test_a_second_try_with_the_same_key_is_no_refusal(boundary: type[object]) -> None:
    """Who is overtaken by its own second try gets that one's answer (RULES O-10)."""
    schedule = Schedule(((_first(NAMED["cancel at once"], boundary, 16), Fault.SAME_KEY_FIRST),))
    assert relive(NAMED["cancel at once"], schedule) is None


def test_an_authorisation_that_a_person_resolved_expires() -> None:
    """After a reply that did not fit, a person's word has an end too: nobody trusts it later."""
    flow = NAMED["authorise anew"]
    schedule = Schedule(((_first(flow, SendToGateway, 0), Fault.WRONG_AMOUNT),))
    assert relive(flow, schedule, setting=NEVER_TOLD) is None


def test_what_a_person_finds_ends_as_the_gateway_has_it() -> None:
    """A call came late, its key was forgotten, and a person found it: no money is held twice."""
    flow, lookup = NAMED["late"], "AskGateway(authorise)"
    asked = [n for n, one in enumerate(effects(flow, setting=SLOW_WORKER)) if one == lookup]
    schedule = Schedule(((asked[1], Fault.PAST_KEY),))
    struck = effects(flow, schedule, setting=SLOW_WORKER)
    assert struck.count(lookup) > len(asked)
    assert struck.count("SendToGateway(authorise)") > 1
    assert relive(flow, schedule, setting=SLOW_WORKER) is None


SEND: Final = "SendToGateway(authorise)"


@pytest.mark.parametrize(
    ("name", "strikes"),
    [
        (
            "place, dispatch, capture",
            ((4, PLACED, Fault.PAST_WINDOW), (17, "FindKey", Fault.SAME_KEY_FIRST)),
        ),
        (
            "cancel one unit",
            ((7, SEND, Fault.REQUEST_DROPPED), (31, SEND, Fault.REQUEST_DROPPED)),
        ),
        ("cancel one unit", ((7, SEND, Fault.DELAYED), (14, "FindKey", Fault.GATEWAY_BACK))),
        ("cancel one unit", ((4, PLACED, Fault.ZOMBIE), (10, SEND, Fault.SLOW_CALL))),
        (
            "book a carrier",
            ((7, SEND, Fault.REQUEST_DROPPED), (14, "FindKey", Fault.CRASH_BEFORE)),
        ),
        (
            "gift card with card, refunded",
            (
                (21, "SendToGateway(capture)", Fault.REQUEST_DROPPED),
                (65, "FindKey", Fault.CRASH_BEFORE),
            ),
        ),
        (
            "capture by hand",
            (
                (0, "FindKey", Fault.GATEWAY_BACK),
                (21, "Commit(OperationIntended)", Fault.PAST_KEY),
            ),
        ),
    ],
    ids=[
        "both tries refused",
        "set aside anew",
        "slow clock",
        "lease renewed",
        "looked too soon",
        "old quote",
        "ends by two clocks",
    ],
)
def test_two_faults_that_only_look_like_harm(
    name: str, strikes: tuple[tuple[int, str, Fault], ...]
) -> None:
    """
    A client in a hurry is refused, or has less set aside, honestly: nothing was confirmed yet.

    Late calls arrive by the gateway's clock; a lease that a pause has eaten is renewed before a
    call. Who was refused looks at the order once more, even if an earlier try died; who holds an
    old quote asks for another one. What has ended by the store's clock is nobody's any more, even
    where the gateway keeps it for a minute.
    """
    flow, schedule = NAMED[name], Schedule(tuple((at, fault) for at, _, fault in strikes))
    struck = effects(flow, schedule, setting=HURRIED)
    assert [kind for _, kind, _ in strikes] == [struck[at] for at, _, _ in strikes]
    assert relive(flow, schedule, setting=HURRIED) is None


def _first(flow: Flow, kind: type[object], start: int) -> int:
    """The number of the first effect of a kind in a calm life, from *start* on."""
    names = [name.partition("(")[0] for name in effects(flow)]
    return names.index(kind.__name__, start)


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [("exchange", 76, 77), ("exchange", 70, 72), ("return and refund", 63, 65)],
)
def test_who_was_refused_after_a_stale_read_asks_for_the_same(
    name: str, first: int, then: int
) -> None:
    """The same key gets the first answer, even if it was not found when it was looked up again."""
    kind = Fault.STALE_READ if then == first + 1 else Fault.SAME_KEY_FIRST
    flow, schedule = NAMED[name], Schedule(((first, kind), (then, Fault.STALE_READ)))
    struck = effects(flow, schedule)
    assert ("Load", "FindKey") == (struck[first], struck[then])
    assert relive(flow, schedule) is None


def test_who_comes_second_to_an_expired_order_is_refused_like_the_first() -> None:
    """Where too much time has passed, the second try hears what the first one hears (RULES O-6)."""
    flow = NAMED["exchange, cancelled"]
    placed = next(n for n, name in enumerate(effects(flow)) if "OrderLinked" in name)
    late = Schedule(((placed, Fault.PAST_RESERVATION),))
    asked = [n for n, name in enumerate(effects(flow, late)) if name == "FindKey"]
    for index in asked[-3:]:
        assert relive(flow, late.then(index, Fault.SAME_KEY_FIRST)) is None


def test_flows_have_names_of_their_own() -> None:
    """A flow is found by its name."""
    assert len(FLOWS) == len(NAMED)
