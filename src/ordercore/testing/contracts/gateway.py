"""
What `PaymentGateway` promises, as tests: keys, bounds, and answers that can be believed.

They send real calls of test money. What a gateway does not declare in its capabilities is not
asked of it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.ids import Reference
from ordercore.money import Money
from ordercore.payment.answers import Answer, Declined, LookUpAnswer, NotFound, Succeeded
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.testing.contracts._till import GatewayCase, Till

__all__ = ["GatewayCase", "PaymentGatewayContract", "Till"]

NOWHERE: Final = Reference("no-such-reference")
AUTHORISE: Final = Operation.AUTHORISE
CAPTURE: Final = Operation.CAPTURE
VOID: Final = Operation.VOID
REFUND: Final = Operation.REFUND
INCREASE: Final = Operation.INCREASE
EXTEND: Final = Operation.EXTEND
DECLARED_AS: Final = {INCREASE: "incremental", EXTEND: "extend"}


def _needs(till: Till, name: str) -> None:
    """Skip what the gateway does not declare."""
    if not getattr(till.gateway.capabilities, name):
        pytest.skip(f"the gateway does not declare {name}")


class PaymentGatewayContract(GatewayCase):
    """The whole suite of a payment gateway (RULES PAY-2, PAY-3)."""

    # --- what it declares -----------------------------------------------------------------------

    def test_it_declares_what_it_can_do(self, till: Till) -> None:
        """The declaration is a value, the same each time, and takes the suite's currency."""
        declared = till.gateway.capabilities
        assert Capabilities is type(declared)
        assert declared == till.gateway.capabilities
        assert declared.takes(self.currency)
        assert declared.call_timeout > timedelta(0)

    def test_it_remembers_keys_long_enough(self, till: Till) -> None:
        """Keys live longer than "not found" may mean "not yet" under the default policy."""
        PaymentPolicy().check(till.gateway.capabilities)

    # --- keys -----------------------------------------------------------------------------------

    def test_a_call_succeeds_in_full(self, till: Till) -> None:
        """The answer names what was moved, in the currency that was asked for."""
        answer = till.done(till.call(AUTHORISE, self.amount_minor))
        assert Money(self.amount_minor, self.currency) == answer.amount
        if answer.expires_at is not None:
            assert timedelta(0) == answer.expires_at.utcoffset()

    def test_a_resend_answers_the_same(self, till: Till) -> None:
        """Same key, same body: the same operation, as often as it is sent."""
        call = till.call(AUTHORISE, self.amount_minor)
        first = till.done(call)
        assert {first.reference} == {till.done(call).reference for _ in range(3)}

    def test_resent_captures_and_refunds_move_once(self, till: Till) -> None:
        """What was left before a resend is left after it."""
        _needs(till, "partial_capture")
        _needs(till, "multiple_capture")
        part = self.amount_minor // 3
        authorisation = till.authorise(3 * part)
        call = till.call(CAPTURE, part, target=authorisation)
        first = till.done(call)
        assert {first.reference} == {till.done(call).reference for _ in range(3)}
        rest = till.capture(2 * part, authorisation)
        refund = till.call(REFUND, part, target=rest)
        back = till.done(refund)
        assert {back.reference} == {till.done(refund).reference for _ in range(3)}
        till.done(till.call(REFUND, part, target=rest))

    def test_a_key_is_never_used_for_something_else(self, till: Till) -> None:
        """Same key, other amount: nothing more is moved (ABUSE 32)."""
        call = till.call(AUTHORISE, self.amount_minor)
        first = till.done(call)
        other = evolve(call, amount=Money(self.amount_minor + 100, self.currency))
        answer = till.send(other)
        if isinstance(answer, Succeeded):
            assert (first.reference, first.amount) == (answer.reference, answer.amount)
        again = till.done(call)
        assert (first.reference, first.amount) == (again.reference, again.amount)

    def test_other_keys_are_other_operations(self, till: Till) -> None:
        """Two authorisations of one order have two references, and do not share their money."""
        one, two = till.authorise(self.amount_minor), till.authorise(self.amount_minor)
        assert one != two
        till.capture(self.amount_minor, one)
        till.capture(self.amount_minor, two)

    def test_one_key_at_the_same_time_is_one_operation(self, till: Till) -> None:
        """Several senders of one call get one answer (ABUSE 40)."""
        call = till.call(AUTHORISE, self.amount_minor)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(till.done, [call] * 4))
        assert 1 == len({answer.reference for answer in answers})

    # --- look-up --------------------------------------------------------------------------------

    def test_a_look_up_tells_what_happened(self, till: Till) -> None:
        """It finds an operation by our own key, with reference and amount."""
        _needs(till, "look_up")
        call = till.call(AUTHORISE, self.amount_minor)
        done = till.done(call)
        found = till.found(call)
        assert isinstance(found, Succeeded)
        assert (done.reference, done.amount) == (found.reference, found.amount)

    def test_a_look_up_of_each_operation_finds_it(self, till: Till) -> None:
        """Captures, voids and refunds are found under their own keys."""
        _needs(till, "look_up")
        captured, voided = till.authorise(self.amount_minor), till.authorise(self.amount_minor)
        capture = till.call(CAPTURE, self.amount_minor, target=captured)
        void = till.call(VOID, self.amount_minor, target=voided)
        refund = till.call(REFUND, self.amount_minor, target=till.done(capture).reference)
        expected = [(call.key, till.done(call).reference) for call in (capture, void, refund)]
        found = [(call.key, till.found(call)) for call in (capture, void, refund)]
        assert expected == [
            (key, answer.reference) for key, answer in found if isinstance(answer, Succeeded)
        ]

    def test_a_look_up_of_nothing_finds_nothing(self, till: Till) -> None:
        """A key that was never sent is not found: neither declined nor guessed."""
        _needs(till, "look_up")
        assert NotFound() == till.found(till.call(AUTHORISE, self.amount_minor))

    def test_a_look_up_changes_nothing(self, till: Till) -> None:
        """Asking does not send: the call can be sent afterwards, and is the first."""
        _needs(till, "look_up")
        call = till.call(AUTHORISE, self.amount_minor)
        assert [NotFound()] * 3 == [till.found(call) for _ in range(3)]
        done = till.done(call)
        assert {done.reference} == {
            found.reference
            for found in (till.found(call) for _ in range(3))
            if isinstance(found, Succeeded)
        }

    # --- lost replies ---------------------------------------------------------------------------

    @pytest.mark.parametrize("operation", [AUTHORISE, CAPTURE], ids=str)
    def test_a_lost_reply_is_no_decline(self, till: Till, operation: Operation) -> None:
        """It raises, or says that nobody knows; asked and sent again, it tells what happened."""
        target = till.authorise(self.amount_minor) if operation is CAPTURE else None
        call = till.call(operation, self.amount_minor, target=target)
        if not self.lose_next_reply(till.gateway):
            pytest.skip("the suite was given no lose_next_reply()")
        answer: Answer | None = None
        with suppress(Exception):  # whatever is raised means that nobody knows
            answer = till.once(call)
        assert not isinstance(answer, Declined), f"it was done, and {answer} was answered"
        found = till.found(call) if till.gateway.capabilities.look_up else None
        assert not isinstance(found, Declined | NotFound), f"it was done, and {found} was found"
        done = till.done(call)
        for told in (answer, found):
            assert not isinstance(told, Succeeded) or done.reference == told.reference

    def test_a_lost_reply_to_a_look_up_is_no_not_found(self, till: Till) -> None:
        """Who could not ask knows nothing: "not found" would let it be done once more."""
        _needs(till, "look_up")
        call = till.call(AUTHORISE, self.amount_minor)
        till.done(call)
        if not self.lose_next_reply(till.gateway):
            pytest.skip("the suite was given no lose_next_reply()")
        answer: LookUpAnswer | None = None
        with suppress(Exception):  # whatever is raised means that nobody knows
            answer = till.gateway.look_up(call)
        assert not isinstance(answer, Declined | NotFound), f"it was done, and {answer} was found"

    # --- bounds ---------------------------------------------------------------------------------

    def test_no_more_than_authorised_is_captured(self, till: Till) -> None:
        """Beyond the declared over-capture nothing is taken (ABUSE 37)."""
        over = self.amount_minor * till.gateway.capabilities.over_capture
        authorisation = till.authorise(self.amount_minor)
        too_much = self.amount_minor + int(over) + 1
        till.refused(till.call(CAPTURE, too_much, target=authorisation))
        till.capture(self.amount_minor, authorisation)

    def test_parts_do_not_add_up_to_more(self, till: Till) -> None:
        """Several captures, each under its own key, take the whole and then nothing."""
        _needs(till, "partial_capture")
        _needs(till, "multiple_capture")
        part = self.amount_minor // 3
        authorisation = till.authorise(3 * part)
        references = {till.capture(part, authorisation) for _ in range(3)}
        assert 3 == len(references)
        over = int(3 * part * till.gateway.capabilities.over_capture)
        till.refused(till.call(CAPTURE, over + 1, target=authorisation))

    def test_the_only_capture_ends_the_authorisation(self, till: Till) -> None:
        """Without multiple capture nothing is left after the first (RULES PAY-4)."""
        if till.gateway.capabilities.multiple_capture:
            pytest.skip("the gateway declares multiple_capture")
        authorisation = till.authorise(self.amount_minor)
        first = self.amount_minor
        if till.gateway.capabilities.partial_capture:
            first //= 2
        till.capture(first, authorisation)
        till.refused(till.call(CAPTURE, self.amount_minor // 2, target=authorisation))

    def test_nothing_is_captured_after_a_void(self, till: Till) -> None:
        """What was let go cannot be taken (ABUSE 38)."""
        authorisation = till.authorise(self.amount_minor)
        till.done(till.call(VOID, self.amount_minor, target=authorisation))
        till.refused(till.call(CAPTURE, self.amount_minor, target=authorisation))

    def test_a_void_takes_nothing_back(self, till: Till) -> None:
        """What was captured is not let go: a void touches the rest only (RULES PAY-3)."""
        authorisation = till.authorise(self.amount_minor)
        capture = till.capture(self.amount_minor, authorisation)
        till.refused(till.call(VOID, self.amount_minor, target=authorisation))
        _needs(till, "refund_before_settlement")
        till.done(till.call(REFUND, self.amount_minor, target=capture))

    def test_no_more_than_captured_is_refunded(self, till: Till) -> None:
        """In one step or in several, the whole comes back once (ABUSE 42)."""
        _needs(till, "refund_before_settlement")
        part = self.amount_minor // 3
        capture = till.capture(3 * part, till.authorise(3 * part))
        till.refused(till.call(REFUND, 3 * part + 1, target=capture))
        references = {
            till.done(till.call(REFUND, part, target=capture)).reference for _ in range(3)
        }
        assert 3 == len(references)
        till.refused(till.call(REFUND, 1, target=capture))

    @pytest.mark.parametrize("operation", [CAPTURE, VOID, REFUND, INCREASE, EXTEND], ids=str)
    def test_an_unknown_target_moves_nothing(self, till: Till, operation: Operation) -> None:
        """A reference that the gateway never gave is declined, as the shop's own fault."""
        if operation in DECLARED_AS:
            _needs(till, DECLARED_AS[operation])
        answer = till.send(till.call(operation, self.amount_minor, target=NOWHERE))
        assert isinstance(answer, Declined)

    # --- increases and extensions ---------------------------------------------------------------

    def test_an_increase_raises_to_the_whole(self, till: Till) -> None:
        """Its amount is that of the whole authorisation, all of which can be captured then."""
        _needs(till, "incremental")
        whole = self.amount_minor + self.amount_minor // 2
        authorisation = till.authorise(self.amount_minor)
        call = till.call(INCREASE, whole, target=authorisation)
        first = till.done(call)
        assert {first.reference} == {till.done(call).reference for _ in range(3)}
        over = int(whole * till.gateway.capabilities.over_capture)
        till.refused(till.call(CAPTURE, whole + over + 1, target=authorisation))
        till.capture(whole, authorisation)

    def test_increases_do_not_add_up(self, till: Till) -> None:
        """The second one says the whole too; no more than that can be captured."""
        _needs(till, "incremental")
        authorisation = till.authorise(self.amount_minor)
        till.increase(self.amount_minor + 200, authorisation)
        whole = self.amount_minor + 300
        till.increase(whole, authorisation)
        over = int(whole * till.gateway.capabilities.over_capture)
        till.refused(till.call(CAPTURE, whole + over + 1, target=authorisation))
        till.capture(whole, authorisation)

    def test_an_extension_lasts_longer(self, till: Till) -> None:
        """It says until when, not before the authorisation would have ended; nothing is added."""
        _needs(till, "extend")
        authorised = till.done(till.call(AUTHORISE, self.amount_minor))
        call = till.call(EXTEND, self.amount_minor, target=authorised.reference)
        extended = till.done(call)
        assert {extended.reference} == {till.done(call).reference for _ in range(3)}
        if extended.expires_at is not None and authorised.expires_at is not None:
            assert extended.expires_at >= authorised.expires_at
        capture = till.call(CAPTURE, self.amount_minor, target=authorised.reference)
        till.done(evolve(capture, extension=extended.reference))

    @pytest.mark.parametrize("operation", [INCREASE, EXTEND], ids=str)
    def test_a_look_up_of_a_change_finds_it(self, till: Till, operation: Operation) -> None:
        """Increases and extensions are found under their own keys, with the whole amount."""
        _needs(till, "look_up")
        _needs(till, DECLARED_AS[operation])
        whole = self.amount_minor + (self.amount_minor // 2 if operation is INCREASE else 0)
        call = till.call(operation, whole, target=till.authorise(self.amount_minor))
        assert NotFound() == till.found(call)
        done = till.done(call)
        found = till.found(call)
        assert isinstance(found, Succeeded)
        assert (done.reference, done.amount) == (found.reference, found.amount)

    @pytest.mark.parametrize("operation", [INCREASE, EXTEND], ids=str)
    def test_what_was_let_go_is_not_changed(self, till: Till, operation: Operation) -> None:
        """After a void nothing is set aside again by raising or extending it (ABUSE 38)."""
        _needs(till, DECLARED_AS[operation])
        authorisation = till.authorise(self.amount_minor)
        till.done(till.call(VOID, self.amount_minor, target=authorisation))
        whole = self.amount_minor + (300 if operation is INCREASE else 0)
        till.refused(till.call(operation, whole, target=authorisation))
        till.refused(till.call(CAPTURE, self.amount_minor, target=authorisation))

    # --- declines -------------------------------------------------------------------------------

    def test_a_decline_is_certain(self, till: Till) -> None:
        """What was declined did not happen, whenever one asks; a resend does not change it."""
        call = self.declined_call(till)
        if call is None:
            pytest.skip("the suite was given no call that is declined")
        assert isinstance(till.send(call), Declined)
        assert isinstance(till.send(call), Declined)
        if till.gateway.capabilities.look_up:
            assert isinstance(till.found(call), Declined | NotFound)

    def test_a_decline_leaves_no_trace(self, till: Till) -> None:
        """After a refused capture, all of the authorisation can be taken."""
        authorisation = till.authorise(self.amount_minor)
        too_much = 2 * self.amount_minor + 1
        if till.gateway.capabilities.over_capture < 1:
            till.refused(till.call(CAPTURE, too_much, target=authorisation))
        till.capture(self.amount_minor, authorisation)
