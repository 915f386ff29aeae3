"""
Wrong ways to take goods back, each of which a law must notice.

Every bug here is one that shops have had: the same unit comes back twice, a request does not block
the next one, a scanner restocks with each beep, a window of a month has thirty days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.moment import after
from ordercore.returns import commands as cmd
from ordercore.returns import events as ev
from ordercore.returns.decide import ReturnsBasis, evolve_returns
from ordercore.returns.model import Disposition, InspectedItem, ReturnsState
from ordercore.returns.policy import Eligibility, ReturnFacts, ReturnPolicy
from tests.laws.test_returns import (
    Command,
    Decide,
    Evolve,
    Judge,
    cases,
    decide,
    judge,
    law_of_returns,
    law_of_windows,
    stories,
)
from tests.planted.test_money import is_caught

Events = tuple[Event, ...]


# --- deciding -----------------------------------------------------------------------------------


def requests_do_not_block(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> Events:
    return decide(changed(state, requested={}), command, now, basis)


def received_units_come_again(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> Events:
    if isinstance(command, cmd.ReceiveReturn | cmd.RequestReturn):
        state = changed(state, received={})
    return decide(state, command, now, basis)


def lost_units_come_back(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> Events:
    return decide(state, command, now, changed(basis, lost={}))


def kept_units_come_back(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> Events:
    if isinstance(command, cmd.RequestReturn):
        state = changed(state, kept={})
    return decide(state, command, now, basis)


def each_beep_restocks(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> Events:
    if isinstance(command, cmd.InspectReturn):
        state = changed(state, findings={})
    return decide(state, command, now, basis)


def found_goods_have_no_place(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> Events:
    """All of a return is taken to lie where its first unit lies."""

    def moved(item: InspectedItem, events: ev.ReturnInspected) -> InspectedItem:
        stored = state.rmas[events.return_id].stored.get(item.line)
        return changed(item, location=stored[0].location) if stored else item

    return tuple(
        changed(event, results=tuple(moved(item, event) for item in event.results))
        if isinstance(event, ev.ReturnInspected)
        else event
        for event in decide(state, command, now, basis)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        requests_do_not_block,
        received_units_come_again,
        lost_units_come_back,
        kept_units_come_back,
        each_beep_restocks,
        found_goods_have_no_place,
    ],
)
def test_a_wrong_decision_is_caught(wrong: Decide) -> None:
    """A decision that takes a unit twice, or to the wrong shelf, breaks the law of returns."""
    assert is_caught(partial(law_of_returns, decide=wrong), stories)


# --- folding ------------------------------------------------------------------------------------


def closing_frees_nothing(state: ReturnsState, event: Event) -> ReturnsState:
    after = evolve_returns(state, event)
    if isinstance(event, ev.ReturnClosed | ev.ReturnRejected):
        return changed(after, requested=state.requested, totals=state.totals)
    return after


def others_wait_for_ever(state: ReturnsState, event: Event) -> ReturnsState:
    """Goods that came with another return are still awaited by the one that announced them."""
    after = evolve_returns(state, event)
    if isinstance(event, ev.ReturnReceived):
        kept = {
            id_: changed(rma, awaited=state.rmas[id_].awaited)
            for id_, rma in after.rmas.items()
            if id_ != event.return_id
        }
        return changed(after, rmas={**after.rmas, **kept})
    return after


def rejected_goods_are_accepted(state: ReturnsState, event: Event) -> ReturnsState:
    after = evolve_returns(state, event)
    if isinstance(event, ev.ReturnRequested):
        return changed(after, accepted=after.requested)
    return after


def the_last_finding_adds_to_the_first(state: ReturnsState, event: Event) -> ReturnsState:
    after = evolve_returns(state, event)
    if isinstance(event, ev.ReturnInspected):
        both = {
            line: (*after.findings.get(line, ()), *found) for line, found in state.findings.items()
        }
        return changed(after, findings={**after.findings, **both})
    return after


def scrap_is_still_there(state: ReturnsState, event: Event) -> ReturnsState:
    if isinstance(event, ev.ReturnInspected):
        results = tuple(
            changed(item, disposition=Disposition.REFURBISH)
            if item.disposition is Disposition.SCRAP
            else item
            for item in event.results
        )
        event = changed(event, results=results)
    return evolve_returns(state, event)


@pytest.mark.parametrize(
    "wrong",
    [
        closing_frees_nothing,
        others_wait_for_ever,
        rejected_goods_are_accepted,
        the_last_finding_adds_to_the_first,
        scrap_is_still_there,
    ],
)
def test_a_wrong_fold_is_caught(wrong: Evolve) -> None:
    """A fold that waits for what has come, or forgets what it found, breaks the law of returns."""
    assert is_caught(partial(law_of_returns, evolve=wrong), stories)


# --- windows ------------------------------------------------------------------------------------


def _until(answer: Eligibility, until: datetime, now: datetime) -> Eligibility:
    return changed(answer, until=until, allowed=now < until)


def months_have_thirty_days(policy: ReturnPolicy, facts: ReturnFacts, now: datetime) -> Eligibility:
    assert policy.window is not None
    assert facts.last_delivered_at is not None
    days = policy.window.months * 30 + policy.window.days
    until = facts.last_delivered_at + timedelta(days=days)
    return _until(judge(policy, facts, now), until - timedelta(hours=2), now)


def the_last_day_counts_only_to_the_hour(
    policy: ReturnPolicy, facts: ReturnFacts, now: datetime
) -> Eligibility:
    assert policy.window is not None
    assert facts.last_delivered_at is not None
    until = after(facts.last_delivered_at, policy.window, policy.tz) - timedelta(days=1)
    return _until(judge(policy, facts, now), until, now)


def a_clock_set_back_closes_it(
    policy: ReturnPolicy, facts: ReturnFacts, now: datetime
) -> Eligibility:
    answer = judge(policy, facts, now)
    assert facts.last_delivered_at is not None
    return changed(answer, allowed=answer.allowed and now >= facts.last_delivered_at)


def the_end_is_inside(policy: ReturnPolicy, facts: ReturnFacts, now: datetime) -> Eligibility:
    answer = judge(policy, facts, now)
    return changed(answer, allowed=answer.allowed or now == answer.until)


@pytest.mark.parametrize(
    "wrong",
    [
        months_have_thirty_days,
        the_last_day_counts_only_to_the_hour,
        a_clock_set_back_closes_it,
        the_end_is_inside,
    ],
)
def test_a_wrong_window_is_caught(wrong: Judge) -> None:
    """A window that is no calendar's breaks the law of windows."""
    assert is_caught(partial(law_of_windows, judge=wrong), cases)
