"""
All that is known about an order's money: the state that payment facts are folded into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from attrs import field, frozen

from ordercore.ids import Key, Reference, TenderId
from ordercore.payment._book import Book
from ordercore.payment.model import (
    FAILURES,
    About,
    Dispute,
    Intent,
    Operation,
    OperationState,
    OperationStatus,
    RecordedPayment,
    Tender,
    WaitingReport,
)
from ordercore.payment.policy import OF_STORE_VALUE, Capabilities

__all__ = ["PaymentState"]


@frozen(kw_only=True)
class PaymentState:
    """All that is known about an order's money; the mappings are never changed in place."""

    tenders: tuple[Tender, ...] = ()
    operations: Mapping[Key, OperationState] = field(factory=dict[Key, OperationState])
    recorded: Mapping[Reference, RecordedPayment] = field(factory=dict[Reference, RecordedPayment])
    disputes: Mapping[Reference, Dispute] = field(factory=dict[Reference, Dispute])
    waiting: tuple[WaitingReport, ...] = ()

    @cached_property
    def book(self) -> Book:
        """All balances, added up once: states never change."""
        return Book(self.operations, self.recorded, self.disputes, self.tenders)

    def of(self, operation: Operation) -> Iterator[OperationState]:
        """The operations of one kind, oldest first."""
        return (state for state in self.operations.values() if state.intent.operation is operation)

    @cached_property
    def _authorisations(self) -> Mapping[TenderId, Iterable[OperationState]]:
        found: dict[TenderId, list[OperationState]] = {}
        for state in self.of(Operation.AUTHORISE):
            found.setdefault(state.intent.tender, []).append(state)
        return found

    def authorisations(self, tender: TenderId | None = None) -> Iterable[OperationState]:
        """All authorisations, or those of one tender, oldest first."""
        if tender is None:
            return self.of(Operation.AUTHORISE)
        return self._authorisations.get(tender, ())

    def tender(self, tender: TenderId) -> Tender | None:
        """The tender with this id."""
        return next((candidate for candidate in self.tenders if candidate.id == tender), None)

    def able(self, tender: TenderId, gateway: Capabilities) -> Capabilities:
        """What can be asked for a tender: an account of store value is not the gateway (PAY-2)."""
        found = self.tender(tender)
        return OF_STORE_VALUE if found is not None and found.account is not None else gateway

    def paid_with(self, intent: Intent) -> Tender | None:
        """The tender as the call says it: that of its target, else as it is now."""
        target = self.operations.get(intent.target) if intent.target is not None else None
        known = None if target is None else target.tender
        return known or self.tender(intent.tender)

    def failures_like(self, intent: Intent) -> tuple[OperationState, ...]:
        """The attempts at the same thing that came to nothing, since the last that did not."""
        found: list[OperationState] = []
        for state in self.of(intent.operation):
            if (state.intent.tender, state.intent.target) == (intent.tender, intent.target):
                if state.status in FAILURES and not state.is_forgiven:
                    found.append(state)
                elif state.status is OperationStatus.SUCCEEDED:
                    found.clear()
        return tuple(found)

    def aimed_at(self, key: Key, operation: Operation) -> Iterator[OperationState]:
        """The operations of one kind about the operation *key*."""
        return (state for state in self.of(operation) if state.intent.target == key)

    def called(self, reference: Reference, operation: Operation) -> OperationState | None:
        """The operation of one kind that the gateway calls so; of several the latest."""
        found = [state for state in self.of(operation) if state.reference == reference]
        return found[-1] if found else None

    def authorisation(self, reference: Reference) -> OperationState | None:
        """The authorisation that the gateway calls so, by itself or since an extension of it."""
        found = self.called(reference, Operation.AUTHORISE)
        extension = self.called(reference, Operation.EXTEND) if found is None else None
        if extension is None or extension.intent.target is None:
            return found
        return self.operations.get(extension.intent.target)

    def is_booked(self, report: WaitingReport) -> bool:
        """
        Whether somebody has recorded by hand, under its reference, what a report says.

        Money that came in answers a capture, money that went out a refund or a dispute; a failure
        is answered by its opposite.
        """
        known = self.recorded.get(report.reference)
        if known is None or report.about is About.COLLECTION:
            return False
        if report.about is About.DISPUTE:
            return known.is_refund
        if report.operation in {Operation.CAPTURE, Operation.REFUND}:
            is_out = report.operation is Operation.REFUND
            return known.is_refund is (is_out is not (report.about is About.FAILURE))
        return True
