"""
The books of the sandbox gateway: what it was asked, what it did, and what it will tell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum, unique
from hashlib import sha256
from typing import Final

from attrs import field, frozen

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import Money
from ordercore.payment.answers import (
    ActionRequired,
    Answer,
    Declined,
    DeclineKind,
    PartiallyApproved,
    Pending,
    Succeeded,
)
from ordercore.payment.model import COVERING, DisputeStatus, Operation, TenderKind
from ordercore.ports.gateways import PaymentCall

__all__ = ["Ask", "Books", "Entry", "EntryState", "Planned", "Verdict"]

_REFUSED: Final = "tender refused"
_ACCEPTED: Final = "tender accepted again"


@frozen(kw_only=True)
class Ask:
    """A call as it is kept: ``body`` is a fingerprint of all that must not change on a resend."""

    key: Key
    body: str
    order: OrderId
    operation: Operation
    tender: TenderId
    tender_kind: TenderKind
    amount: Money
    target: Reference | None
    not_after: datetime

    @classmethod
    def of(cls, call: PaymentCall) -> Ask:
        """What a call asks; the payer's instrument is not kept, only its fingerprint."""
        body = (
            call.order,
            call.operation.value,
            call.tender.id,
            call.tender.kind.value,
            call.tender.instrument,
            call.amount.currency.code,
            call.amount.minor,
            call.target,
            call.party,
            call.not_after.isoformat(),
            *(() if call.extension is None else (call.extension,)),
        )
        return cls(
            key=call.key,
            body=sha256(repr(body).encode()).hexdigest(),
            order=call.order,
            operation=call.operation,
            tender=call.tender.id,
            tender_kind=call.tender.kind,
            amount=call.amount,
            target=call.target,
            not_after=call.not_after,
        )


@frozen(kw_only=True)
class Verdict:
    """What a gateway says to one operation, before anything goes wrong on the way."""

    amount: Money
    kind: DeclineKind | None = None
    code: str = ""
    retry_after: timedelta | None = None
    expires_at: datetime | None = None


@unique
class EntryState(StrEnum):
    """What became of an operation in the gateway's own books."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"


@frozen(kw_only=True)
class Entry:
    """
    One operation in the gateway's own books.

    ``asked`` was wanted, ``amount`` is what it moved, or will have moved at ``known_at``.
    """

    key: Key
    body: str = field(repr=False)
    order: OrderId
    operation: Operation
    tender: TenderId
    asked: Money
    amount: Money
    target: Reference | None
    reference: Reference
    at: datetime
    known_at: datetime
    by_payer: bool = False
    fails_at: datetime | None = None
    expires_at: datetime | None = None
    kind: DeclineKind | None = None
    code: str = ""
    retry_after: timedelta | None = None

    def state(self, now: datetime) -> EntryState:
        """What is known of it now."""
        if now < self.known_at:
            return EntryState.PENDING
        if self.kind is not None:
            return EntryState.DECLINED
        if self.fails_at is not None and self.fails_at <= now:
            return EntryState.TAKEN_BACK
        return EntryState.SUCCEEDED

    @property
    def uses(self) -> bool:
        """Whether it takes of its target, as captures, voids and refunds do."""
        return self.operation not in COVERING

    def counts(self, now: datetime) -> bool:
        """Whether its amount is taken, or reserved for what is still pending."""
        return self.kind is None and (self.fails_at is None or now < self.fails_at)

    def answer(self, now: datetime) -> Answer:
        """What the gateway says when asked about it now."""
        match self.state(now):
            case EntryState.PENDING if self.by_payer:
                return ActionRequired(reference=self.reference, action="confirm at the bank")
            case EntryState.PENDING:
                return Pending(reference=self.reference)
            case EntryState.DECLINED if self.kind is not None:
                return Declined(kind=self.kind, code=self.code, retry_after=self.retry_after)
            case EntryState.TAKEN_BACK:
                return Declined(kind=DeclineKind.HARD, code="taken_back")
            case _:
                reply = Succeeded if self.amount == self.asked else PartiallyApproved
                return reply(
                    reference=self.reference, amount=self.amount, expires_at=self.expires_at
                )


@frozen(kw_only=True)
class Planned:
    """
    Something that the gateway will tell at ``due_at``.

    A dispute has its own ``dispute`` reference, ``status`` and ``amount`` in minor units.
    """

    due_at: datetime
    about: str
    key: Key
    named: bool
    happened_at: datetime
    dispute: str | None = None
    status: str | None = None
    amount: int | None = None


class Books(ABC):
    """All that a gateway writes down; in one transaction of a file, or in memory."""

    @abstractmethod
    def find(self, key: Key) -> Entry | None:
        """The operation that this key stands for."""

    @abstractmethod
    def called(self, reference: Reference | None, operation: Operation) -> Entry | None:
        """The operation of one kind that the gateway itself calls so."""

    @abstractmethod
    def entries(self, order: OrderId | None = None) -> tuple[Entry, ...]:
        """All operations, or those of one order, in the order in which they came."""

    @abstractmethod
    def aimed_at(self, reference: Reference) -> tuple[Entry, ...]:
        """What was done about one operation."""

    def granted(self, authorisation: Entry, now: datetime) -> int:
        """All that was set aside by it and its increases, in minor units."""
        raised = (
            entry.amount.minor for entry in self._changes(authorisation, now, Operation.INCREASE)
        )
        return max(authorisation.amount.minor, *raised, 0)

    def is_over(self, authorisation: Entry, now: datetime) -> bool:
        """Whether it has expired, its extensions included."""
        extensions = (
            entry.expires_at for entry in self._changes(authorisation, now, Operation.EXTEND)
        )
        ends = (authorisation.expires_at, *extensions)
        return all(end is not None and end <= now for end in ends)

    def _changes(self, authorisation: Entry, now: datetime, kind: Operation) -> Iterator[Entry]:
        """Its increases or extensions that have succeeded by now."""
        for entry in self.aimed_at(authorisation.reference):
            if entry.operation is kind and entry.state(now) is EntryState.SUCCEEDED:
                yield entry

    @abstractmethod
    def about(self, reference: Reference) -> tuple[Entry, ...]:
        """One operation, and what was done about it."""

    @abstractmethod
    def add(self, entry: Entry) -> None:
        """Write an operation down."""

    @abstractmethod
    def undo(self, key: Key, *, fails_at: datetime | None, expires_at: datetime | None) -> None:
        """Note when a success is taken back, or when it ends."""

    @abstractmethod
    def overturn(self, key: Key, *, known_at: datetime, expires_at: datetime) -> None:
        """Note that what was declined has happened after all."""

    @abstractmethod
    def disputed(self, capture: Reference) -> int:
        """How much of a capture is under dispute or lost in one, in minor units."""

    @abstractmethod
    def dispute(
        self, reference: Reference, *, capture: Reference, amount: Money, status: DisputeStatus
    ) -> None:
        """Write down where a dispute stands."""

    # --- calls ----------------------------------------------------------------------------------

    @abstractmethod
    def log(self, key: Key, what: str, now: datetime, *, wrong: str = "") -> int:
        """Write down that a call came, and what was wrong with it; how many came before it."""

    @abstractmethod
    def logged(self, key: Key, what: str) -> int:
        """How many calls of one kind came under this key."""

    @abstractmethod
    def wrong_calls(self) -> tuple[tuple[Key, str], ...]:
        """Calls that a correct engine never makes, with what is wrong about them."""

    def blame(self, key: Key, wrong: str, now: datetime) -> None:
        """Write down that a call wanted what it should not have wanted."""
        self.log(key, "blame", now, wrong=wrong)

    def refuse(self, tender: TenderId, now: datetime, *, refused: bool) -> None:
        """Write down whether a tender is declined from here on."""
        if refused is not self.refuses(tender):
            self.log(Key(tender), _REFUSED if refused else _ACCEPTED, now)

    def refuses(self, tender: TenderId) -> bool:
        """Whether a tender is declined, for now."""
        return self.logged(Key(tender), _REFUSED) > self.logged(Key(tender), _ACCEPTED)

    @abstractmethod
    def delay(self, ask: Ask, arrives_at: datetime) -> None:
        """Keep a call that is still on its way."""

    @abstractmethod
    def arrived(self, now: datetime) -> tuple[tuple[Ask, datetime], ...]:
        """Take the calls that have arrived by now, each with its time."""

    # --- webhooks -------------------------------------------------------------------------------

    @abstractmethod
    def plan(self, planned: Planned) -> None:
        """Keep something that is still to be told."""

    @abstractmethod
    def planned(self, now: datetime, limit: int) -> tuple[tuple[int, Planned], ...]:
        """What is to be told by now, in the order in which it is sent, each with its number."""

    @abstractmethod
    def sent(self, number: int) -> None:
        """Note that a webhook reached somebody."""
