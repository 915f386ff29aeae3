"""A host's own repository and gateway, checked by the contract suites that ship (needs pytest)."""

import sys

import pytest
from attrs import evolve

from ordercore import MemoryStore, Party, PaymentGateway, Store
from ordercore.ids import PartyId, StreamId
from ordercore.payment.answers import Answer, LookUpAnswer
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import PaymentCall
from ordercore.ports.unit_of_work import ChangeSet, Committed, VersionConflictError
from ordercore.testing.contracts.gateway import PaymentGatewayContract
from ordercore.testing.contracts.people import PartyRepositoryContract
from ordercore.testing.sandbox import SandboxGateway


class CustomerTable(MemoryStore):
    """People live in the host's own table; everything else stays where it was."""

    def __init__(self) -> None:
        super().__init__()
        self.customers: dict[tuple[PartyId, int], Party] = {}

    def commit(self, changes: ChangeSet) -> Committed:
        for party in changes.parties:
            if self.customers.get((party.id, party.version), party) != party:
                raise VersionConflictError(StreamId(party.id), party.version - 1, party.version)
        committed = super().commit(evolve(changes, parties=()))
        self.customers.update({(party.id, party.version): party for party in changes.parties})
        return committed

    def party(self, party: PartyId, version: int) -> Party:
        return self.customers.get((party, version)) or super().party(party, version)

    def erase(self, party: PartyId) -> int:
        mine = [key for key in self.customers if key[0] == party]
        self.customers.update({k: Party(id=party, version=k[1], erased=True) for k in mine})
        return len(mine)


class Provider(PaymentGateway):
    """The shop's payment provider (a sandbox here); whatever it raises means "nobody knows"."""

    client = SandboxGateway(":memory:")

    @property
    def capabilities(self) -> Capabilities:
        return self.client.capabilities

    def authorise(self, call: PaymentCall) -> Answer:
        answer: Answer = getattr(self.client, call.operation)(call)
        return answer

    capture = void = refund = authorise

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        return self.client.look_up(call)


class TestCustomerTable(PartyRepositoryContract):
    """The host's table keeps what `PartyRepository` promises."""

    def make_store(self) -> Store:
        return CustomerTable()


class TestProvider(PaymentGatewayContract):
    """The provider keeps what `PaymentGateway` promises."""

    def make_gateway(self) -> PaymentGateway:
        return Provider()


if __name__ == "__main__":
    raise SystemExit(__doc__ if sys.argv[1:] else pytest.main(["-q", __file__]))
