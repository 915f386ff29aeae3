"""One door left open is found by the law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from attrs import evolve

from ordercore.facts import Event, Request
from ordercore.money import Money
from ordercore.order.linked import Linking
from ordercore.order.model import Order
from ordercore.service import _weighed
from ordercore.service.permissions import amount_of
from tests.laws.test_gifts import doors, open_doors


def _only_what_it_says(
    before: Order | None, command: Request, events: tuple[Event, ...]
) -> Money | None:
    del before, events
    return amount_of(command)


def _nobody_is_asked(events: tuple[Event, ...]) -> Iterator[object]:
    del events
    return iter(())


def _nothing_moves(before: Order, after: Order) -> Money:
    del after
    return Money.zero(before.priced.currency)


def _never_expires(before: Order, after: Order) -> None:
    del before, after


def _only_what_is_asked(before: Order, after: Order, events: tuple[Event, ...]) -> Money:
    """Blind to what is credited at once."""
    return _CREDITED(before, evolve(after, credits=before.credits), events)


def _same_terms(before: Order, command: Linking, events: tuple[Event, ...]) -> None:
    del before, command, events


def _never_uncovered(order: Order) -> Money:
    return Money.zero(order.priced.currency)


def _on_no_word(before: Order, after: Order, command: Request) -> None:
    del before, after, command


_CREDITED = _weighed._credited
BUGS: Final = {
    "given_away": (_only_what_it_says, "Cancel"),
    "_asked": (_nobody_is_asked, "Cancel"),
    "_moved": (_nothing_moves, "ResolveOperation"),
    "_expiring": (_never_expires, "AmendTerms"),
    "_credited": (_only_what_is_asked, "UndoAmendment"),
    "_under_other_terms": (_same_terms, "SplitOrder"),
    "_trusted_anew": (_nothing_moves, "AddTender"),
    "_made_sure": (_nothing_moves, "ResolveOperation"),
    "_on_a_word": (_on_no_word, "Confirm"),
    "_uncovered": (_never_uncovered, "VoidAuthorisation"),
}


@pytest.mark.parametrize("name", BUGS)
def test_an_open_door_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions: each part that is weighed by what the facts do is needed."""
    bug, through = BUGS[name]
    monkeypatch.setattr(_weighed, name, bug)
    found = [door for door in doors() if type(door.command).__name__ == through]
    assert through in {kind for _, kind in open_doors(found)}
