"""
One walk over the operations of an order, which adds up every balance (RULES PAY-1, PAY-3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from attrs import define, field

from ordercore.ids import Key, Reference, TenderId
from ordercore.payment.model import (
    Dispute,
    DisputeStatus,
    Operation,
    OperationState,
    OperationStatus,
    RecordedPayment,
    Tender,
)
from ordercore.payment.tender import STORED

__all__ = ["Aimed", "Book", "Sums"]


@define
class Sums:
    """The same figures in minor units, while they are added up."""

    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    disputes_open: int = 0
    disputes_lost: int = 0
    authorisations_in_flight: int = 0
    captures_in_flight: int = 0
    refunds_in_flight: int = 0
    passed_on: int = 0
    """Of a tender: what went out under another one, such as to an order made from this one."""

    @property
    def brought(self) -> int:
        """What it took, and neither gave back nor passed on."""
        return self.taken - self.passed_on

    @property
    def taken(self) -> int:
        """C − F."""
        return self.captured - self.refunded

    @property
    def held(self) -> int:
        """H = C − F − K."""
        return self.taken - self.disputes_lost

    @property
    def refundable(self) -> int:
        """C − F − refunds in flight − disputes open or lost, at least zero; not what passed on."""
        gone = self.refunds_in_flight + self.disputes_open + self.disputes_lost
        return max(0, self.brought - gone)

    def add(self, operation: OperationState) -> None:
        """Add what an operation moved, and what it may still move."""
        moved, open_ = operation.moved.minor, operation.in_flight.minor
        match operation.intent.operation:
            case Operation.AUTHORISE:
                self.authorisations_in_flight += open_
            case Operation.CAPTURE:
                self.captured += moved
                self.captures_in_flight += open_
            case Operation.REFUND:
                self.refunded += moved
                self.refunds_in_flight += open_
            case Operation.VOID:
                pass


@define
class Aimed:
    """What was done about one operation: captures and voids of it, refunds of it."""

    used: int = 0
    capturing: int = 0
    refunds: int = 0
    is_busy: bool = False


@define
class Book:
    """All balances of one order's payments, in minor units of one currency; made once."""

    operations: Mapping[Key, OperationState]
    recorded: Mapping[Reference, RecordedPayment]
    disputes: Mapping[Reference, Dispute]
    order: tuple[Tender, ...] = ()
    total: Sums = field(factory=Sums, init=False)
    tenders: Mapping[TenderId, Sums] = field(init=False)
    _aimed: Mapping[Key, Aimed] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Add everything up, once."""
        tenders: dict[TenderId, Sums] = defaultdict(Sums)
        aimed: dict[Key, Aimed] = defaultdict(Aimed)
        for operation in self.operations.values():
            self.total.add(operation)
            tenders[operation.intent.tender].add(operation)
            if operation.intent.target is not None:
                _aim(aimed[operation.intent.target], operation)
        self._aimed = aimed
        self._add_outside(tenders)
        self._pass_on(tenders)
        for operation in self.operations.values():
            if operation.intent.operation is not Operation.AUTHORISE:
                continue
            left = self.live(operation)
            self.total.authorised += left
            tenders[operation.intent.tender].authorised += left
        self.tenders = tenders

    def _add_outside(self, tenders: dict[TenderId, Sums]) -> None:
        for entry in self.recorded.values():
            for sums in (self.total, tenders[entry.tender]):
                if entry.is_refund:
                    sums.refunded += entry.amount.minor
                else:
                    sums.captured += entry.amount.minor
        for dispute in self.disputes.values():
            for sums in (self.total, tenders[dispute.tender]):
                if dispute.status is DisputeStatus.OPENED:
                    sums.disputes_open += dispute.amount.minor
                elif dispute.status is DisputeStatus.LOST:
                    sums.disputes_lost += dispute.amount.minor

    def _pass_on(self, tenders: dict[TenderId, Sums]) -> None:
        """Charge what went out under tenders that had not so much to those that brought it."""
        missing = sum(max(0, -sums.taken) for sums in tenders.values())
        for tender in sorted(self.order, key=_again) if missing else ():
            sums = tenders[tender.id]
            sums.passed_on = min(missing, sums.refundable)
            missing -= sums.passed_on

    def of(self, tender: TenderId) -> Sums:
        """The sums of one tender."""
        return self.tenders.get(tender, Sums())

    def live(self, authorisation: OperationState) -> int:
        """What can still be captured from an authorisation, captures on their way included."""
        if authorisation.is_closed or authorisation.status is not OperationStatus.SUCCEEDED:
            return 0
        key = authorisation.intent.key
        used = self._aimed[key].used if key in self._aimed else 0
        return max(0, authorisation.moved.minor - used)

    def refundable(self, capture: OperationState) -> int:
        """What can still be refunded of a capture: neither refunded nor on its way back."""
        key = capture.intent.key
        back = self._aimed[key].refunds if key in self._aimed else 0
        return max(0, capture.moved.minor - back)

    def capturing(self, authorisation: OperationState) -> int:
        """How much of it is being captured."""
        key = authorisation.intent.key
        return self._aimed[key].capturing if key in self._aimed else 0

    def is_busy(self, authorisation: OperationState) -> bool:
        """Whether a capture or a void of it is under way."""
        key = authorisation.intent.key
        return key in self._aimed and self._aimed[key].is_busy


def _again(tender: Tender) -> tuple[bool, bool]:
    """First the tenders that can be charged anew, of these the stored value last."""
    return not tender.uses_gateway, tender.kind in STORED


def _aim(about: Aimed, operation: OperationState) -> None:
    match operation.intent.operation:
        case Operation.CAPTURE | Operation.VOID:
            about.used += operation.moved.minor
            about.is_busy = about.is_busy or operation.is_open
            if operation.intent.operation is Operation.CAPTURE:
                about.capturing += operation.in_flight.minor
        case Operation.REFUND:
            about.refunds += operation.moved.minor + operation.in_flight.minor
        case Operation.AUTHORISE:
            pass
