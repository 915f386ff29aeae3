"""What the decision of one payment command looks at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from attrs import define, frozen

from ordercore.errors import NotFoundError
from ordercore.facts import Event
from ordercore.ids import TenderId
from ordercore.money import CurrencyMismatchError, Money
from ordercore.payment._desk import Desk, PaymentBasis
from ordercore.payment.events import PaymentUnmatched
from ordercore.payment.model import Operation, OperationState, Tender, WaitingReport
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState

__all__ = ["LASTING", "Case", "UnknownTenderError"]

LASTING: Final = frozenset({Operation.AUTHORISE, Operation.EXTEND})
"""What gives an authorisation an end."""


@define
class UnknownTenderError(NotFoundError):
    """The order has no such tender."""

    sentence = "There is no tender {tender} on this order."
    tender: TenderId


@frozen(kw_only=True)
class Case:
    """What the decision of one command looks at."""

    state: PaymentState
    now: datetime
    basis: PaymentBasis
    policy: PaymentPolicy
    capabilities: Capabilities

    def tender(self, tender: TenderId) -> Tender:
        """The tender with this id, or a refusal."""
        found = self.state.tender(tender)
        if found is None:
            raise UnknownTenderError(tender)
        return found

    def in_currency(self, amount: Money) -> Money:
        """The amount, or a refusal of another currency than the order's."""
        if amount.currency != self.basis.currency:
            raise CurrencyMismatchError(amount.currency.code, self.basis.currency.code)
        return amount

    @property
    def desk(self) -> Desk:
        """What lies on the table when intents are worked out."""
        return Desk(self.state, self.now, self.basis, self.policy, self.capabilities)

    def wait(self, report: WaitingReport) -> Iterator[Event]:
        """Keep a report for later, unless it waits already; an amount counts by its largest."""
        for known in self.state.waiting:
            if known.is_like(report) and not _is_more(report.amount, known.amount):
                return
        yield PaymentUnmatched(report=report, at=report.at)

    def ends(self, found: OperationState, told: datetime | None, at: datetime) -> datetime | None:
        """
        When it expires: as told, else the lifetime that the gateway declares after it began.

        It began when it was asked for, at the latest: only what the gateway had under way before
        began when it was told. An end that lies before the question was asked is none.
        """
        asked = found.intent.at
        known = told if told is not None and told > asked else found.expires_at
        is_stored = found.tender is not None and found.tender.account is not None
        if known is not None or is_stored or found.intent.operation not in LASTING:
            return known
        began = asked if found.reference is None else max(asked, min(at, self.now))
        return began + self.capabilities.authorisation_lifetime

    def refundable(self, tender: TenderId) -> Money:
        """The most that may be given back to one tender (RULES PAY-3)."""
        book = self.state.book
        most = min(book.of(tender).refundable, book.total.refundable)
        return Money(most, self.basis.currency)


def _is_more(new: Money | None, known: Money | None) -> bool:
    """Whether the larger of two cumulative amounts is the new one."""
    return new is not None and (known is None or new > known)
