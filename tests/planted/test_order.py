"""
Wrong ways to run an order, each of which a law must notice.

Every bug here is one that shops have had: a fact that is not folded, a credit that counts twice, a
cancel that keeps the stock, a first parcel that is charged for the whole order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count

import pytest
from attrs import evolve as changed

from ordercore.errors import BrokenContractError
from ordercore.facts import Event
from ordercore.fulfilment.events import ShipmentDispatched
from ordercore.ids import TenderId
from ordercore.inventory.model import Allocation
from ordercore.money import Money
from ordercore.order import _cancel, _consequences, balance, rules
from ordercore.order import events as ev
from ordercore.order import evolve as folding
from ordercore.order.model import Order
from ordercore.payment import intents
from ordercore.process import due, settle
from ordercore.process.tasks import Task
from ordercore.service.engine import Engine
from ordercore.service.turn import Turn
from tests.laws.test_order import Step, law_of_orders

SENT: list[Step] = [("place", 3, 3), ("ship", 0, 0)]
CUT: list[Step] = [("place", 7, 3), ("cancel_units", 0, 1)]
ENDED: list[Step] = [("place", 9, 0), ("cancel", 0, 0)]
KIND: list[Step] = [("place", 1, 0), ("refund", 0, 0)]
BACK: list[Step] = [("place", 1, 3), ("ship", 0, 9), ("track", 0, 0), ("return", 0, 1)]
SILENT: list[Step] = [("silence", 3, 0), ("place", 1, 0), ("time", 0, 1)]
LATE: list[Step] = [("silence", 1, 0), ("place", 1, 0), *[("time", 9, 0)] * 10]
MOVED: list[Step] = [("place", 1, 0), ("move", 0, 1)]
AT_ONCE: list[Step] = [("place", 7, 3), ("cancel", 0, 0), ("time", 1, 0)]

Fold = Callable[[Order, Event], Order]
Plant = Callable[[pytest.MonkeyPatch], None]


def falls(story: list[Step]) -> bool:
    """Whether the laws fall for a story; a broken promise inside counts as seen."""
    try:
        law_of_orders(story)
    except (AssertionError, BrokenContractError):
        return True
    return False


def fold_as(kind: type[Event], fold: Callable[[Fold, Order, Event], Order]) -> Plant:
    """Another fold for one kind of fact; it is given the right one."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        folds = dict(folding._FOLDS)
        right = folds[kind]
        folds[kind] = lambda order, event: fold(right, order, event)
        patch.setattr(folding, "_FOLDS", folds)

    return plant


def dropped(_right: Fold, order: Order, _event: Event) -> Order:
    return order


def credited_twice(right: Fold, order: Order, event: Event) -> Order:
    return right(right(order, event), event)


def credit_forgotten(right: Fold, order: Order, event: Event) -> Order:
    return changed(right(order, event), credits=order.credits)


_calls = count()


def counts_its_calls(right: Fold, order: Order, event: Event) -> Order:
    """A fold with a memory: the second replay is another order."""
    after = right(order, event)
    return changed(after, notes=(*after.notes, str(next(_calls))))


def cancel_keeps_the_stock(patch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> Iterator[Allocation]:
        return iter(())

    patch.setattr(_cancel, "released", nothing)


def without(rule: str) -> Plant:
    """One rule of what is due is missing."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        left = tuple(one for one in due.RULES if one.__name__ != rule)
        assert len(due.RULES) - 1 == len(left)
        patch.setattr(due, "RULES", left)

    return plant


def first_parcel_takes_all(patch: pytest.MonkeyPatch) -> None:
    def everything(_order: Order, debt: Money) -> Money:
        return debt

    patch.setattr(balance, "_claimable", everything)


def nothing_goes_back(patch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> tuple[tuple[TenderId, Money], ...]:
        return ()

    patch.setattr(balance, "refund_plan", nowhere)


def authorisations_stay(patch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> tuple[object, ...]:
        return ()

    patch.setattr(intents, "voids", none)


def nobody_looks_again(patch: pytest.MonkeyPatch) -> None:
    def never(_self: Engine, _turn: Turn, _now: datetime) -> None:
        return None

    patch.setattr(Engine, "_due_at", never)

    def no_time(_order: Order, _now: datetime) -> None:
        return None

    patch.setattr("ordercore.service.engine.wake_at", no_time)


def cancelled_units_are_open(patch: pytest.MonkeyPatch) -> None:
    """Cancelled units take stock again, and again."""

    def all_of_them(order: Order, line: object) -> int:
        del order
        return getattr(line, "quantity", 0)

    patch.setattr(rules, "open_units", all_of_them)


def expiry_forgives_nothing(patch: pytest.MonkeyPatch) -> None:
    right = settle._expired

    def expired(order: Order, now: datetime) -> Iterator[Event]:
        for event in right(order, now):
            assert isinstance(event, ev.OrderExpired)
            parts = tuple(
                changed(part, amount=part.amount - part.amount) for part in event.credit.parts
            )
            yield changed(event, credit=changed(event.credit, parts=parts))

    patch.setattr(settle, "_expired", expired)


def tasks_in_turns(patch: pytest.MonkeyPatch) -> None:
    """A worker that does only the first thing of each kind leaves the rest undone."""

    def first(order: Order, now: datetime) -> Iterator[Task]:
        for rule in due.RULES[-2:]:
            yield from rule(due.Scene(order, now))

    patch.setattr(due, "tasks", first)


def moved_work_leaves_its_stock(patch: pytest.MonkeyPatch) -> None:
    """Work goes to another place, and its reservation stays where it was."""

    def nothing(_order: Order, _event: Event, _now: datetime) -> Iterator[Event]:
        return iter(())

    patch.setattr(_consequences, "_moved", nothing)


BUGS: list[tuple[str, Plant, list[Step]]] = [
    ("a cancel is not folded", fold_as(ev.UnitsCancelled, dropped), CUT),
    ("a cancel lowers no debt", fold_as(ev.UnitsCancelled, credit_forgotten), CUT),
    ("a dispatch has no worth", fold_as(ShipmentDispatched, dropped), SENT),
    ("a credit counts twice", fold_as(ev.CreditGranted, credited_twice), KIND),
    ("a returned unit counts twice", fold_as(ev.CreditGranted, credited_twice), BACK),
    ("a fold remembers", fold_as(ev.OrderConfirmed, counts_its_calls), SENT),
    ("a cancel keeps the stock", cancel_keeps_the_stock, CUT),
    ("an ended order keeps the stock", without("_releases_stock"), LATE),
    ("stock is never taken", without("_reserves"), SENT),
    ("nothing is authorised or captured", without("_pays"), SENT),
    ("the first parcel takes all", first_parcel_takes_all, SENT),
    ("nothing goes back", nothing_goes_back, AT_ONCE),
    ("authorisations stay", authorisations_stay, ENDED),
    ("nobody looks again", nobody_looks_again, SILENT),
    ("cancelled units take stock", cancelled_units_are_open, CUT),
    ("an expiry forgives nothing", expiry_forgives_nothing, LATE),
    ("work is left undone", tasks_in_turns, SENT),
    ("moved work leaves its stock", moved_work_leaves_its_stock, MOVED),
]


@pytest.mark.parametrize(
    ("plant", "story"), [bug[1:] for bug in BUGS], ids=[bug[0].replace(" ", "-") for bug in BUGS]
)
def test_a_planted_bug_is_caught(
    plant: Plant, story: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in deciding, folding or working off breaks a law in a story that is fine without it."""
    assert not falls(story)
    plant(monkeypatch)
    assert falls(story)
