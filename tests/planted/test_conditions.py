"""
Single conditions that nothing missed when they were gone: each has the law that misses it.

The bug is planted in the text of a function, so that everything else in it stays as it is.
"""

from __future__ import annotations
import __future__

import inspect
import sys
import textwrap
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from sqlite3 import Connection
from typing import Final

import pytest
from attrs import evolve

from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import OrderCoreError
from ordercore.ids import ItemId, LineId, OrderId, PartyId, StreamId
from ordercore.inventory.commands import PolicyLine, SetStockPolicy
from ordercore.inventory.model import StockPolicy
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import _bases
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.party import Address, Party
from ordercore.order.terms import Terms
from ordercore.payment import _cover
from ordercore.payment import intents as intending
from ordercore.payment._book import Book
from ordercore.payment._desk import Desk
from ordercore.payment.model import Operation
from ordercore.payment.policy import PaymentPolicy
from ordercore.ports.unit_of_work import ChangeSet, Committed
from ordercore.pricing import _lots
from ordercore.pricing.discounts import PercentOff
from ordercore.pricing.draft import QuantityRule
from ordercore.pricing.model import UnitPrice
from ordercore.pricing.totals import price
from ordercore.process import due
from ordercore.service.engine import Engine, Settings
from ordercore.testing.contracts._world import NOON, changes, note, stream_change
from tests.laws import order_world as trade
from tests.laws.payment_world import LIFETIME, START, Fate, Shop, with_wishes
from tests.regressions import test_cover, test_lost_wishes, test_same_money
from tests.unit.pricing.shop import component, draft, eur, line

ONE: Final = StreamId("o-1")
TEA: Final = LineId("tea")
Law = Callable[[Path], None]


# --- the file -----------------------------------------------------------------------------------


def person(number: int) -> Party:
    """Somebody with data of some size; every piece of it says whose it is."""
    mark = f"canary-{number:03d}"
    lines = tuple(f"{mark} {'x' * (number * 7 % 90)}" for _ in range(1 + number % 3))
    return Party(
        id=PartyId(f"p-{number}"),
        name=f"{mark} {'n' * (number * 13 % 80)}",
        email=f"{mark}@example.org",
        address=Address(lines=lines, city=mark, postal_code="1", country="DE"),
    )


def law_of_erasing(folder: Path) -> None:
    """Of many people, each that is erased is in no byte of any file, and each other one is."""
    with closing(SqliteStore(folder / "shop.db")) as store:
        people = [person(number) for number in range(60)]
        store.commit(evolve(changes(commit="c"), parties=tuple(people)))
        erased = [number for number in range(60) if number % 7 in {0, 3}]
        for number in erased:
            assert 1 == store.erase(people[number].id)
            content = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
            found = {one for one in range(60) if f"canary-{one:03d}".encode() in content}
            gone = {one for one in erased if one <= number}
            assert {*range(60)} - gone == found


class Overtaken(SqliteStore):
    """Somebody else writes between two of its statements."""

    def __init__(self, path: Path, overtake: Callable[[], object]) -> None:
        super().__init__(path)
        self._overtake = [overtake]

    def _go(self) -> None:
        if self._overtake:
            self._overtake.pop()()

    def _snapshot(self, connection: Connection, stream: StreamId) -> tuple[Order | None, int]:
        self._go()
        return super()._snapshot(connection, stream)

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        self._go()
        with super()._writing() as connection:
            yield connection


def law_of_reading(folder: Path) -> None:
    """A stream is read as it was at one moment, whoever writes meanwhile."""
    other = SqliteStore(folder / "shop.db")
    other.commit(changes(stream_change(ONE, note()), commit="c-1"))
    second = changes(stream_change(ONE, note(), after=1), commit="c-2")
    with closing(other), closing(Overtaken(folder / "shop.db", lambda: other.commit(second))) as us:
        stored = us.load(ONE)
        assert (1, 1) == (stored.version, len(stored.tail))
        assert 2 == us.load(ONE).version


def law_of_sleeping(folder: Path) -> None:
    """A wake that comes between looking and lying down is not slept through."""
    other = SqliteStore(folder / "shop.db")
    due = evolve(stream_change(ONE, note()), due_at=NOON)
    other.commit(changes(due, commit="c-1"))
    wake = changes(stream_change(StreamId("o-2"), note()), commit="c-2")
    woken = evolve(wake, wakes=(ONE,))
    with closing(other), closing(Overtaken(folder / "shop.db", lambda: other.commit(woken))) as us:
        assert not us.sleep(ONE, version=1, wakes=0, due_at=None)
        assert us.load(ONE).due_at is not None


# --- the engine ---------------------------------------------------------------------------------


class Meddled(MemoryStore):
    """A store that is overtaken before a commit, or whose worker dies after one."""

    before: Callable[[], object] | None = None
    dies = False

    def commit(self, changes: ChangeSet) -> Committed:
        if self.before is not None:
            before, self.before = self.before, None
            before()
        committed = super().commit(changes)
        if self.dies:
            self.dies = False
            raise KeyboardInterrupt
        return committed


def meddled() -> tuple[trade.Shop, Meddled]:
    """A shop over a store that can be meddled with."""
    shop = trade.Shop()
    store = Meddled(clock=shop.clock)
    shop.store = store
    shop.service = shop.another()
    return shop, store


def law_of_the_lease(_folder: Path) -> None:
    """A worker dies between commit and call: after the lease another one makes the call."""
    shop, store = meddled()
    shop.receive("tea", 1)
    store.dies = True
    with pytest.raises(KeyboardInterrupt):
        shop.place(trade.line("tea", 1))
    assert [] == shop.till.calls
    assert () == shop.service.run_due(limit=10).served
    shop.clock.forward(Settings().lease)
    assert (ONE,) == shop.service.run_due(limit=10).served
    assert 1_000 == shop.till.moved(Operation.AUTHORISE, OrderId(ONE))


def law_of_the_conflict(_folder: Path) -> None:
    """What arrived while another request came first is known to the one that is repeated."""
    shop, store = meddled()
    shop.receive("tea", 1)
    row = PolicyLine(
        item=ItemId(TEA), location=trade.NORTH, policy=StockPolicy(backorder_limit=None)
    )
    shop.service.stock.execute(SetStockPolicy(lines=(row,)), by=trade.STAFF)
    waiting = Terms(backorder=BackorderRule.ALLOW)
    order = shop.place(trade.line("tea", 5), terms=waiting, tenders=(trade.ACCOUNT,))
    shop.receive("tea", 1)
    shop.service.run_due(limit=10)
    assert 2 == shop.load(order.id).stock.reserved(TEA)
    other = shop.another("other")

    def first() -> None:
        other.execute(order.id, oc.AddNote(text="first"), by=trade.STAFF)
        shop.receive("tea", 3)

    store.before = first
    after = shop.do(order.id, oc.AddNote(text="second")).order
    assert ("first", "second") == after.notes
    assert 5 == after.stock.reserved(TEA) == shop.load(order.id).stock.reserved(TEA)


# --- money --------------------------------------------------------------------------------------


def law_of_fading(_folder: Path) -> None:
    """What fades is kept as long as nothing else covers what is owed."""
    shop = Shop(policy=PaymentPolicy(renew_before=timedelta(hours=6)))
    shop.work()
    shop.now = START + LIFETIME - timedelta(hours=6)
    wanted = [intent.operation for intent in shop.intend()]
    assert wanted
    assert {Operation.AUTHORISE} == set(wanted)


def law_of_going_back(_folder: Path) -> None:
    """What is on its way back is missing again where it is owed after all."""
    shop = Shop()
    with_wishes(shop, claimable=10_000)
    shop.work()
    with_wishes(shop, owed=8_000, claimable=8_000)
    shop.intend()
    shop.step([Fate.LOST_ANSWER])
    with_wishes(shop, owed=10_000, claimable=10_000)
    for _ in range(3):
        shop.step()
    assert 12_000 == shop.gateway.moved(Operation.CAPTURE)


# --- prices -------------------------------------------------------------------------------------


def law_of_the_floor(_folder: Path) -> None:
    """A floor that is no whole cent is rounded up: offers leave no less (RULES P-3)."""
    free = PercentOff(code="FREE", rate=Fraction(1))
    for minor, per in ((10, 3), (1, 3), (11, 10), (3, 1)):
        goods = line("a", 100, 1, discounts=[free])
        floor = UnitPrice(eur(minor), per)
        (sold,) = price(draft(evolve(goods, minimum_unit_price=floor))).lines
        assert sold.charged.minor * per >= minor
        assert (sold.charged.minor - 1) * per < minor


def law_of_steps(_folder: Path) -> None:
    """A step is for what is sold by itself: a kit neither breaks nor completes it (RULES P-9)."""
    kit = evolve(line("kit", 1000, 1), components=(component("a", 1),))
    rule = (QuantityRule(item=component("a", 1).item, step=2),)
    alone = evolve(line("alone", 100, 2), item=rule[0].item)
    assert eur(1200) == price(evolve(draft(kit, alone), quantity_rules=rule)).total
    with pytest.raises(OrderCoreError):
        price(evolve(draft(kit, evolve(alone, quantity=1)), quantity_rules=rule))


def law_of_cover(_folder: Path) -> None:
    """No goods leave on an authorisation that is being let go (RULES F-4)."""
    test_cover.test_an_authorisation_that_is_being_let_go_covers_nothing()


def law_of_confirming(_folder: Path) -> None:
    """Nor is an order confirmed on one (RULES F-4)."""
    test_cover.test_nothing_is_confirmed_on_an_authorisation_that_is_being_let_go()


def law_of_same_money(_folder: Path) -> None:
    """What is told twice under one reference is the same money (RULES PAY-3)."""
    for nth in range(2):
        test_same_money.test_a_capture_that_was_recorded_first_is_the_same_money(nth)


def law_of_taking_back(_folder: Path) -> None:
    """What the bank takes back is gone, whoever told of it before (RULES PAY-3, PAY-6)."""
    test_same_money.test_money_that_was_told_twice_and_taken_back_is_gone()


def law_of_one_refund(_folder: Path) -> None:
    """What somebody records may be the refund that is in doubt (RULES PAY-3)."""
    test_same_money.test_a_refund_in_doubt_that_a_person_records_is_charged_to_nobody()


def law_of_one_refund_from_the_rest(_folder: Path) -> None:
    """Nor is a standing authorisation used for it (RULES PAY-3)."""
    test_same_money.test_nor_is_it_captured_from_what_stands_for_the_rest()


def law_of_lost_voids(_folder: Path) -> None:
    """What a person lets go is let go, though a call was lost (RULES PAY-3)."""
    test_lost_wishes.test_a_void_that_was_lost_is_asked_for_again()


def law_of_lost_captures(_folder: Path) -> None:
    """What a person takes is taken, though a call was lost (RULES PAY-3)."""
    test_lost_wishes.test_a_capture_that_was_lost_is_asked_for_again(None)


def law_of_parts_that_were_lost(_folder: Path) -> None:
    """And no more than that (RULES PAY-3)."""
    test_lost_wishes.test_a_capture_that_was_lost_is_asked_for_again(2000)


def law_of_letting_go(_folder: Path) -> None:
    """Nothing is captured of what a person lets go (RULES PAY-4)."""
    test_lost_wishes.test_what_a_person_lets_go_is_not_captured_when_the_void_was_lost()


def law_of_trying(_folder: Path) -> None:
    """Nothing is tried without an end (RULES PAY-5)."""
    test_lost_wishes.test_a_void_that_is_lost_again_and_again_is_not_asked_for_without_an_end()


def law_of_another_chance(_folder: Path) -> None:
    """Who gives a tender another chance takes the void back (RULES PAY-5)."""
    test_lost_wishes.test_a_void_that_was_lost_and_taken_back_is_not_asked_for_again()


def law_of_ends(_folder: Path) -> None:
    """A tender that a person let go is not asked again (RULES PAY-5)."""
    lifetime = timedelta(hours=1)
    test_lost_wishes.test_what_a_person_let_go_is_not_authorised_anew_when_it_has_ended(lifetime)


def law_of_doubt(_folder: Path) -> None:
    """Also where nobody knows whether it was let go (RULES PAY-5)."""
    lifetime = timedelta(days=7)
    test_lost_wishes.test_what_a_person_let_go_is_not_authorised_anew_when_it_has_ended(lifetime)


# --- the bugs -----------------------------------------------------------------------------------

BUGS: Final[list[tuple[Law, object, str, str, str]]] = [
    (law_of_erasing, SqliteStore, "erase", "secure_delete = ON", "secure_delete = OFF"),
    (law_of_reading, SqliteStore, "load", 'connection.execute("BEGIN")', "pass"),
    (law_of_sleeping, SqliteStore, "sleep", 'wakes = ?",\n            (due,', 'wakes >= ?", (due,'),
    (
        law_of_the_lease,
        Engine,
        "_due_at",
        "task != _QUEUE",
        "not isinstance(task, RemoteTask | CheckQueue)",
    ),
    (law_of_the_conflict, Engine, "_again", "turn.answered - {_QUEUE}", "turn.answered"),
    (law_of_fading, intending, "_voidable", "if surplus >= 0 else 0", ""),
    (law_of_going_back, intending, "claims", " + own.refunds_in_flight", ""),
    (law_of_cover, _bases, "_not_covered", "totals.firm", "totals.authorised"),
    (law_of_confirming, due, "cover_missing", "totals.firm", "totals.authorised"),
    (law_of_same_money, Book, "_own", "found.reference == reference", "False"),
    (law_of_one_refund, intending, "authorisations", " - desk.maybe_back", ""),
    (law_of_one_refund_from_the_rest, intending, "claims", " - desk.maybe_back", ""),
    (law_of_taking_back, Book, "beside", "if self.is_taken_back(", "if not self.is_taken_back("),
    (law_of_lost_voids, intending, "_voidable", "if desk.is_withdrawn(found)", "if False"),
    (law_of_lost_captures, intending, "_captured_now", "lost is not None", "False"),
    (law_of_parts_that_were_lost, intending, "_captured_now", "lost.intent.amount", "want.amount"),
    (law_of_letting_go, intending, "_capturable", "if desk.is_withdrawn(found)", "if False"),
    (law_of_trying, Desk, "lost", " and not self.must_wait(last.intent)", ""),
    (law_of_another_chance, Desk, "lost", " or attempts[-1].is_forgiven", ""),
    (law_of_doubt, _cover, "_may_authorise", "tender in withdrawn(desk.state)", "False"),
    (law_of_ends, _cover, "withdrawn", "REFUSALS", "{*REFUSALS, 'never_happened'}"),
    (law_of_the_floor, _lots, "_lowest", "Rounding.UP", "Rounding.HALF_UP"),
    (law_of_steps, _lots, "_problem", "alone % rule.step", "everything % rule.step"),
]
"""The law that misses a condition, the function that has it, its text, and what is left of it."""


def without(where: object, name: str, text: str, instead: str) -> object:
    """The same function with another text."""
    sound = getattr(where, name)
    source = textwrap.dedent(inspect.getsource(sound))
    assert 1 == source.count(text)
    module = sys.modules[sound.__module__]
    flags = __future__.annotations.compiler_flag
    code = compile(source.replace(text, instead), "planted", "exec", flags)
    made: dict[str, object] = {}
    exec(code, vars(module), made)  # noqa: S102 - our own source
    return made[name]


@pytest.mark.parametrize("law", [bug[0] for bug in BUGS], ids=lambda law: law.__name__)
def test_a_law_holds(law: Law, tmp_path: Path) -> None:
    """With all conditions in place nothing is missed."""
    law(tmp_path)


@pytest.mark.parametrize(
    ("law", "where", "name", "text", "instead"), BUGS, ids=[bug[0].__name__ for bug in BUGS]
)
def test_a_missing_condition_is_missed(
    law: Law,
    where: object,
    name: str,
    text: str,
    instead: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it the law falls."""
    monkeypatch.setattr(where, name, without(where, name, text, instead))
    with pytest.raises((AssertionError, OrderCoreError, pytest.fail.Exception)):
        law(tmp_path)
