"""Every place at which one thing can go wrong; and engines with one bug each, which it finds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Final

import pytest
from _pytest.mark.structures import ParameterSet
from attrs import evolve

from ordercore.facts import Report
from ordercore.ids import Key
from ordercore.order.model import Order
from ordercore.payment.answers import Declined, DeclineKind, Unknown
from ordercore.payment.commands import ReportAnswer
from ordercore.payment.model import OperationStatus
from ordercore.ports.unit_of_work import ChangeSet
from ordercore.process.tasks import RemoteTask, SendPayment
from ordercore.service.effects import NewId, SendToGateway
from ordercore.service.engine import Engine
from ordercore.service.requests import payment_call
from ordercore.service.turn import Turn
from ordercore.testing.simulation import (
    DISPATCH,
    FLOWS,
    PLACE,
    RETURN,
    SLOW,
    Fault,
    Finding,
    Flow,
    Schedule,
    Setting,
    World,
    exhaustive,
    replay,
)

SETTINGS: Final = {
    "told": Setting(),
    "never told": Setting(hears=False),
    "slow and never told": Setting(hears=False, pauses=SLOW),
}
NAMED: Final = {flow.name: flow for flow in FLOWS}


def law_of_one_fault(flow: Flow, setting: Setting) -> list[Finding]:
    """Whatever goes wrong once, both books end the same and the client gets what it wanted."""
    return list(exhaustive(flow, depth=1, setting=setting))


def _cases() -> Iterator[ParameterSet]:
    """The longest flow once; in the other settings it is deep, and so is what lies between."""
    for name, setting in product(NAMED, SETTINGS):
        is_long = NAMED[name] is RETURN and setting != "told"
        is_deep = is_long or setting == "never told"
        yield pytest.param(name, setting, marks=[pytest.mark.deep] if is_deep else [])


@pytest.mark.parametrize(("name", "setting"), tuple(_cases()))
def test_no_single_fault_does_harm(name: str, setting: str) -> None:
    """Each life with one fault comes to rest with equal books and with what was wanted."""
    assert "" == "\n".join(map(str, law_of_one_fault(NAMED[name], SETTINGS[setting])))


@pytest.mark.deep
@pytest.mark.parametrize("setting", ["told", "never told"])
def test_no_two_faults_do_harm(setting: str) -> None:
    """
    Each placement with two faults does so too, where the worker is punctual.

    With a slow one the next question comes after a day, and a person may have to look.
    """
    assert "" == "\n".join(map(str, exhaustive(PLACE, depth=2, setting=SETTINGS[setting])))


def test_a_life_can_be_lived_again() -> None:
    """The same schedule asks for the same effects, one by one."""
    schedule = Schedule(((9, Fault.CRASH_BEFORE),))
    one, two = World(schedule), World(schedule)
    assert () == one.live(DISPATCH) == two.live(DISPATCH)
    assert one.trace == two.trace


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_strikes(fault: Fault) -> None:
    """A struck life asks for other effects than one in which nothing goes wrong."""
    calm = World()
    assert () == calm.live(PLACE)
    kind = "Commit" if fault is Fault.COMMIT_RAISED_BUT_SUCCEEDED else "SendToGateway"
    index = [type(effect).__name__ for effect in calm.trace].index(kind)
    struck = World(Schedule(((index, fault),)))
    assert () == struck.live(PLACE)
    assert calm.trace[: index + 1] == struck.trace[: index + 1]
    assert calm.trace != struck.trace


# --- planted bugs -------------------------------------------------------------------------------


class SendsBeforeSaving(Engine):
    """Charges first and writes the intent down after that."""

    async def _write(self, turn: Turn, changes: ChangeSet) -> Turn:
        for key, found in turn.current.payment.operations.items():
            if found.status is OperationStatus.INTENDED:
                await SendToGateway(payment_call(turn.current, key))
        return await super()._write(turn, changes)


class FreshKeyOnRetry(Engine):
    """Sends again under another key."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report | None:
        if isinstance(task, SendPayment):
            call = payment_call(order, task.key)
            if order.payment.operations[task.key].status is OperationStatus.IN_DOUBT:
                other = Key(f"{task.key}-{await NewId()}")
                answer = await SendToGateway(evolve(call, key=other))
                return ReportAnswer(key=task.key, answer=answer, at=order.placed_at)
        return await super()._perform(task, order)


class SilenceIsNo(Engine):
    """Takes a missing answer for a decline."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report | None:
        report = await super()._perform(task, order)
        if isinstance(report, ReportAnswer) and isinstance(report.answer, Unknown):
            return evolve(report, answer=Declined(kind=DeclineKind.SOFT, code="timeout"))
        return report


class ForgetsToWake(Engine):
    """Leaves nothing behind that would bring a worker back."""

    def _due_at(self, turn: Turn, now: datetime) -> datetime | None:
        del turn, now
        return None


@pytest.mark.parametrize("flow", [PLACE, DISPATCH], ids=lambda flow: flow.name)
@pytest.mark.parametrize("bug", [SendsBeforeSaving, FreshKeyOnRetry, SilenceIsNo, ForgetsToWake])
def test_a_planted_bug_is_found(bug: type[Engine], flow: Flow) -> None:
    """One fault is enough, none is not; and the printed schedule finds the same again."""
    setting = Setting(engine=bug(), hears=False)
    assert replay(flow, Schedule(), setting=setting) is None
    found = next(exhaustive(flow, depth=1, setting=setting))
    assert found == replay(flow, found.schedule, setting=setting)
    assert 1 == len(found.schedule.strikes)
    assert str(found.schedule.strikes[0][1]) in str(found)
    assert replay(flow, found.schedule, setting=Setting(hears=False)) is None
