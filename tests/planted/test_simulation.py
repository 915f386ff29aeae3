"""
Bugs in the engine, the rooms and the adapters, each found by one fault with the safety net off.

Most have cost real shops real money. Where a bug does harm without any fault, the calm life finds
it. No reconciliation helps: only what the two books and the client see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.adapters import _write as writing
from ordercore.errors import RefusedError
from ordercore.facts import Event, Report
from ordercore.ids import Key, LineId, OrderId, Reference, StreamId, TenderId
from ordercore.inventory.model import Allocation
from ordercore.money import Money
from ordercore.order import _cancel as cancelling
from ordercore.order import balance as balancing
from ordercore.order.decide import Command
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment import _replies as replying
from ordercore.payment import evolve as folding
from ordercore.payment import intents as intending
from ordercore.payment import operations as operating
from ordercore.payment import reports as reporting
from ordercore.payment._book import Book
from ordercore.payment._case import Case
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.commands import ReportAnswer, ReportOperation
from ordercore.payment.events import OperationNeverHappened
from ordercore.payment.intents import Desk, Want
from ordercore.payment.model import Operation, OperationState, OperationStatus
from ordercore.payment.operations import NextStep, StepKind
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from ordercore.ports.gateways import PaymentCall
from ordercore.ports.unit_of_work import ChangeSet, Committed
from ordercore.process import due as owing
from ordercore.process.tasks import LookUpPayment, RemoteTask, SendPayment
from ordercore.service.effects import NewId, SendToGateway
from ordercore.service.engine import Engine, Intention, Receipt
from ordercore.service.requests import payment_call
from ordercore.service.turn import Turn
from ordercore.testing.simulation import (
    NAMED,
    Fault,
    exhaustive,
    relive,
    replay,
    seeds,
    shrink,
)
from tests.planted.simulated import Bug, finding_of, law_of_planting
from tests.planted.test_sandbox_shop import Between

DROPPED: Final = Unknown(reason="dropped")

# --- in the engine ------------------------------------------------------------------------------


class SendsBeforeSaving(Engine):
    """Charges first and writes the intent down after that."""

    async def _write(self, turn: Turn, changes: ChangeSet) -> Turn:
        for key, found in turn.current.payment.operations.items():
            if found.status is OperationStatus.INTENDED:
                await SendToGateway(payment_call(turn.current, key))
        return await super()._write(turn, changes)


class FreshKeyOnRetry(Engine):
    """Sends again under another key."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report:
        if isinstance(task, SendPayment):
            call = payment_call(order, task.key)
            if order.payment.operations[task.key].status is OperationStatus.IN_DOUBT:
                other = Key(f"{task.key}-{await NewId()}")
                answer = await SendToGateway(evolve(call, key=other))
                return ReportAnswer(key=task.key, answer=answer, at=order.placed_at)
        return await super()._perform(task, order)


class SilenceIsNo(Engine):
    """Takes a missing answer for a decline."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report:
        report = await super()._perform(task, order)
        if isinstance(report, ReportAnswer) and isinstance(report.answer, Unknown):
            return evolve(report, answer=Declined(kind=DeclineKind.SOFT, code="timeout"))
        return report


class IgnoresLookUps(Engine):
    """Asks what became of a call, and drops the answer."""

    async def _perform(self, task: RemoteTask, order: Order) -> Report:
        report = await super()._perform(task, order)
        if isinstance(task, LookUpPayment) and isinstance(report, ReportAnswer):
            return evolve(report, answer=DROPPED)
        return report

    async def _step(
        self, turn: Turn, command: Command | None, intention: Intention, *, serving: bool
    ) -> tuple[Turn, datetime]:
        is_dropped = isinstance(command, ReportAnswer) and command.answer == DROPPED
        known = None if is_dropped else command
        return await super()._step(turn, known, intention, serving=serving)


class ForgetsToWake(Engine):
    """Leaves nothing behind that would bring a worker back."""

    def _due_at(self, turn: Turn, now: datetime) -> datetime | None:
        del turn, now
        return None


class DecidesBeforeKeys(Engine):
    """Decides first; a key that is known comes too late."""

    async def _known(self, intention: Intention) -> Committed | None:
        del intention
        return None


class LooksForKeysOnce(Engine):
    """Refuses what its own second try, served in between, has made impossible."""

    async def execute(self, stream: StreamId, command: Command, intention: Intention) -> Receipt:
        known = await self._known(intention)
        if known is not None:
            return await self._replayed(known, intention)
        return await self._served(stream, command, intention)


# --- between the engine and the gateway ---------------------------------------------------------


class TimeoutIsSuccess(Between):
    """No answer is taken for "yes"."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        if isinstance(answer, Unknown):
            return Succeeded(reference=Reference(call.key), amount=call.amount)
        return answer


class AlreadyDoneIsFailure(Between):
    """What the gateway calls "already captured" is taken for a failure."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        if isinstance(self.inner.look_up(call), Succeeded):
            return Declined(kind=DeclineKind.HARD, code="already_captured")
        return send(call)


class PendingIsSuccess(Between):
    """What is pending counts as done."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        if isinstance(answer, Pending):
            return Succeeded(reference=answer.reference, amount=call.amount)
        return answer


class PendingIsDecline(Between):
    """What is pending counts as refused."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        return Declined(kind=DeclineKind.SOFT) if isinstance(answer, Pending) else answer


class ErrorIsDecline(Between):
    """A server error is taken for "no"."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        try:
            return send(call)
        except Exception:  # noqa: BLE001  # the bug
            return Declined(kind=DeclineKind.HARD, code="error")


class NotFoundIsDecline(Between):
    """What cannot be found yet is taken for "no"."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        answer = self.inner.look_up(call)
        if isinstance(answer, NotFound):
            return Declined(kind=DeclineKind.SOFT, code="not_found")
        return answer


class LosesCents(Between):
    """The amount is sent a hundredth too small and reported as asked."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        less = Money(max(1, call.amount.minor - call.amount.minor // 100), call.amount.currency)
        answer = send(evolve(call, amount=less))
        if isinstance(answer, Succeeded | PartiallyApproved):
            return Succeeded(
                reference=answer.reference, amount=call.amount, expires_at=answer.expires_at
            )
        return answer


# --- in the rooms -------------------------------------------------------------------------------


def resends_for_ever(
    state: PaymentState, now: datetime, *, capabilities: Capabilities
) -> Iterator[NextStep]:
    """What is in doubt is sent again, however late."""
    del capabilities
    for key, found in state.operations.items():
        doubtful = {OperationStatus.INTENDED, OperationStatus.IN_DOUBT}
        if found.status in doubtful and (found.ask_at is None or found.ask_at <= now):
            yield NextStep(StepKind.SEND, key)


def never_at_once(_case: object, found: OperationState, at: datetime) -> OperationNeverHappened:
    """ "Not found" is believed at once."""
    return OperationNeverHappened(key=found.intent.key, at=at)


def no_horizon(_self: PaymentPolicy) -> timedelta:
    """ "Not found" is believed as soon as nothing more may be sent."""
    return timedelta(0)


def never_forgotten(case: Case, found: OperationState, at: datetime) -> Event:
    """ "Not found" is believed though the gateway may have forgotten the key."""
    able = evolve(case.capabilities, key_lifetime=timedelta(days=999))
    return NOT_FOUND(evolve(case, capabilities=able), found, at)


def one_key_for_all(order: OrderId, operation: Operation, tender: TenderId, attempt: int) -> Key:
    """The number of the attempt is not in the key."""
    del attempt
    return Key(f"{operation.value}-{order}-{tender}")


def nothing_in_flight(self: OperationState) -> Money:
    """What may still happen counts as if it could not: webhook and worker both capture."""
    return self.intent.amount * 0


def refund_counts(self: OperationState) -> Money:
    """A refund counts as money back while it is only intended."""
    counts = self.is_open or self.status is OperationStatus.SUCCEEDED
    if self.intent.operation is Operation.REFUND:
        return self.intent.amount
    return self.settled if self.settled is not None and counts else self.intent.amount * 0


def never_busy(_self: Book, _authorisation: OperationState) -> bool:
    """A void does not wait for the capture that is under way."""
    return False


def always_fits(_found: OperationState, _answer: LookUpAnswer) -> str:
    """An answer of any amount is believed."""
    return ""


def added_up(left: Money | None, right: Money | None) -> Money | None:
    """Figures of webhooks are added, not merged by the larger one."""
    if left is None or right is None:
        return right if left is None else left
    return left + right


def always_news(_found: OperationState, _command: ReportOperation) -> bool:
    """Every webhook is news."""
    return True


def refuses_reports(found: OperationState, _command: ReportOperation) -> bool:
    """A report that a status table does not expect is refused."""
    if not found.is_open:
        raise RefusedError
    return True


def never_over(_self: Desk, _authorisation: OperationState) -> bool:
    """An authorisation is good for ever."""
    return False


def never_lapses(_book: Book, _found: OperationState, _now: datetime) -> StepKind | None:
    """Nobody notices that its time has come."""
    return None


def voids_nothing(desk: Desk, *, but: object = ()) -> Iterator[Want]:
    """What is set aside for a cancelled order stays so."""
    del desk, but
    yield from ()


def not_to_gift_cards(
    order: Order, amount: Money, *, by: object = None
) -> tuple[tuple[TenderId, Money], ...]:
    """What a gift card paid is not given back."""
    plan = REFUND_PLAN(order, amount)
    del by
    return tuple(share for share in plan if share[0] != TenderId("gift"))


def released_twice(order: Order, units: dict[LineId, int]) -> Iterator[Allocation]:
    """Stock of cancelled units is given back twice."""
    freed = tuple(RELEASED(order, units))
    yield from (*freed, *freed)


def captures_early(_order: Order) -> bool:
    """Money is taken before the goods go."""
    return False


def any_version(rows: writing.Rows, changes: ChangeSet) -> dict[StreamId, writing.Head]:
    """A commit does not look at the version that it was decided on."""
    heads = {change.stream: rows.head(change.stream) for change in changes.streams}
    return {stream: head for stream, head in heads.items() if head is not None}


def nothing_earlier(_rows: writing.Rows, _changes: ChangeSet) -> Committed | None:
    """A commit that is sent again is written again."""
    return None


def keeps_stock_of_ended(_order: Order) -> bool:
    """The reservation of an expired order is never released."""
    return True


CURIOUS: Final = Terms(
    payment=PaymentPolicy(
        send_window=timedelta(minutes=4),
        schedule=(*(timedelta(minutes=5),) * 12, timedelta(hours=20)),
    )
)
"""Sends no more after four minutes, and asks every five."""
NOT_FOUND: Final = replying._not_found
REFUND_PLAN: Final = balancing.refund_plan
RELEASED: Final = cancelling.released


SENT: Final = "place, dispatch, capture"
BUGS: Final = (
    Bug(name="charge before the saved intent", engine=SendsBeforeSaving),
    Bug(name="fresh key on retry", engine=FreshKeyOnRetry),
    Bug(name="timeout taken as decline", engine=SilenceIsNo),
    Bug(name="look-up ignored", engine=IgnoresLookUps, slow=True),
    Bug(name="lost wake-up", engine=ForgetsToWake),
    Bug(name="key checked after decide", engine=DecidesBeforeKeys, flow=SENT),
    Bug(name="key looked for once", engine=LooksForKeysOnce, flow="cancel at once"),
    Bug(name="timeout taken as success", between=TimeoutIsSuccess),
    Bug(
        name="already captured treated as failure then refunded",
        between=AlreadyDoneIsFailure,
        flow=SENT,
    ),
    Bug(name="pending taken as success", between=PendingIsSuccess, flow="goodwill", hurries=True),
    Bug(name="pending taken as decline", between=PendingIsDecline, flow=SENT),
    Bug(name="5xx taken as decline", between=ErrorIsDecline),
    Bug(name="not found taken as decline", between=NotFoundIsDecline, terms=CURIOUS),
    Bug(name="cents lost", between=LosesCents),
    Bug(
        name="resend after the window",
        patches=((owing, "operation_steps", resends_for_ever),),
        slow=True,
    ),
    Bug(
        name="not found taken as never",
        patches=((replying, "_not_found", never_at_once),),
        flow="gift card with card",
        terms=CURIOUS,
    ),
    Bug(
        name="not found trusted after the key lifetime",
        patches=((replying, "_not_found", never_forgotten),),
        flow="in doubt",
    ),
    Bug(
        name="no horizon",
        patches=((PaymentPolicy, "horizon", property(no_horizon)),),
        terms=CURIOUS,
    ),
    Bug(
        name="attempt not in the key",
        patches=((intending, "operation_key", one_key_for_all),),
        slow=True,
    ),
    Bug(
        name="double capture through webhook and worker",
        patches=(
            (OperationState, "in_flight", property(nothing_in_flight)),
            (Book, "is_busy", never_busy),
        ),
        flow=SENT,
    ),
    Bug(
        name="refund counted before it succeeded",
        patches=((OperationState, "moved", property(refund_counts)),),
        flow="goodwill",
    ),
    Bug(
        name="cancel that ignores a capture in flight",
        patches=((Book, "is_busy", never_busy),),
        flow="cancel what is captured",
        hurries=True,
    ),
    Bug(
        name="answer of another amount accepted",
        patches=((replying, "mismatch", always_fits),),
    ),
    Bug(
        name="webhooks added up",
        patches=((folding, "_larger", added_up), (reporting, "_is_news", always_news)),
        hears=True,
    ),
    Bug(
        name="report refused by a status table",
        patches=((reporting, "_is_news", refuses_reports),),
        hears=True,
    ),
    Bug(
        name="expired authorisation captured",
        patches=(
            (Desk, "is_over", never_over),
            (Desk, "fades", never_over),
            (operating, "_lapse", never_lapses),
        ),
        flow="authorise anew",
    ),
    Bug(
        name="cancelled and never voided",
        patches=((intending, "voids", voids_nothing),),
        flow="cancel at once",
    ),
    Bug(
        name="gift card part not given back",
        patches=((balancing, "refund_plan", not_to_gift_cards),),
        flow="gift card with card, cancelled",
    ),
    Bug(
        name="release of stock twice",
        patches=((cancelling, "released", released_twice),),
        flow="cancel at once",
    ),
    Bug(
        name="captured before dispatch",
        patches=((balancing, "waits_for_dispatch", captures_early),),
    ),
    Bug(
        name="commit without expected version",
        patches=((writing, "_heads", any_version),),
        flow="cancel at once",
    ),
    Bug(
        name="reservation not released on expiry",
        patches=((owing, "keeps_stock", keeps_stock_of_ended),),
        flow="expire",
    ),
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault is enough; the printed schedule finds it again, and only while it is there."""
    law_of_planting(bug, monkeypatch)


def test_a_finding_loses_the_faults_that_it_does_not_need() -> None:
    """A second fault after the harmful one is taken away again."""
    bug = next(each for each in BUGS if each.name == "timeout taken as decline")
    flow, harm = NAMED[bug.flow], finding_of(bug)
    more = harm.schedule.then(harm.schedule.last + 1, Fault.CLOCK_BACK)
    assert relive(flow, more, setting=bug.setting()) is not None
    assert harm == shrink(flow, more, setting=bug.setting())


def test_a_random_finding_can_be_lived_again() -> None:
    """By its seed alone; and by its schedule in its setting, which loses what it does not need."""
    bug = next(each for each in BUGS if each.name == "timeout taken as decline")
    flows, settings = (NAMED[bug.flow],), (bug.setting(), evolve(bug, hears=True).setting())
    found = list(seeds(30, flows=flows, settings=settings))
    assert found
    for each in found:
        assert each.seed is not None
        assert each == replay(each.seed, flows=flows, settings=settings)
        less = shrink(flows[0], each.schedule, setting=each.setting)
        assert less is not None
        assert less.schedule.strikes
        assert f"{bug.flow} ({each.setting}), seed {each.seed}" == str(each).splitlines()[0]


@pytest.mark.parametrize("name", ["timeout taken as decline", "lost wake-up"])
def test_an_exact_search_finds_the_same_harm(name: str) -> None:
    """Lives that go on from like states are told once: fewer schedules, and every kind of harm."""
    bug = next(each for each in BUGS if each.name == name)
    likely, exact = (
        {
            each.schedule: each.problems
            for each in exhaustive(NAMED[bug.flow], setting=bug.setting(), is_exact=is_exact)
        }
        for is_exact in (False, True)
    )
    assert likely.items() <= exact.items()
    assert set() < set(likely.values()) == set(exact.values())


def test_there_are_many() -> None:
    """Each has a name of its own."""
    assert len(BUGS) == len({bug.name for bug in BUGS}) >= 25
