"""
Bugs about disputes, declines, late successes, keys and ends, each found by one fault at most.

As in the other pages of planted bugs no reconciliation helps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve, frozen

from ordercore.facts import Report
from ordercore.money import USD, Money
from ordercore.order import balance as balancing
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.payment import _replies as replying
from ordercore.payment import evolve as folding
from ordercore.payment import intents as intending
from ordercore.payment import reports as reporting
from ordercore.payment._case import Case
from ordercore.payment.commands import ReportAnswer, ReportOperation
from ordercore.payment.intents import Desk
from ordercore.payment.model import Intent, OperationState, OperationStatus
from ordercore.payment.state import PaymentState
from ordercore.process.tasks import RemoteTask, SendPayment
from ordercore.refund.ledger import to_pay_back
from ordercore.service.effects import SendToGateway
from ordercore.service.engine import Engine
from ordercore.service.requests import payment_call
from ordercore.service.settings import Settings
from ordercore.testing.simulation import NAMED, exhaustive
from tests.planted.simulated import Bug, law_of_planting
from tests.planted.test_simulation import BUGS as OTHERS
from tests.planted.test_simulation_outside import BUGS as OUTSIDE

INTENT_OF: Final = intending.intent_of
HOUR: Final = timedelta(hours=1)


# --- disputes and late successes ----------------------------------------------------------------


def not_disputed(held: Money, *, claim: Money, in_flight: Money, disputed: Money) -> Money:
    """What the bank may take back counts as if the shop could give it away."""
    return to_pay_back(held, claim=claim, in_flight=in_flight, disputed=disputed * 0)


def too_late(found: OperationState, _command: ReportOperation) -> bool:
    """A success of what was given up is no news."""
    return found.is_open


# --- declines -----------------------------------------------------------------------------------


def at_once(case: Case, _found: OperationState, _wait: timedelta | None = None) -> datetime:
    """What was declined may be tried again now."""
    return case.now


def each_hour(case: Case, _found: OperationState, _wait: timedelta | None = None) -> datetime:
    """What was declined may be tried again in an hour, however often it was."""
    return case.now + HOUR


def never_waits(_self: Desk, _like: Intent) -> bool:
    """Whether an attempt may be repeated is not asked."""
    return False


def never_enough(self: Desk, like: Intent) -> bool:
    """It is asked when, and not how often."""
    failed = self.state.failures_like(like)
    return any(old.retry_at is not None and self.now < old.retry_at for old in failed)


@frozen(kw_only=True)
class Brief(Engine):
    """Notices soon that it runs away."""

    settings: Settings = Settings(rounds=10)


def never_left_behind(_state: PaymentState, _found: OperationState) -> bool:
    """A decline counts against whatever card the client pays with by now."""
    return False


# --- one key with two contents ------------------------------------------------------------------


class SendsWhatIsOwedNow(Engine):
    """Sends a saved key with the amount that would be right by now."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report:
        if isinstance(task, SendPayment):
            call = evolve(payment_call(order, task.key), amount=balance(order).owed)
            answer = await SendToGateway(call)
            return ReportAnswer(key=task.key, answer=answer, at=order.placed_at)
        return await super()._perform(task, order)


class SendsAgainInDollars(Engine):
    """Sends a saved key again in what has become the shop's currency."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report:
        if isinstance(task, SendPayment):
            call = payment_call(order, task.key)
            if order.payment.operations[task.key].status is OperationStatus.IN_DOUBT:
                call = evolve(call, amount=Money(call.amount.minor, USD))
                answer = await SendToGateway(call)
                return ReportAnswer(key=task.key, answer=answer, at=order.placed_at)
        return await super()._perform(task, order)


# --- ends ---------------------------------------------------------------------------------------


def full_window(*args: object, **named: object) -> Intent:
    """A capture may be sent in all of its window, though its authorisation ends before."""
    intent = INTENT_OF(*args, **named)  # type: ignore[arg-type]  # passed on as they came
    return evolve(intent, not_after=intent.at + timedelta(minutes=15))


def wanted_once(_desk: Desk, _found: OperationState) -> bool:
    """What a person lets go is asked for once, whether the gateway hears of it or not."""
    return False


ANOTHER: Final = "declined, another card, and not declined after all"
CANCELLED: Final = "declined, cancelled, and not declined after all"
BUGS: Final = (
    Bug(
        name="disputed money refunded",
        patches=((balancing, "to_pay_back", not_disputed),),
        flow="cancelled in a dispute that is lost",
        hears=True,
    ),
    Bug(
        name="late success of a declined attempt dropped",
        patches=((reporting, "_is_news", too_late),),
        flow=ANOTHER,
        hears=True,
    ),
    Bug(
        name="late success after a cancel dropped",
        patches=((reporting, "_is_news", too_late),),
        flow=CANCELLED,
        hears=True,
    ),
    Bug(
        name="late success of what never happened dropped",
        patches=((reporting, "_is_news", too_late),),
        flow="never arrived, and arrives after all",
        hears=True,
    ),
    Bug(
        name="decline tried again at once",
        patches=((replying, "retry_at", at_once),),
        flow=CANCELLED,
        hears=True,
    ),
    Bug(
        name="decline tried again for ever",
        patches=((replying, "retry_at", each_hour), (Desk, "must_wait", never_enough)),
        flow=CANCELLED,
        hears=True,
    ),
    Bug(
        name="decline tried again at once and for ever",
        engine=Brief,
        patches=((replying, "retry_at", at_once), (Desk, "must_wait", never_waits)),
        flow=CANCELLED,
        hears=True,
    ),
    Bug(
        name="late decline of the old card counted against the new one",
        patches=((folding, "_is_left_behind", never_left_behind),),
        flow=ANOTHER,
        hears=True,
        hurries=True,
    ),
    Bug(
        name="one key with two amounts",
        engine=SendsWhatIsOwedNow,
        flow="cancel one unit",
        hurries=True,
    ),
    Bug(name="one key in two currencies", engine=SendsAgainInDollars),
    Bug(
        name="void by hand that is lost",
        patches=((Desk, "is_withdrawn", wanted_once),),
        flow="void by hand",
        slow=True,
    ),
    Bug(
        name="captured after the end of its authorisation",
        patches=((intending, "intent_of", full_window),),
        flow="captured at the last minute",
    ),
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault is enough; the printed schedule finds it again, and only while it is there."""
    law_of_planting(bug, monkeypatch)


@pytest.mark.parametrize("name", ["one key with two amounts", "one key in two currencies"])
def test_the_gateway_shouts_when_a_key_comes_with_another_content(name: str) -> None:
    """It keeps a fingerprint of each call, and answers no other call with what it did first."""
    bug = next(each for each in BUGS if each.name == name)
    told = [str(harm) for harm in exhaustive(NAMED[bug.flow], setting=bug.setting())]
    assert any("gateway: key_reused" in each for each in told)


def test_they_have_names_of_their_own() -> None:
    """Beside those of the other pages."""
    names = [bug.name for bug in (*OTHERS, *OUTSIDE, *BUGS)]
    assert len(names) == len(set(names))
