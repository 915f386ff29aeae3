"""
One walk over the operations of an order, which adds up every balance (RULES PAY-1, PAY-3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import define, field, frozen

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

__all__ = ["Aimed", "Book", "Sums", "Term"]


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
    voids_in_flight: int = 0
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
            case Operation.VOID | Operation.INCREASE | Operation.EXTEND:
                pass


@frozen(kw_only=True)
class Term:
    """How long an authorisation can be captured; ``ends`` None: it does not expire."""

    began: datetime | None
    ends: datetime | None
    extension: Key | None = None
    """The latest extension that succeeded."""
    is_last: bool = False
    """An extension did not lengthen it: no other one will."""


@define
class Aimed:
    """What was done about one operation: captures, voids and changes of it, refunds of it."""

    used: int = 0
    capturing: int = 0
    voiding: int = 0
    refunds: int = 0
    is_busy: bool = False
    changes: list[OperationState] = field(factory=list[OperationState])
    """Increases and extensions, oldest first."""


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
            left, rise = self.live(operation), self.rising(operation)
            for sums in (self.total, tenders[operation.intent.tender]):
                sums.authorised += left
                sums.voids_in_flight += min(left, self.voiding(operation))
                sums.authorisations_in_flight += rise
        self.tenders = tenders

    def _add_outside(self, tenders: dict[TenderId, Sums]) -> None:
        for entry in self.recorded.values():
            more = self.beside(entry)
            for sums in (self.total, tenders[entry.tender]):
                if entry.is_refund:
                    sums.refunded += more
                else:
                    sums.captured += more
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

    def moved(self, tender: TenderId, reference: Reference, *, is_refund: bool) -> int:
        """
        What our own captures or refunds of a tender moved under a reference.

        Who records by hand what came under it means the same money, whoever was first (PAY-3).
        """
        return sum(found.moved.minor for found in self._own(tender, reference, is_refund=is_refund))

    def is_taken_back(self, tender: TenderId, reference: Reference, *, is_refund: bool) -> bool:
        """Whether the outside took back what our own operations moved under a reference (PAY-6)."""
        own = self._own(tender, reference, is_refund=is_refund)
        return any(found.status is OperationStatus.FAILED for found in own)

    def beside(self, entry: RecordedPayment) -> int:
        """What an entry by hand adds to our own; nothing where that money was taken back."""
        tender, reference, is_refund = entry.tender, entry.reference, entry.is_refund
        if self.is_taken_back(tender, reference, is_refund=is_refund):
            return 0
        return max(0, entry.amount.minor - self.moved(tender, reference, is_refund=is_refund))

    def maybe_recorded(self) -> int:
        """What is on its way back without a name yet, and may be what is recorded by hand."""
        nameless: dict[TenderId, int] = defaultdict(int)
        by_hand: dict[TenderId, int] = defaultdict(int)
        for found in self.operations.values():
            if found.intent.operation is Operation.REFUND and found.reference is None:
                nameless[found.intent.tender] += found.in_flight.minor
        for entry in self.recorded.values():
            by_hand[entry.tender] += self.beside(entry) if entry.is_refund else 0
        return sum(min(minor, by_hand[tender]) for tender, minor in nameless.items())

    def _own(
        self, tender: TenderId, reference: Reference, *, is_refund: bool
    ) -> Iterator[OperationState]:
        kind = Operation.REFUND if is_refund else Operation.CAPTURE
        return (
            found
            for found in self.operations.values()
            if found.reference == reference
            and (found.intent.operation, found.intent.tender) == (kind, tender)
        )

    def of(self, tender: TenderId) -> Sums:
        """The sums of one tender."""
        return self.tenders.get(tender, Sums())

    def live(self, authorisation: OperationState) -> int:
        """What can still be captured from an authorisation, captures on their way included."""
        if authorisation.is_closed or authorisation.status is not OperationStatus.SUCCEEDED:
            return 0
        key = authorisation.intent.key
        used = self._aimed[key].used if key in self._aimed else 0
        return max(0, self.granted(authorisation) - used)

    def granted(self, authorisation: OperationState) -> int:
        """What was set aside by it and its increases: the largest whole that was told (PAY-3)."""
        raised = (change.moved.minor for change in self.changes(authorisation, Operation.INCREASE))
        return max(authorisation.moved.minor, *raised, 0)

    def rising(self, authorisation: OperationState) -> int:
        """What an increase that is under way may still add."""
        if authorisation.is_closed or authorisation.status is not OperationStatus.SUCCEEDED:
            return 0
        open_ = (
            change.intent.amount.minor
            for change in self.changes(authorisation, Operation.INCREASE)
            if change.is_open and not change.is_abandoned
        )
        return max(0, max(open_, default=0) - self.granted(authorisation))

    def term(self, authorisation: OperationState) -> Term:
        """From when until when it stands, extensions included."""
        began, ends = authorisation.settled_at, authorisation.expires_at
        extension, is_last = None, False
        for change in self.changes(authorisation, Operation.EXTEND):
            if change.status is not OperationStatus.SUCCEEDED:
                continue
            extension = change.intent.key
            is_last = ends is None or change.expires_at is None or change.expires_at <= ends
            if not is_last:
                began, ends = change.settled_at, change.expires_at
        return Term(began=began, ends=ends, extension=extension, is_last=is_last)

    def changes(self, authorisation: OperationState, *kinds: Operation) -> Iterator[OperationState]:
        """Its increases or extensions, or both; oldest first."""
        key = authorisation.intent.key
        found = self._aimed[key].changes if key in self._aimed else ()
        return (change for change in found if not kinds or change.intent.operation in kinds)

    def changing(self, authorisation: OperationState, *kinds: Operation) -> OperationState | None:
        """An increase or extension of it that is under way."""
        found = (change for change in self.changes(authorisation, *kinds) if change.is_open)
        return next(found, None)

    def is_untouched(self, authorisation: OperationState) -> bool:
        """Whether all of it stands, and nothing is under way about it."""
        left = self.live(authorisation)
        if left <= 0 or left != self.granted(authorisation) or self.is_busy(authorisation):
            return False
        return self.changing(authorisation) is None

    def refundable(self, capture: OperationState) -> int:
        """What can still be refunded of a capture: neither refunded nor on its way back."""
        key = capture.intent.key
        back = self._aimed[key].refunds if key in self._aimed else 0
        return max(0, capture.moved.minor - back)

    def capturing(self, authorisation: OperationState) -> int:
        """How much of it is being captured."""
        key = authorisation.intent.key
        return self._aimed[key].capturing if key in self._aimed else 0

    def voiding(self, authorisation: OperationState) -> int:
        """How much of it is being let go."""
        key = authorisation.intent.key
        return self._aimed[key].voiding if key in self._aimed else 0

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
            else:
                about.voiding += operation.in_flight.minor
        case Operation.REFUND:
            about.refunds += operation.moved.minor + operation.in_flight.minor
        case Operation.INCREASE | Operation.EXTEND:
            about.changes.append(operation)
        case Operation.AUTHORISE:
            pass
