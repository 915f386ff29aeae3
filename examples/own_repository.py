"""
A host's own repository and gateway, checked by the contract suites that ship with the library.

The shop keeps its customers in a table of its own and pays through a gateway of its own; the rest
is the library's. Run it: ``python examples/own_repository.py`` (it needs pytest).
"""

from __future__ import annotations

import sys

import pytest
from attrs import evolve

from ordercore import MemoryStore, Party, PaymentGateway
from ordercore.ids import Key, PartyId, Reference
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
from ordercore.ports.gateways import PaymentCall
from ordercore.ports.repositories import UnknownPartyError
from ordercore.ports.unit_of_work import ChangeSet, Committed, VersionConflictError
from ordercore.testing.contracts.gateway import PaymentGatewayContract
from ordercore.testing.contracts.people import PartyRepositoryContract


class CustomerTable(MemoryStore):
    """People live in the host's own table; everything else stays where it was."""

    def __init__(self) -> None:
        super().__init__()
        self.customers: dict[tuple[PartyId, int], Party] = {}

    def commit(self, changes: ChangeSet) -> Committed:
        """Keep the people apart, and only when the facts were taken."""
        for party in changes.parties:
            known = self.customers.get((party.id, party.version), party)
            if known != party:
                raise VersionConflictError(party.id, party.version - 1, party.version)
        committed = super().commit(evolve(changes, parties=()))
        self.customers.update({(party.id, party.version): party for party in changes.parties})
        return committed

    def party(self, party: PartyId, version: int) -> Party:
        """One version of a customer."""
        try:
            return self.customers[party, version]
        except KeyError:
            raise UnknownPartyError(party, version) from None

    def erase(self, party: PartyId) -> int:
        """Forget a customer for ever."""
        versions = [version for known, version in self.customers if known == party]
        for version in versions:
            self.customers[party, version] = Party(id=party, version=version, erased=True)
        return len(versions)


class Desk(PaymentGateway):
    """A gateway that keeps one row for each key: amount, target, answer."""

    capabilities = Capabilities(partial_void=True)

    def __init__(self) -> None:
        self.rows: dict[Key, tuple[PaymentCall, Answer]] = {}

    def authorise(self, call: PaymentCall) -> Answer:
        """Do it once: the same key and body get the same answer."""
        done, _ = known = self.rows.get(call.key) or (call, self._answer(call))
        if done != call:
            return Declined(kind=DeclineKind.CONFIGURATION, code="key_reused")
        return self.rows.setdefault(call.key, known)[1]

    capture = void = refund = authorise

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        """What was noted under the key."""
        return self.rows[call.key][1] if call.key in self.rows else NotFound()

    def _answer(self, call: PaymentCall) -> Answer:
        if call.operation is not Operation.AUTHORISE and call.amount.minor > self._left(call):
            return Declined(kind=DeclineKind.CONFIGURATION, code="more_than_there_is")
        return Succeeded(reference=Reference(f"desk-{len(self.rows)}"), amount=call.amount)

    def _left(self, call: PaymentCall) -> int:
        """What the target still has: a capture for refunds, an authorisation for the others."""
        wanted = Operation.CAPTURE if call.operation is Operation.REFUND else Operation.AUTHORISE
        left = 0
        for done, answer in self.rows.values():
            if isinstance(answer, Succeeded) and done.amount.currency == call.amount.currency:
                is_target = answer.reference == call.target and done.operation is wanted
                left += done.amount.minor * (is_target - (done.target == call.target))
        return left


class TestCustomerTable(PartyRepositoryContract):
    """The host's table keeps what `PartyRepository` promises."""

    def make_store(self) -> CustomerTable:
        """A fresh one."""
        return CustomerTable()


class TestDesk(PaymentGatewayContract):
    """The host's gateway keeps what `PaymentGateway` promises."""

    def make_gateway(self) -> Desk:
        """A fresh one."""
        return Desk()


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--import-mode=importlib", __file__]))
