"""
What `PartyRepository` promises, as tests: versions apart from the facts, erased for ever.
"""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve

from ordercore.errors import ConflictError
from ordercore.ids import PartyId, StreamId
from ordercore.order.party import Address, Party
from ordercore.ports.repositories import Store, UnknownPartyError
from ordercore.testing.contracts._case import StoreCase
from ordercore.testing.contracts._world import changes, note, open_order, stream_change

__all__ = ["PartyRepositoryContract"]

ANN: Final = PartyId("p-1")
FULL: Final = Party(
    id=ANN,
    name="Ann Žižek",
    email="ann@example.org",
    phone="+49 30 1",
    address=Address(lines=("Road 1", "2nd floor"), city="Town", postal_code="1", country="DE"),
    vat_id="DE1",
)


def _write(store: Store, *parties: Party, commit: str) -> None:
    store.commit(evolve(changes(commit=commit), parties=parties))


class PartyRepositoryContract(StoreCase):
    """People's data by version; erasing never breaks a replay."""

    def test_versions_stand_side_by_side(self, store: Store) -> None:
        """An edit makes the next version, the old one stays."""
        moved = evolve(FULL, version=2, address=None)
        _write(store, FULL, commit="c-1")
        _write(store, moved, commit="c-2")
        assert (FULL, moved) == (store.party(ANN, 1), store.party(ANN, 2))

    def test_an_unknown_version_is_not_found(self, store: Store) -> None:
        """Neither an unknown person nor an unknown version."""
        _write(store, FULL, commit="c-1")
        for party, version in ((ANN, 2), (ANN, 0), (PartyId("p-2"), 1)):
            with pytest.raises(UnknownPartyError):
                store.party(party, version)

    def test_the_same_version_may_be_written_again(self, store: Store) -> None:
        """With the same data nothing changes, with other data it is a conflict."""
        _write(store, FULL, commit="c-1")
        _write(store, FULL, commit="c-2")
        with pytest.raises(ConflictError):
            _write(store, evolve(FULL, name="Eve"), commit="c-3")
        assert FULL == store.party(ANN, 1)

    def test_erasing_removes_all_versions(self, store: Store) -> None:
        """They come back empty and marked; others stay, and so do the facts."""
        other = evolve(FULL, id=PartyId("p-10"))
        _write(store, FULL, evolve(FULL, version=2), other, commit="c-1")
        open_order(store, StreamId("o-1"))
        assert 2 == store.erase(ANN)
        for version in (1, 2):
            assert Party(id=ANN, version=version, erased=True) == store.party(ANN, version)
        assert other == store.party(other.id, 1)
        assert (note(),) == store.load(StreamId("o-1")).tail

    def test_erasing_again_changes_nothing(self, store: Store) -> None:
        """The versions are counted, erased or not; nobody has none."""
        _write(store, FULL, commit="c-1")
        assert (1, 1, 0) == (store.erase(ANN), store.erase(ANN), store.erase(PartyId("nobody")))

    def test_an_erased_version_does_not_come_back(self, store: Store) -> None:
        """A commit that still carries the data is a conflict; nothing of it is written."""
        _write(store, FULL, commit="c-1")
        store.erase(ANN)
        late = changes(stream_change(StreamId("o-1"), note()), commit="c-2")
        with pytest.raises(ConflictError):
            store.commit(evolve(late, parties=(FULL,)))
        assert store.party(ANN, 1).erased
        assert () == store.streams()
