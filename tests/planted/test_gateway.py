"""Gateways with one bug each: the shipped contract suite finds every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

import pytest
from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.ids import Key, OrderId, Reference
from ordercore.money import Money
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    Succeeded,
)
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import PaymentCall, PaymentGateway
from ordercore.testing.contracts.gateway import PaymentGatewayContract, Till
from ordercore.testing.sandbox import SandboxGateway

TAKEN: Final = Reference("taken")


class Sound(PaymentGateway):
    """No bug: the sandbox behind one door, which each bug below opens in its own way."""

    def __init__(self) -> None:
        able = Capabilities(incremental=True, extend=True)
        self.inner = SandboxGateway(":memory:", capabilities=able)
        self.fresh = count()
        self.loses = False

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def send(self, call: PaymentCall) -> Answer:
        answer = self.sent(call)
        self.lose()
        return answer

    def lose(self) -> None:
        loses, self.loses = self.loses, False
        if loses:
            raise TimeoutError

    def sent(self, call: PaymentCall) -> Answer:
        match call.operation:
            case Operation.AUTHORISE:
                return self.inner.authorise(call)
            case Operation.CAPTURE:
                return self.inner.capture(call)
            case Operation.VOID:
                return self.inner.void(call)
            case Operation.REFUND:
                return self.inner.refund(call)
            case Operation.INCREASE:
                return self.inner.increase(call)
            case Operation.EXTEND:
                return self.inner.extend(call)

    def authorise(self, call: PaymentCall) -> Answer:
        return self.send(call)

    def capture(self, call: PaymentCall) -> Answer:
        return self.send(call)

    def void(self, call: PaymentCall) -> Answer:
        return self.send(call)

    def refund(self, call: PaymentCall) -> Answer:
        return self.send(call)

    def increase(self, call: PaymentCall) -> Answer:
        return self.send(call)

    def extend(self, call: PaymentCall) -> Answer:
        return self.send(call)

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        answer = self.inner.look_up(call)
        self.lose()
        return answer


class ForgetsKeys(Sound):
    """Each call is a new one."""

    def send(self, call: PaymentCall) -> Answer:
        return super().send(evolve(call, key=Key(f"{call.key}/{next(self.fresh)}")))


class ForgetsKeysOf(Sound):
    """Captures and refunds, but not authorisations, are done again on a resend."""

    def send(self, call: PaymentCall) -> Answer:
        if call.operation in {Operation.CAPTURE, Operation.REFUND}:
            call = evolve(call, key=Key(f"{call.key}/{next(self.fresh)}"))
        return super().send(call)


class KeysByAmount(Sound):
    """A key with another amount is another operation."""

    def send(self, call: PaymentCall) -> Answer:
        return super().send(evolve(call, key=Key(f"{call.key}/{call.amount.minor}")))


class OneKeyPerOrder(Sound):
    """Two operations of one kind for one order are taken for one."""

    def send(self, call: PaymentCall) -> Answer:
        key = f"{call.order}/{call.operation}/{call.target}/{call.amount.minor}"
        return super().send(evolve(call, key=Key(key)))


class SucceedsAlways(Sound):
    """What was declined is reported as done: the operation named by the subclass."""

    about: Operation

    def send(self, call: PaymentCall) -> Answer:
        answer = super().send(call)
        if call.operation is self.about and isinstance(answer, Declined):
            return Succeeded(reference=Reference(f"x-{next(self.fresh)}"), amount=call.amount)
        return answer


class CapturesTooMuch(SucceedsAlways):
    """Any capture succeeds."""

    about = Operation.CAPTURE


class RefundsTooMuch(SucceedsAlways):
    """Any refund succeeds."""

    about = Operation.REFUND


class VoidsAnything(SucceedsAlways):
    """Any void succeeds, captured or not."""

    about = Operation.VOID


class DoesNotVoid(Sound):
    """A void is acknowledged and forgotten."""

    def send(self, call: PaymentCall) -> Answer:
        if call.operation is Operation.VOID and call.target is not None:
            return Succeeded(reference=Reference(f"void-{call.target}"), amount=call.amount)
        return super().send(call)


class IncreasesAddUp(Sound):
    """The amount of an increase is taken for what comes on top."""

    def send(self, call: PaymentCall) -> Answer:
        if call.operation is not Operation.INCREASE:
            return super().send(call)
        answer = super().send(evolve(call, amount=call.amount + call.amount))
        return evolve(answer, amount=call.amount) if isinstance(answer, Succeeded) else answer


class DoesNotRaise(Sound):
    """An increase is acknowledged and forgotten."""

    def send(self, call: PaymentCall) -> Answer:
        if call.operation is Operation.INCREASE:
            return Succeeded(reference=Reference(f"raise-{call.target}"), amount=call.amount)
        return super().send(call)


class RaisesTheVoided(SucceedsAlways):
    """Any increase succeeds, even of what was let go."""

    about = Operation.INCREASE


class ExtendsBackwards(Sound):
    """An extension ends before what it extends."""

    def send(self, call: PaymentCall) -> Answer:
        answer = super().send(call)
        if call.operation is Operation.EXTEND and isinstance(answer, Succeeded):
            return evolve(answer, expires_at=datetime.now(UTC))
        return answer


class AnswersInCents(Sound):
    """Amounts come back a hundred times too large."""

    def send(self, call: PaymentCall) -> Answer:
        answer = super().send(call)
        if isinstance(answer, Succeeded):
            larger = Money(answer.amount.minor * 100, answer.amount.currency)
            return evolve(answer, amount=larger)
        return answer


class CapturesAll(Sound):
    """A partial capture takes the whole authorisation."""

    def send(self, call: PaymentCall) -> Answer:
        answer = super().send(call)
        if call.operation is Operation.CAPTURE and isinstance(answer, Succeeded):
            rest = self.inner.totals(call.amount.currency, order=call.order).live
            if rest.is_positive:
                super().send(evolve(call, key=Key(f"{call.key}/rest"), amount=rest))
        return answer


class OneReference(Sound):
    """All refunds of a capture have its own reference."""

    def send(self, call: PaymentCall) -> Answer:
        answer = super().send(call)
        if call.operation is Operation.REFUND and isinstance(answer, Succeeded):
            return evolve(answer, reference=call.target or TAKEN)
        return answer


class TimeoutIsDecline(Sound):
    """A timeout is reported as a decline, although it happened."""

    def send(self, call: PaymentCall) -> Answer:
        if call.amount.minor % 100 == 2:
            super().send(evolve(call, amount=call.amount + Money(1, call.amount.currency)))
            return Declined(kind=DeclineKind.SOFT, code="timeout")
        return super().send(call)


class LostIsDecline(Sound):
    """`except TimeoutError: return Declined(...)`, of a call that happened."""

    def send(self, call: PaymentCall) -> Answer:
        try:
            return super().send(call)
        except TimeoutError:
            return Declined(kind=DeclineKind.HARD, code="timeout")


class LostIsNotFound(Sound):
    """`except TimeoutError: return NotFound()`, of a question that nobody heard."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        try:
            return super().look_up(call)
        except TimeoutError:
            return NotFound()


class FindsNothing(Sound):
    """Whatever one asks about is not found."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        del call
        return NotFound()


class FindsOnlyAuthorisations(Sound):
    """Captures, voids and refunds cannot be found."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        return super().look_up(call) if call.operation is Operation.AUTHORISE else NotFound()


class NotFoundIsDeclined(Sound):
    """A key that never came is reported as declined."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        answer = super().look_up(call)
        if isinstance(answer, NotFound):
            return Declined(kind=DeclineKind.HARD, code="unknown")
        return answer


class LookUpSends(Sound):
    """Asking about a call sends it."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        return self.send(call)


class TakesAnyTarget(Sound):
    """What the gateway does not know is answered with success."""

    def send(self, call: PaymentCall) -> Answer:
        if call.target == "no-such-reference":
            return Succeeded(reference=TAKEN, amount=call.amount)
        return super().send(call)


class ShortMemory(Sound):
    """It declares that it forgets keys before "not found" can be believed."""

    @property
    def capabilities(self) -> Capabilities:
        return evolve(self.inner.capabilities, key_lifetime=timedelta(minutes=30))


class ChangesItsMind(Sound):
    """It declares something else each time it is asked."""

    @property
    def capabilities(self) -> Capabilities:
        return evolve(self.inner.capabilities, key_lifetime=timedelta(days=1 + next(self.fresh)))


class CapturesTwice(Sound):
    """It declares one capture for each authorisation, and takes several."""

    @property
    def capabilities(self) -> Capabilities:
        return evolve(self.inner.capabilities, multiple_capture=False)


class OneAtATime(Sound):
    """Two senders of one key at the same moment are two operations."""

    def authorise(self, call: PaymentCall) -> Answer:
        answer = self.inner.look_up(call)
        seen = next(self.fresh)
        if isinstance(answer, NotFound) or seen < 4:
            return super().authorise(evolve(call, key=Key(f"{call.key}/{seen}")))
        return super().authorise(call)


class Suite(PaymentGatewayContract):
    """The suite as the sandbox runs it, without pytest's collection."""

    __test__ = False

    def declined_call(self, till: Till) -> PaymentCall:
        return till.call(Operation.AUTHORISE, 6002)

    def lose_next_reply(self, gateway: PaymentGateway) -> bool:
        assert isinstance(gateway, Sound)
        gateway.loses = True
        return True


Check = Callable[[Till], None]


def checks() -> Mapping[str, Check]:
    """Every test of the suite by name, ready to be called with a till."""
    suite = Suite()
    found: dict[str, Check] = {}
    for name in sorted(name for name in dir(suite) if name.startswith("test_")):
        test = getattr(suite, name)
        cases = [
            operation for mark in getattr(test, "pytestmark", ()) for operation in mark.args[1]
        ]
        for operation in cases:
            found[f"{name}[{operation}]"] = partial(test, operation=operation)
        if not cases:
            found[name] = test
    return found


def failures(make: Callable[[], PaymentGateway]) -> list[str]:
    """The tests of the suite that a gateway fails."""
    failed: list[str] = []
    for name, check in checks().items():
        suite = Suite()
        try:
            check(Till(suite, make(), OrderId(f"order-{name}"), suite.tender))
        except (AssertionError, OrderCoreError):
            failed.append(name.partition("[")[0].removeprefix("test_"))
        except pytest.skip.Exception:
            continue
    return failed


BUGS: Final[Mapping[type[Sound], str]] = {
    ForgetsKeys: "a_resend_answers_the_same",
    ForgetsKeysOf: "resent_captures_and_refunds_move_once",
    KeysByAmount: "a_key_is_never_used_for_something_else",
    OneKeyPerOrder: "other_keys_are_other_operations",
    CapturesTooMuch: "no_more_than_authorised_is_captured",
    RefundsTooMuch: "no_more_than_captured_is_refunded",
    VoidsAnything: "a_void_takes_nothing_back",
    DoesNotVoid: "nothing_is_captured_after_a_void",
    AnswersInCents: "a_call_succeeds_in_full",
    CapturesAll: "parts_do_not_add_up_to_more",
    OneReference: "no_more_than_captured_is_refunded",
    TimeoutIsDecline: "a_decline_is_certain",
    LostIsDecline: "a_lost_reply_is_no_decline",
    LostIsNotFound: "a_lost_reply_to_a_look_up_is_no_not_found",
    FindsNothing: "a_look_up_tells_what_happened",
    FindsOnlyAuthorisations: "a_look_up_of_each_operation_finds_it",
    NotFoundIsDeclined: "a_look_up_of_nothing_finds_nothing",
    LookUpSends: "a_look_up_changes_nothing",
    TakesAnyTarget: "an_unknown_target_moves_nothing",
    ShortMemory: "it_remembers_keys_long_enough",
    ChangesItsMind: "it_declares_what_it_can_do",
    CapturesTwice: "the_only_capture_ends_the_authorisation",
    OneAtATime: "one_key_at_the_same_time_is_one_operation",
    IncreasesAddUp: "increases_do_not_add_up",
    DoesNotRaise: "an_increase_raises_to_the_whole",
    RaisesTheVoided: "what_was_let_go_is_not_changed",
    ExtendsBackwards: "an_extension_lasts_longer",
}


def test_a_sound_gateway_passes() -> None:
    """The door through which the bugs come is sound itself."""
    assert [] == failures(Sound)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: type[Sound]) -> None:
    """The suite fails a gateway with this bug, in the test that is about it."""
    assert BUGS[bug] in failures(bug)


def test_every_check_can_fail() -> None:
    """Each test of the suite fails for some bug."""
    fallen = {name for bug in BUGS for name in failures(bug)}
    assert set() == {name.partition("[")[0].removeprefix("test_") for name in checks()} - fallen
