"""
Given these facts, when this command comes, then these facts follow, and this is owed.

A scenario runs the pure functions of the core (`decide`, `evolve`, `due`) and nothing else: no
store, no clock, no gateway. What does not hold raises an ``AssertionError`` that shows both sides.

>>> from ordercore.order.commands import AddNote, Cancel
>>> from ordercore.order.events import NoteAdded, UnitsCancelled
>>> from ordercore.process.tasks import ReserveStock
>>> noted = scenario(small_order()).when(AddNote(text="twins")).then(like(NoteAdded, text="twins"))
>>> _ = noted.owes(ReserveStock).when(Cancel()).then(UnitsCancelled).owes()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs
from attrs import evolve, field, frozen

from ordercore.errors import OrderCoreError
from ordercore.facts import Event
from ordercore.ids import ItemId, LineId, OrderId, Sku, TenderId
from ordercore.inventory.model import Counters, StockPlace
from ordercore.money import EUR, Money
from ordercore.order.commands import Place
from ordercore.order.decide import Command, decide, replay
from ordercore.order.model import Order
from ordercore.order.status import statuses
from ordercore.order.terms import Terms
from ordercore.payment.model import Tender
from ordercore.pricing.model import Draft, DraftLine, UnitPrice
from ordercore.pricing.totals import price
from ordercore.process.due import due
from ordercore.process.settle import settle, settle_reservation
from ordercore.process.tasks import (
    BookParcel,
    CheckQueue,
    LookUpPayment,
    MoveValue,
    PassBack,
    ReserveStock,
    SendPayment,
    Task,
)

__all__ = ["Like", "Outcome", "Scenario", "like", "scenario", "small_order"]

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOST_ROUNDS: Final = 1000
NO_STOCK: Final[Mapping[StockPlace, Counters]] = {}


@frozen
class Like:
    """Anything of one kind with some fields as given; see `like`."""

    kind: type[object]
    facts: Mapping[str, object] = field(factory=dict[str, object])

    def matches(self, value: object) -> bool:
        """Whether *value* is of the kind and has these fields."""
        return isinstance(value, self.kind) and all(
            hasattr(value, name) and getattr(value, name) == wanted
            for name, wanted in self.facts.items()
        )

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.kind.__name__}({facts}, ...)" if facts else f"any {self.kind.__name__}"


def like(kind: type[object], /, **facts: object) -> Like:
    """
    Stands for a fact or task of *kind* in which only some fields matter.

    Raises:
        AssertionError: The kind has no such field; a misspelt name would match nothing for ever.
    """
    known = {part.name for part in attrs.fields(kind)} if attrs.has(kind) else set[str]()
    unknown = sorted(facts.keys() - known)
    if unknown:
        raise AssertionError(f"{kind.__name__} has no field {', '.join(unknown)}")
    return Like(kind, facts)


def _pattern(expected: object) -> object:
    return Like(expected) if isinstance(expected, type) else expected


def _fits(expected: object, actual: object) -> bool:
    pattern = _pattern(expected)
    return pattern.matches(actual) if isinstance(pattern, Like) else pattern == actual


def _shown(values: Iterable[object]) -> str:
    lines = [f"  {_pattern(value)}" for value in values]
    return "\n".join(lines) if lines else "  nothing"


def _check(
    holds: bool, sentence: str, expected: Iterable[object], actual: Iterable[object]
) -> None:
    if not holds:
        both = f"expected\n{_shown(expected)}\nfound\n{_shown(actual)}"
        raise AssertionError(f"{sentence}: {both}")


@frozen(kw_only=True)
class Scenario:
    """An order at one instant (None: not placed yet), and what is true of it."""

    state: Order | None
    now: datetime

    @property
    def order(self) -> Order:
        """
        The order.

        Raises:
            AssertionError: There is none yet.
        """
        if self.state is None:
            raise AssertionError("there is no order yet: begin with Place")
        return self.state

    def check(self) -> None:
        """Nothing stands in the way of going on; an `Outcome` has more to say."""

    def at(self, now: datetime) -> Scenario:
        """The same order at another time."""
        self.check()
        return Scenario(state=self.state, now=now)

    def when(self, command: Command) -> Outcome:
        """A request or report comes; nothing is judged yet."""
        self.check()
        try:
            events = decide(self.state, command, self.now)
        except OrderCoreError as error:
            return Outcome(state=self.state, now=self.now, command=command, error=error)
        after = replay(events, self.state) if events else self.state
        return Outcome(state=after, now=self.now, command=command, events=events)

    def settled(self, stock: Mapping[StockPlace, Counters] = NO_STOCK) -> Scenario:
        """
        The order after all local tasks, as the engine settles them before a commit.

        Stock is reserved where counters are given, and left to be reserved where not.

        Raises:
            AssertionError: The order does not come to rest.
        """
        self.check()
        order, answered = self.order, set[Task]()
        for _ in range(MOST_ROUNDS):
            task = next((task for task in due(order, self.now) if task not in answered), None)
            if task is None:
                return Scenario(state=order, now=self.now)
            events = self._settle(order, task, stock)
            if not events:
                answered.add(task)
                continue
            order = replay(events, order)
        raise AssertionError(
            f"the order did not come to rest; it owes\n{_shown(due(order, self.now))}"
        )

    def _settle(
        self, order: Order, task: Task, stock: Mapping[StockPlace, Counters]
    ) -> tuple[Event, ...]:
        match task:
            case ReserveStock():
                if not stock:
                    return ()
                return settle_reservation(order, task, stock, self.now, may_refuse=True)
            case CheckQueue() | MoveValue() | PassBack():
                return ()
            case SendPayment() | LookUpPayment() | BookParcel():
                return ()
            case _:
                return settle(order, task, self.now)

    def owes(self, *expected: object) -> Scenario:
        """
        Each of these tasks is owed now: a task, a kind of task, or `like` one.

        Without any: nothing is owed at all (but for a look at the queue of units, which changes
        nothing where nobody else has changed it).
        """
        self.check()
        owed = [task for task in due(self.order, self.now) if not isinstance(task, CheckQueue)]
        missing = [each for each in expected if not any(_fits(each, task) for task in owed)]
        _check(not missing, "not owed", missing, owed)
        _check(bool(expected) or not owed, "something is owed", (), owed)
        return self

    def owes_no(self, *kinds: type[object]) -> Scenario:
        """No task of these kinds is owed now."""
        self.check()
        owed = due(self.order, self.now)
        wrong = [task for task in owed if isinstance(task, kinds)]
        _check(not wrong, "this should not be owed", (), wrong)
        return self

    def stands(self, **expected: object) -> Scenario:
        """
        The statuses are these: ``order``, ``payment``, ``fulfilment``, ``returned``, ``flags``.

        >>> _ = scenario(small_order()).stands(order="placed", payment="unpaid")
        """
        self.check()
        found = statuses(self.order)
        actual = {name: getattr(found, name) for name in expected}
        _check(expected == actual, "other statuses", [expected], [actual])
        return self


@frozen(kw_only=True)
class Outcome(Scenario):
    """What came of a command: its facts and the order after them, or a refusal."""

    command: Command
    events: tuple[Event, ...] = ()
    error: OrderCoreError | None = None
    is_meant: bool = False
    """Whether a test has said that the refusal is right."""

    def check(self) -> None:
        """
        A refusal that nobody has asked for with `refused` fails what comes after it.

        Raises:
            AssertionError: The command was refused.
        """
        if self.error is not None and not self.is_meant:
            kind = type(self.command).__name__
            raise AssertionError(f"{kind} was refused: {self.error}") from self.error

    def then(self, *expected: object) -> Outcome:
        """
        Exactly these facts follow, in this order: a fact, a kind of fact, or `like` one.

        Raises:
            AssertionError: Others do, or the command was refused.
        """
        self.check()
        sentence = f"after {type(self.command).__name__}"
        fits = len(expected) == len(self.events) and all(map(_fits, expected, self.events))
        _check(fits, sentence, expected, self.events)
        return self

    def refused(self, kind: type[OrderCoreError], /, **facts: object) -> Outcome:
        """
        The command is refused with this error and these facts of it; the order is as it was.

        Raises:
            AssertionError: It is not, or with another error.
        """
        sentence = f"{type(self.command).__name__} should be refused"
        expected = like(kind, **facts)
        found: tuple[object, ...] = self.events if self.error is None else (self.error,)
        fits = self.error is not None and expected.matches(self.error)
        if not fits and self.error is not None:
            raise AssertionError(f"{sentence}: with {expected}, not {self.error!r}") from self.error
        _check(fits, sentence, [expected], found)
        return evolve(self, is_meant=True)


def scenario(*given: Event | Order, now: datetime | None = None) -> Scenario:
    """
    Begin with an order, with facts, or with an order and more facts; or with nothing.

    *now* is by default when the last of the facts happened.

    Raises:
        ImpossibleHistoryError: The facts do not make an order.
    """
    order = next((each for each in given if isinstance(each, Order)), None)
    events = tuple(each for each in given if isinstance(each, Event))
    instants = [event.at for event in events] + ([order.placed_at] if order is not None else [])
    after = replay(events, order) if events else order
    return Scenario(state=after, now=now or max(instants, default=NOON))


def small_order(
    *,
    minor: int = 1000,
    quantity: int = 2,
    terms: Terms | None = None,
    tenders: tuple[Tender, ...] = (Tender(id=TenderId("card")),),
    at: datetime = NOON,
) -> Order:
    """
    A placed order of one line in euros without tax: *quantity* units of *minor* cents each.

    >>> small_order(minor=250, quantity=4).priced.total
    Money(1000, EUR)
    """
    line = DraftLine(
        id=LineId("1"),
        item=ItemId("item-1"),
        sku=Sku("SKU-1"),
        quantity=quantity,
        unit_price=UnitPrice(Money(minor, EUR)),
    )
    command = Place(
        order=OrderId("order-1"),
        priced=price(Draft(currency=EUR, lines=(line,))),
        terms=terms or Terms(),
        tenders=tenders,
    )
    return replay(decide(None, command, at))
