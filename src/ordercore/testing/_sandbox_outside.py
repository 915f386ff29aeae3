"""
What happens at the sandbox gateway without anybody asking: banks, payers, and slow networks.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager

from ordercore.ids import Key, Reference, TenderId
from ordercore.money import Money
from ordercore.payment.model import DisputeStatus, Operation
from ordercore.ports.gateways import PaymentCall, PaymentGateway
from ordercore.testing._sandbox_books import Ask, Entry, EntryState
from ordercore.testing._sandbox_desk import Desk
from ordercore.testing._sandbox_errors import UnknownToSandboxError

__all__ = ["Outside"]


class Outside(PaymentGateway):
    """A gateway whose outside can be told what to do."""

    @abstractmethod
    def _desk(self) -> AbstractContextManager[Desk]:
        """The books, in one transaction."""

    def fail(self, reference: Reference) -> None:
        """
        Take back a capture or refund that had succeeded, and tell.

        Raises:
            UnknownToSandboxError: There is none.
        """
        with self._desk() as desk:
            entry = _known(desk, reference, {Operation.CAPTURE, Operation.REFUND})
            desk.books.undo(entry.key, fails_at=desk.now, expires_at=entry.expires_at)
            desk.webhooks.fail(entry, desk.now)

    def expire(self, reference: Reference) -> None:
        """
        End an authorisation before its time, and tell.

        Raises:
            UnknownToSandboxError: There is none.
        """
        with self._desk() as desk:
            entry = _known(desk, reference, {Operation.AUTHORISE})
            extensions = desk.books.aimed_at(entry.reference)
            for each in (entry, *(row for row in extensions if row.expires_at is not None)):
                desk.books.undo(each.key, fails_at=each.fails_at, expires_at=desk.now)
            desk.webhooks.expire(entry, desk.now)

    def dispute(
        self,
        capture: Reference,
        *,
        reference: Reference,
        status: DisputeStatus = DisputeStatus.OPENED,
        amount: Money | None = None,
    ) -> None:
        """
        Let the payer's bank open, lose or win a dispute about a capture, and tell.

        Raises:
            UnknownToSandboxError: There is no such capture.
        """
        with self._desk() as desk:
            entry = _known(desk, capture, {Operation.CAPTURE})
            about = amount or entry.amount
            desk.books.dispute(reference, capture=capture, amount=about, status=status)
            desk.webhooks.dispute(entry, desk.now, reference=reference, status=status, amount=about)

    def refuse(self, tender: TenderId) -> None:
        """From here on decline, for now, whatever a tender shall be authorised or raised for."""
        with self._desk() as desk:
            desk.books.refuse(tender, desk.now, refused=True)

    def accept(self, tender: TenderId) -> None:
        """Let a tender pay again that was refused, such as with another card."""
        with self._desk() as desk:
            desk.books.refuse(tender, desk.now, refused=False)

    def overturn(self, key: Key) -> None:
        """
        Let an authorisation that was declined have happened after all, from now on, and tell.

        Raises:
            UnknownToSandboxError: No authorisation was declined under this key.
        """
        with self._desk() as desk:
            found = desk.books.find(key)
            is_declined = found is not None and found.state(desk.now) is EntryState.DECLINED
            if found is None or not is_declined or found.operation is not Operation.AUTHORISE:
                raise UnknownToSandboxError(key)
            ends = desk.now + desk.capabilities.authorisation_lifetime
            desk.books.overturn(key, known_at=desk.now, expires_at=ends)
            desk.webhooks.plan(desk.books.find(key) or found)

    def arrive(self, call: PaymentCall) -> None:
        """Let a call that had got lost arrive after all, however late; a known one does nothing."""
        with self._desk() as desk:
            desk.books.delay(Ask.of(call), desk.now)


def _known(desk: Desk, reference: Reference, kinds: set[Operation]) -> Entry:
    for kind in kinds:
        found = desk.books.called(reference, kind)
        if found is not None and found.state(desk.now) is EntryState.SUCCEEDED:
            return found
    raise UnknownToSandboxError(reference)
