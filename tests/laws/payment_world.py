"""
A shop and a gateway in one process, and the laws that bind every history of both (RULES PAY-3).

The gateway keeps the truth: what really moved. The shop knows only what it was told. Calls get
lost, come late or are answered by silence; webhooks come when they like, and twice.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import reduce
from typing import Final

from attrs import define, field, frozen

from ordercore.facts import Event
from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import EUR, Money
from ordercore.payment import decide as deciding
from ordercore.payment import intents as intending
from ordercore.payment._book import Term
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.balance import totals
from ordercore.payment.commands import (
    PaymentReport,
    PaymentRequest,
    ReportAnswer,
    ReportDispute,
    ReportFailure,
    ReportOperation,
)
from ordercore.payment.events import AuthorisationExpired, OperationIntended, OperationParked
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.intents import PaymentBasis
from ordercore.payment.model import (
    ADJUSTING,
    COVERING,
    DisputeStatus,
    Intent,
    Operation,
    OperationStatus,
    Tender,
    TenderKind,
)
from ordercore.payment.operations import StepKind, operation_steps
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState

START: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
CARD: Final = TenderId("card")
GIFT: Final = TenderId("gift")
LIFETIME: Final = timedelta(days=7)


def euro(minor: int) -> Money:
    return Money(minor, EUR)


class Fate(Enum):
    """What becomes of one call."""

    FINE = auto()
    LOST_CALL = auto()
    """It never arrives, and there is no answer."""
    LOST_ANSWER = auto()
    """It happens, and there is no answer."""
    LATE = auto()
    """There is no answer, and it happens later."""
    PENDING = auto()
    """It happens; the answer says that it is under way."""
    DECLINED = auto()


@define
class Gateway:
    """What really happened: idempotent by key, as gateways are."""

    done: dict[Key, tuple[Intent, Answer]] = field(factory=dict[Key, tuple[Intent, Answer]])
    pending: set[Key] = field(factory=set[Key])
    late: list[tuple[datetime, Intent]] = field(factory=list[tuple[datetime, Intent]])
    effects: Counter[Key] = field(factory=Counter[Key])

    def call(self, intent: Intent, fate: Fate, now: datetime) -> Answer:
        if fate is Fate.LOST_CALL:
            return Unknown(reason="lost")
        if fate is Fate.LATE:
            self.late.append((now + timedelta(minutes=29), intent))
            return Unknown(reason="slow")
        answer = self.perform(intent, now, declines=fate is Fate.DECLINED)
        if fate is Fate.LOST_ANSWER:
            return Unknown(reason="silence")
        if fate is Fate.PENDING and isinstance(answer, Succeeded):
            self.pending.add(intent.key)
            return Pending(reference=answer.reference)
        return answer

    def arrive(self, now: datetime) -> None:
        """Calls that were under way take effect."""
        for due, intent in self.late:
            if due <= now:
                self.perform(intent, due)
        self.late = [(due, intent) for due, intent in self.late if due > now]

    def perform(self, intent: Intent, at: datetime, *, declines: bool = False) -> Answer:
        if intent.key in self.done:
            known, told = self.done[intent.key]
            assert (known.amount, known.target) == (intent.amount, intent.target)
            return told
        answer: Answer = Declined(kind=DeclineKind.SOFT, code="no")
        if not declines and intent.amount.minor <= self.room(intent):
            lasts = intent.operation in {Operation.AUTHORISE, Operation.EXTEND}
            ends = at + LIFETIME if lasts else None
            reference = Reference(f"gw-{len(self.done)}-{intent.operation}")
            answer = Succeeded(reference=reference, amount=intent.amount, expires_at=ends)
            self.effects[intent.key] += 1
        self.done[intent.key] = intent, answer
        return answer

    def room(self, intent: Intent) -> int:
        """How much the gateway would let an operation move."""
        if intent.operation is Operation.AUTHORISE:
            return intent.amount.minor
        assert intent.target is not None
        told, answer = self.done[intent.target]
        if not isinstance(answer, Succeeded):
            return 0
        used = sum(other.amount.minor for other in self.about(intent.target) if uses(other))
        whole = self.granted(intent.target) if told.operation in COVERING else told.amount.minor
        if uses(intent):
            return whole - used
        is_larger = intent.amount.minor > whole
        fits = is_larger if intent.operation is Operation.INCREASE else not is_larger
        return intent.amount.minor if fits and not used else 0

    def about(self, target: Key) -> list[Intent]:
        """What was done about one operation."""
        return [
            other
            for other, reply in self.done.values()
            if other.target == target and isinstance(reply, Succeeded)
        ]

    def granted(self, key: Key) -> int:
        """What was really set aside by an authorisation and its increases."""
        told, answer = self.done.get(key, (None, None))
        if told is None or not isinstance(answer, Succeeded):
            return 0
        raised = (
            other.amount.minor for other in self.about(key) if other.operation is Operation.INCREASE
        )
        return max(told.amount.minor, *raised, 0)

    def term(self, key: Key) -> Term:
        """From when until when an authorisation can be captured, by the answers given about it."""
        lasting = {Operation.AUTHORISE, Operation.EXTEND}
        ends = [
            reply.expires_at
            for intent, reply in self.done.values()
            if key in {intent.key, intent.target} and intent.operation in lasting
            if isinstance(reply, Succeeded) and reply.expires_at is not None
        ]
        last = max(ends, default=None)  # None: the story told of it without the gateway
        return Term(began=None if last is None else last - LIFETIME, ends=last)

    def look_up(self, key: Key) -> LookUpAnswer:
        if key in self.pending:
            self.pending.discard(key)
        return self.done[key][1] if key in self.done else NotFound()

    def moved(self, operation: Operation) -> int:
        return sum(
            intent.amount.minor
            for intent, answer in self.done.values()
            if intent.operation is operation and isinstance(answer, Succeeded)
        )

    def webhooks(self, at: datetime) -> list[PaymentReport]:
        """Everything that happened, as the gateway tells it."""
        return [
            ReportOperation(
                operation=intent.operation,
                reference=answer.reference,
                amount=answer.amount,
                key=intent.key,
                expires_at=answer.expires_at,
                at=at,
            )
            for intent, answer in self.done.values()
            if isinstance(answer, Succeeded)
        ]


def uses(intent: Intent) -> bool:
    """Whether an operation takes of its target."""
    return intent.operation not in COVERING


@frozen(kw_only=True)
class Wishes:
    """What the order wants of its money, in cents."""

    owed: int = 10_000
    claimable: int = 0
    ended: bool = False
    sent: bool = False
    """All that will ever leave has left."""


@define
class Shop:
    """What the shop was told, and how it acts on it."""

    policy: PaymentPolicy = field(factory=PaymentPolicy)
    capabilities: Capabilities = field(factory=Capabilities)
    state: PaymentState = PaymentState(
        tenders=(
            Tender(id=GIFT, kind=TenderKind.GIFT_CARD, amount=Money(3_000, EUR)),
            Tender(id=CARD),
        )
    )
    gateway: Gateway = field(factory=Gateway)
    wishes: Wishes = field(factory=Wishes)
    now: datetime = START
    peak: int = 0
    """The most that could ever be claimed."""
    history: list[Event] = field(factory=list[Event])

    @property
    def basis(self) -> PaymentBasis:
        sums = totals(self.state, EUR)
        claimable = 0 if self.wishes.ended else min(self.wishes.claimable, self.wishes.owed)
        self.peak = max(self.peak, claimable)
        back = sums.held.minor - claimable - sums.refunds_in_flight.minor - sums.disputes_open.minor
        plan: list[tuple[TenderId, Money]] = []
        for tender in reversed(self.state.tenders):
            part = min(back, totals(self.state, EUR, tender=tender.id).refundable.minor)
            if part > 0:
                plan.append((tender.id, euro(part)))
                back -= part
        return PaymentBasis(
            order=OrderId("o-1"),
            currency=EUR,
            owed=euro(0 if self.wishes.ended else self.wishes.owed),
            claimable=euro(claimable),
            deferred=euro(0),
            refund_plan=tuple(plan),
            is_ended=self.wishes.ended,
            has_open_units=not self.wishes.sent,
        )

    def tell(self, command: PaymentReport | PaymentRequest) -> tuple[Event, ...]:
        events = deciding.decide_payment(
            self.state,
            command,
            self.now,
            basis=self.basis,
            policy=self.policy,
            capabilities=self.capabilities,
        )
        self.record(events)
        return events

    def record(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, OperationIntended):
                law_of_intents(self, event.intent)
                law_of_capabilities(self, event.intent)
            self.history.append(event)
            self.state = evolve_payment(self.state, event)

    def intend(self) -> tuple[Intent, ...]:
        intents = intending.next_intents(
            self.state,
            self.now,
            basis=self.basis,
            policy=self.policy,
            capabilities=self.capabilities,
        )
        for intent in intents:
            self.record([OperationIntended(intent=intent, at=self.now)])
        return intents

    def step(self, fates: Iterable[Fate] = ()) -> bool:
        """Do what is due for the operations, then intend what is wanted; answers whether any."""
        left = iter(fates)
        self.gateway.arrive(self.now)
        steps = tuple(operation_steps(self.state, self.now, capabilities=self.capabilities))
        for step in steps:
            intent = self.state.operations[step.key].intent
            match step.kind:
                case StepKind.MOVE:
                    raise AssertionError("no account pays here")
                case StepKind.SEND:
                    self.hear(step.key, self.gateway.call(intent, next(left, Fate.FINE), self.now))
                case StepKind.ASK:
                    assert self.capabilities.look_up
                    self.hear(step.key, self.gateway.look_up(step.key))
                case StepKind.PARK:
                    self.record([OperationParked(key=step.key, reason="no answer", at=self.now)])
                case StepKind.EXPIRE:
                    self.record([AuthorisationExpired(key=step.key, at=self.now)])
        return bool(steps) | bool(self.intend())

    def hear(self, key: Key, answer: LookUpAnswer) -> None:
        self.tell(ReportAnswer(key=key, answer=answer, at=self.now))

    def work(self, fates: Iterable[Fate] = ()) -> None:
        """Go on until nothing is due now."""
        left = list(fates)
        for _ in range(50):
            if not self.step(left):
                return
            left = left[4:]
        raise AssertionError("the shop is never done")

    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.gateway.arrive(self.now)

    def settle(self, rounds: int = 80) -> None:
        """Let everything come to an end: answers arrive, questions are asked."""
        for _ in range(rounds):
            self.work()
            self.wait(181)
        self.work()


def law_of_intents(shop: Shop, intent: Intent) -> None:
    """What is intended never exceeds what there is, and no key comes twice (RULES PAY-3)."""
    state, basis = shop.state, shop.basis
    assert intent.key not in state.operations
    sums = totals(state, EUR)
    own = totals(state, EUR, tender=intent.tender)
    if intent.operation is Operation.CAPTURE:
        assert intent.target is not None
        target = state.operations[intent.target]
        open_ = sum(
            other.in_flight.minor
            for kind in (Operation.CAPTURE, Operation.VOID)
            for other in state.aimed_at(intent.target, kind)
        )
        used = sum(
            other.moved.minor
            for kind in (Operation.CAPTURE, Operation.VOID)
            for other in state.aimed_at(intent.target, kind)
        )
        over = math.floor(state.book.granted(target) * shop.capabilities.over_capture)
        assert intent.amount.minor <= state.book.granted(target) + over - used - open_
        flying = sums.captures_in_flight - sums.refunds_in_flight
        assert intent.amount <= min(basis.owed, basis.claimable) - sums.taken - flying
        ends = shop.gateway.term(intent.target).ends
        assert ends is None or intent.not_after <= ends
        change = state.book.changing(target)
        assert change is None or shop.now >= change.intent.at + shop.policy.horizon
    if intent.operation in ADJUSTING:
        law_of_changes(shop, intent)
    if intent.operation is Operation.REFUND:
        assert intent.amount <= own.refundable
        assert intent.amount <= sums.refundable
    if intent.operation is Operation.VOID:
        assert intent.amount <= own.authorised - own.captures_in_flight
        law_of_voids(shop, intent)


def law_of_voids(shop: Shop, intent: Intent) -> None:
    """
    Nothing is let go that is used, and no void makes a covered order uncovered (RULES PAY-3).

    But a person's, and where a gateway cannot take less than it holds when nothing more will leave.
    """
    state = shop.state
    assert intent.target is not None
    target = state.operations[intent.target]
    about = [found for found in state.operations.values() if found.intent.target == intent.target]
    used = sum(found.moved.minor + found.in_flight.minor for found in about if uses(found.intent))
    assert intent.amount.minor <= state.book.granted(target) - used
    assert state.book.changing(target) is None
    is_stuck = shop.wishes.sent and not shop.capabilities.partial_capture
    if intent.withdraws or is_stuck:
        return
    left = -intent.amount.minor
    for found in filter(state.book.live, state.of(Operation.AUTHORISE)):
        fades = intending.fades_at(shop.gateway.term(found.intent.key), shop.policy)
        if fades is not None and fades <= shop.now:
            left += intent.amount.minor if found is target else 0
            continue
        going = state.aimed_at(found.intent.key, Operation.VOID)
        left += state.book.live(found) - sum(void.in_flight.minor for void in going)
    sums = totals(state, EUR)
    assert left >= (shop.basis.owed - sums.taken + sums.refunds_in_flight).minor


def law_of_changes(shop: Shop, intent: Intent) -> None:
    """What stands whole, and is not over, is raised by what is missing, or lasts longer."""
    state = shop.state
    assert intent.target is not None
    target = state.operations[intent.target]
    assert target.status is OperationStatus.SUCCEEDED
    about = [found for found in state.operations.values() if found.intent.target == intent.target]
    assert not any(found.is_open for found in about)
    assert not any(found.moved.minor for found in about if uses(found.intent))
    ends = shop.gateway.term(intent.target).ends
    assert ends is None or shop.now < ends
    assert ends is None or intent.not_after <= ends
    whole = state.book.granted(target)
    if intent.operation is Operation.EXTEND:
        assert intent.amount.minor == whole
        return
    sums = totals(state, EUR)
    missing = shop.basis.owed - sums.taken + sums.refunds_in_flight
    lasting = sum(
        state.book.live(found)
        for found in filter(state.book.live, state.of(Operation.AUTHORISE))
        if (fades := intending.fades_at(shop.gateway.term(found.intent.key), shop.policy)) is None
        or shop.now < fades
    )
    assert whole < intent.amount.minor <= whole + missing.minor - lasting


def law_of_capabilities(shop: Shop, intent: Intent) -> None:
    """Nothing is asked that the gateway has not declared (RULES PAY-2)."""
    state, can = shop.state, shop.capabilities
    match intent.operation:
        case Operation.AUTHORISE:
            assert can.takes(intent.amount.currency)
        case Operation.CAPTURE | Operation.VOID:
            assert intent.target is not None
            target = state.operations[intent.target]
            whole = state.book.live(target)
            captures = list(state.aimed_at(intent.target, Operation.CAPTURE))
            if intent.operation is Operation.VOID:
                assert can.partial_void or intent.amount.minor == whole
                return
            assert can.partial_capture or intent.amount.minor >= whole
            assert can.multiple_capture or not any(other.moved.minor for other in captures)
            assert can.multiple_capture or not any(other.is_open for other in captures)
            over = math.floor(state.book.granted(target) * can.over_capture)
            assert intent.amount.minor <= whole + over
        case Operation.INCREASE:
            assert can.incremental
        case Operation.EXTEND:
            assert can.extend
        case Operation.REFUND:
            assert intent.target is not None
            captured = state.operations[intent.target].settled_at
            assert captured is not None
            settles = captured + can.settlement_delay
            assert can.refund_before_settlement or settles <= shop.now


def law_of_truth(shop: Shop) -> None:
    """The books never say that more moved than did, and nothing moved twice."""
    sums = totals(shop.state, EUR)
    assert sums.captured.minor <= shop.gateway.moved(Operation.CAPTURE)
    assert sums.refunded.minor <= shop.gateway.moved(Operation.REFUND)
    assert all(count == 1 for count in shop.gateway.effects.values())
    for found in shop.state.of(Operation.AUTHORISE):
        assert shop.state.book.granted(found) <= shop.gateway.granted(found.intent.key)
    known = shop.gateway.moved(Operation.CAPTURE) - sums.captured.minor
    assert known <= sums.captures_in_flight.minor


def law_of_the_purse(shop: Shop) -> None:
    """The customer never pays more than could be claimed at the time."""
    gateway = shop.gateway
    assert gateway.moved(Operation.CAPTURE) - gateway.moved(Operation.REFUND) <= shop.peak


def law_of_the_end(shop: Shop) -> None:
    """Once everything is answered, books and truth agree, and the surplus is back."""
    sums = totals(shop.state, EUR)
    gateway = shop.gateway
    assert sums.captured.minor == gateway.moved(Operation.CAPTURE)
    assert sums.refunded.minor == gateway.moved(Operation.REFUND)
    assert sums.captures_in_flight.minor == sums.refunds_in_flight.minor == 0
    assert sums.held.minor == shop.basis.claimable.minor
    assert not shop.wishes.ended or sums.authorised.minor == 0


def told_in(
    reports: Iterable[PaymentReport], operations: Iterable[Event], basis: PaymentBasis
) -> PaymentState:
    """The state after *reports* in this order, told about the same operations."""
    state = reduce(evolve_payment, operations, Shop().state)
    for report in reports:
        events = deciding.decide_payment(
            state,
            report,
            START,
            basis=basis,
            policy=PaymentPolicy(),
            capabilities=Capabilities(),
        )
        state = reduce(evolve_payment, events, state)
    return state


def law_of_order(
    reports: list[PaymentReport],
    shuffled: list[PaymentReport],
    operations: list[Event],
    basis: PaymentBasis,
) -> None:
    """The same facts in any order, any of them twice, end in the same balances (RULES PAY-3)."""
    left, right = told_in(reports, operations, basis), told_in(shuffled, operations, basis)
    assert totals(left, EUR) == totals(right, EUR)
    assert [totals(left, EUR, tender=at.id) for at in left.tenders] == [
        totals(right, EUR, tender=at.id) for at in right.tenders
    ]
    assert outcomes(left) == outcomes(right)
    assert left.disputes == right.disputes
    assert len(left.waiting) == len(right.waiting)


def outcomes(state: PaymentState) -> dict[Key, str]:
    """How each operation ended, or that it has not; taken back is taken back."""
    over = {OperationStatus.FAILED, OperationStatus.EXPIRED}
    return {
        key: "open" if found.is_open else "over" if found.status in over else found.status.value
        for key, found in state.operations.items()
    }


def failure(operation: Operation, reference: Reference) -> PaymentReport:
    return ReportFailure(operation=operation, reference=reference, at=START)


def dispute(stage: DisputeStatus, capture: Reference, *, hours: int, minor: int) -> PaymentReport:
    return ReportDispute(
        reference=Reference(f"dispute-{capture}"),
        capture=capture,
        amount=euro(minor),
        status=stage,
        at=START + timedelta(hours=hours),
    )


def lose_dispute(shop: Shop, capture: Reference, minor: int) -> None:
    """A dispute is opened over a capture, and lost the next day."""
    for stage, hours in ((DisputeStatus.OPENED, 0), (DisputeStatus.LOST, 24)):
        shop.tell(dispute(stage, capture, hours=hours, minor=minor))


def with_wishes(
    shop: Shop,
    *,
    owed: int | None = None,
    claimable: int | None = None,
    ended: bool = False,
    sent: bool = False,
) -> None:
    """Change what the order wants; what is not named stays."""
    old = shop.wishes
    shop.wishes = Wishes(
        owed=old.owed if owed is None else owed,
        claimable=old.claimable if claimable is None else claimable,
        ended=ended or old.ended,
        sent=sent or old.sent,
    )
