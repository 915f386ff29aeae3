"""
Every balance of an order's money, derived anew from the operations (RULES PAY-1, PAY-3).
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ordercore.ids import TenderId
from ordercore.money import Currency, Money, sum_money
from ordercore.payment.model import (
    DisputeStatus,
    Operation,
    OperationState,
    OperationStatus,
    PaymentState,
)

__all__ = ["PaymentTotals", "live", "refundable", "totals"]


@frozen(kw_only=True)
class PaymentTotals:
    """
    The letters of RULES S and what is still on its way; all of one currency, none below zero.

    ``in_flight`` figures are operations that may still turn out to have happened.
    """

    authorised: Money
    captured: Money
    refunded: Money
    disputes_open: Money
    disputes_lost: Money
    authorisations_in_flight: Money
    captures_in_flight: Money
    refunds_in_flight: Money

    @property
    def held(self) -> Money:
        """H = C − F − K."""
        return self.captured - self.refunded - self.disputes_lost

    @property
    def covered(self) -> Money:
        """Held money, live authorisations and authorisations on their way."""
        return self.held + self.authorised + self.authorisations_in_flight


def totals(
    state: PaymentState, currency: Currency, *, tender: TenderId | None = None
) -> PaymentTotals:
    """The balances over all tenders, or of one."""

    def mine(operation: Operation) -> list[OperationState]:
        return [
            found
            for found in state.of(operation)
            if tender is None or found.intent.tender == tender
        ]

    def recorded(*, is_refund: bool) -> list[Money]:
        return [
            entry.amount
            for entry in state.recorded.values()
            if entry.is_refund is is_refund and tender in {None, entry.tender}
        ]

    def disputed(status: DisputeStatus) -> Money:
        found = (
            dispute.amount
            for dispute in state.disputes.values()
            if dispute.status is status and tender in {None, dispute.tender}
        )
        return sum_money(list(found), currency)

    captures, refunds = mine(Operation.CAPTURE), mine(Operation.REFUND)
    authorisations = mine(Operation.AUTHORISE)
    return PaymentTotals(
        authorised=sum_money([live(state, found) for found in authorisations], currency),
        captured=sum_money([*_moved(captures), *recorded(is_refund=False)], currency),
        refunded=sum_money([*_moved(refunds), *recorded(is_refund=True)], currency),
        disputes_open=disputed(DisputeStatus.OPENED),
        disputes_lost=disputed(DisputeStatus.LOST),
        authorisations_in_flight=_in_flight(authorisations, currency),
        captures_in_flight=_in_flight(captures, currency),
        refunds_in_flight=_in_flight(refunds, currency),
    )


def live(state: PaymentState, authorisation: OperationState) -> Money:
    """What can still be captured from an authorisation, captures on their way included."""
    key = authorisation.intent.key
    used = _moved(state.aimed_at(key, Operation.CAPTURE))
    used += _moved(state.aimed_at(key, Operation.VOID))
    left = authorisation.moved - sum_money(used, authorisation.intent.amount.currency)
    if authorisation.is_final:
        return Money.zero(left.currency)
    return left if left.is_positive else Money.zero(left.currency)


def refundable(state: PaymentState, capture: OperationState) -> Money:
    """What can still be refunded of a capture: neither refunded nor on its way back."""
    back = [
        found.moved if not found.is_open else found.intent.amount
        for found in state.aimed_at(capture.intent.key, Operation.REFUND)
    ]
    return capture.moved - sum_money(back, capture.intent.amount.currency)


def _moved(found: Iterable[OperationState]) -> list[Money]:
    return [state.moved for state in found if state.status is OperationStatus.SUCCEEDED]


def _in_flight(found: Iterable[OperationState], currency: Currency) -> Money:
    return sum_money([state.intent.amount for state in found if state.is_open], currency)
