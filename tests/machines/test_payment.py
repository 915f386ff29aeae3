"""
Any history of calls that get lost, come late or are answered by silence (RULES PAY-2, PAY-3).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]  # untyped there
)

from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from tests.laws.payment_world import (
    Fate,
    Shop,
    Wishes,
    law_of_the_end,
    law_of_the_purse,
    law_of_truth,
    lose_dispute,
    with_wishes,
)

TOTAL: Final = 10_000
fates = st.lists(st.sampled_from(Fate), max_size=12)


class PaymentMachine(RuleBasedStateMachine):
    """One order, from authorisation to the last refund, with everything going wrong."""

    shop: Shop

    @initialize(
        can=st.sets(st.sampled_from(["partial", "multiple", "void", "increase", "extend"])),
        placement=st.booleans(),
        renew_days=st.sampled_from([0, 2]),
    )
    def open(self, can: set[str], placement: bool, renew_days: int) -> None:
        """A gateway with some capabilities, and an order of 100 euros."""
        self.shop = Shop(
            policy=PaymentPolicy(
                capture=CaptureWhen.PLACEMENT if placement else CaptureWhen.DISPATCH,
                renew_before=timedelta(days=renew_days),
            ),
            capabilities=Capabilities(
                partial_capture="partial" in can or not placement,
                multiple_capture="multiple" in can,
                partial_void="void" in can,
                incremental="increase" in can,
                extend="extend" in can,
            ),
            wishes=Wishes(owed=TOTAL, claimable=TOTAL if placement else 0),
        )

    @rule(fates=fates)
    def work(self, fates: list[Fate]) -> None:
        """The engine does what is due."""
        self.shop.work(fates)

    @rule(fates=fates)
    def crash(self, fates: list[Fate]) -> None:
        """The engine dies after one round."""
        self.shop.step(fates)

    @rule(minutes=st.sampled_from([1, 6, 16, 31, 47, 90, 60 * 25, 60 * 24 * 6, 60 * 24 * 8]))
    def wait(self, minutes: int) -> None:
        """Time goes by; calls under way arrive."""
        self.shop.wait(minutes)

    @rule(minor=st.integers(1, 4_000))
    def dispatch(self, minor: int) -> None:
        """Goods go: more may be claimed."""
        most = max(TOTAL, self.shop.wishes.owed)
        with_wishes(self.shop, claimable=min(self.shop.wishes.claimable + minor, most))

    @rule(minor=st.integers(1, 4_000))
    def credit(self, minor: int) -> None:
        """Units are cancelled or come back: less is owed."""
        with_wishes(self.shop, owed=max(self.shop.wishes.owed - minor, 0))

    @rule(minor=st.integers(1, 4_000))
    def amend(self, minor: int) -> None:
        """Units are added: more is owed."""
        owed = min(self.shop.wishes.owed + minor, 2 * TOTAL)
        at_once = self.shop.policy.capture is CaptureWhen.PLACEMENT
        with_wishes(self.shop, owed=owed, claimable=owed if at_once else None)

    @precondition(lambda self: not self.shop.wishes.ended)
    @rule()
    def end(self) -> None:
        """The order is cancelled or has expired."""
        with_wishes(self.shop, ended=True)

    @rule(data=st.data())
    def webhook(self, data: st.DataObject) -> None:
        """The gateway tells something that happened, perhaps not for the first time."""
        reports = self.shop.gateway.webhooks(self.shop.now)
        if reports:
            self.shop.tell(data.draw(st.sampled_from(reports)))

    @rule(data=st.data(), share=st.integers(1, 100))
    def chargeback(self, data: st.DataObject, share: int) -> None:
        """A bank takes a part of a capture back for good."""
        book = self.shop.state.book
        captures = [
            (found.reference, book.refundable(found) * share // 100)
            for found in self.shop.state.of(Operation.CAPTURE)
            if found.reference is not None
        ]
        if captures and not self.shop.state.disputes:
            reference, minor = data.draw(st.sampled_from(captures))
            if minor > 0:
                lose_dispute(self.shop, reference, minor)

    @invariant()
    def books_are_true(self) -> None:
        """The books never run ahead of the truth, and no one pays twice."""
        if hasattr(self, "shop"):
            law_of_truth(self.shop)
            law_of_the_purse(self.shop)

    def teardown(self) -> None:
        """In the end all is known, and what was too much is back."""
        if not hasattr(self, "shop"):
            return
        self.shop.wait(60)
        self.shop.settle()
        law_of_truth(self.shop)
        if not self.shop.state.operations or self.is_stuck:
            return
        law_of_the_end(self.shop)

    @property
    def is_stuck(self) -> bool:
        """Whether a person must look: a call is unresolved, or was declined too often."""
        state = self.shop.state
        tired = any(len(state.failures_like(at.intent)) > 0 for at in state.operations.values())
        return tired or bool(state.disputes) or any(at.is_open for at in state.operations.values())


def test_payments_keep_their_laws_in_any_history() -> None:
    """Whatever gets lost, comes late or is told twice, nobody pays twice and the books are true."""
    chosen = settings(
        max_examples=60,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(PaymentMachine, settings=chosen)
