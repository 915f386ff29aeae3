"""The law of money that is told more than once: all that is held is what really came and stayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Final

from attrs import define, field
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ordercore.errors import ConflictError, NotFoundError, RefusedError
from ordercore.facts import Report, Request
from ordercore.ids import CreditId, Key, OrderId, Reference
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.terms import Terms
from ordercore.payment.commands import (
    RecordPayment,
    RecordRefund,
    ReportCollected,
    ReportFailure,
    ReportOperation,
)
from ordercore.payment.events import PaymentRecorded, RefundRecorded
from ordercore.payment.model import Operation
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.ports.gateways import PaymentCall
from ordercore.refund.model import CreditCause, RefundRequest
from tests.laws.order_world import CARD, Fate, Shop, eur, line

PART: Final = OrderId("part")
SIGN: Final = {Operation.CAPTURE: 1, Operation.REFUND: -1}


@define
class Counter:
    """A shop, and what really came and went beside its till."""

    shop: Shop
    order: OrderId
    cash: int = 0
    taken_back: dict[Key, int] = field(factory=dict[Key, int])
    numbers: count[int] = field(factory=lambda: count(1))

    def moved(self, number: int) -> PaymentCall | None:
        """One of the calls that moved money of the order."""
        calls = [
            call
            for call in self.shop.till.done.values()
            if call.operation in SIGN and call.order == self.order
        ]
        return calls[number % len(calls)] if calls else None

    def do(self, command: Request | Report) -> None:
        """Serve it, where it can be served; cash counts where it was written down."""
        with suppress(RefusedError, ConflictError, NotFoundError):
            for event in self.shop.do(self.order, command).events[:1]:
                if isinstance(event, PaymentRecorded) and isinstance(command, RecordPayment):
                    self.cash += event.amount.minor
                if isinstance(event, RefundRecorded) and isinstance(command, RecordRefund):
                    self.cash -= event.amount.minor


Act = Callable[[Counter, int], None]


def _reference(call: PaymentCall) -> Reference:
    return Reference(f"ref-{call.key}")


def bank_tells(till: Counter, number: int) -> None:
    """A bank tells of a capture under the gateway's own name."""
    call = till.moved(number)
    if call is not None and call.operation is Operation.CAPTURE:
        told = ReportCollected(
            tender=CARD.id, amount=call.amount, reference=_reference(call), at=till.shop.clock()
        )
        till.do(told)


def webhook_tells(till: Counter, number: int) -> None:
    """A webhook tells of what happened, with or without our key."""
    call = till.moved(number)
    if call is not None:
        report = ReportOperation(
            operation=call.operation,
            reference=_reference(call),
            amount=call.amount,
            key=call.key if number % 2 else None,
            at=till.shop.clock(),
        )
        till.do(report)


def bank_takes_back(till: Counter, number: int) -> None:
    """What had happened is undone outside."""
    call = till.moved(number)
    if call is not None:
        till.taken_back[call.key] = SIGN[call.operation] * call.amount.minor
        report = ReportFailure(
            operation=call.operation,
            reference=_reference(call),
            reason="bank",
            at=till.shop.clock(),
        )
        till.do(report)


def cash_comes(till: Counter, number: int) -> None:
    """A person counts coins, under a name of their own."""
    slip = Reference(f"slip-{next(till.numbers)}")
    till.do(RecordPayment(tender=CARD.id, amount=eur(1 + number), reference=slip))


def cash_goes(till: Counter, number: int) -> None:
    """A person gives coins back."""
    slip = Reference(f"slip-{next(till.numbers)}")
    till.do(RecordRefund(tender=CARD.id, amount=eur(1 + number), reference=slip))


def something_is_silent(till: Counter, number: int) -> None:
    """The next call is lost, or its answer."""
    till.shop.till.fates.append((Fate.LOST_ANSWER, Fate.LOST_CALL)[number % 2])


def goodwill(till: Counter, number: int) -> None:
    """A part goes back."""
    name = CreditId(f"kind-{next(till.numbers)}")
    kind = RefundRequest(id=name, cause=CreditCause.GOODWILL, goodwill=eur(100 + number))
    with suppress(RefusedError):
        till.do(oc.Refund(quote=till.shop.service.quote_refund(till.order, kind)))


def cancel_one(till: Counter, _: int) -> None:
    """A unit is cancelled."""
    till.do(oc.CancelUnits(units=((line("tea", 1).id, 1),)))


def split(till: Counter, _: int) -> None:
    """A unit becomes an order of its own."""
    units = ((line("tea", 1).id, 1),)
    till.do(oc.SplitOrder(order=PART, units=units, tenders=(CARD,)))


def time_passes(till: Counter, _: int) -> None:
    """Workers look at what is due."""
    till.shop.rest(rounds=2)


ACTS: Final[tuple[Act, ...]] = (
    bank_tells,
    webhook_tells,
    bank_takes_back,
    cash_comes,
    cash_goes,
    something_is_silent,
    goodwill,
    cancel_one,
    split,
    time_passes,
)


def law_of_money(acts: Sequence[tuple[Act, int]], *, is_silent: bool = False) -> None:
    """
    Both orders hold what the till took, less what was undone outside, with the cash.

    Where the start is silent, nobody heard yet that the money was taken.
    """
    shop = Shop()
    shop.receive("tea", 9)
    shop.till.fates.extend((Fate.FINE, Fate.LOST_ANSWER) if is_silent else ())
    at_once = PaymentPolicy(capture=CaptureWhen.PLACEMENT)
    terms = Terms(payment=at_once, release_automatically=False)
    till = Counter(shop, shop.place(line("tea", 4), terms=terms).id)
    for act, number in acts:
        act(till, number)
    shop.till.fates.clear()
    shop.rest(rounds=8, step=timedelta(hours=13))
    parts = [link.order for link in shop.load(till.order).links]
    names = [till.order, *parts]
    held = sum(balance(shop.load(name)).held.minor for name in names)
    outside = sum(shop.till.held(name) for name in names) - sum(till.taken_back.values())
    assert outside + till.cash == held


histories = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 9)), max_size=12)


@settings(max_examples=60)
@given(acts=histories, is_silent=st.booleans())
@example(acts=[(bank_tells, 0), (time_passes, 0), (bank_takes_back, 0)], is_silent=True)
def test_what_is_held_is_what_came_and_stayed(
    acts: list[tuple[Act, int]], *, is_silent: bool
) -> None:
    """PAY-3, PAY-6, O-7: whoever tells of money, however often, and whoever takes it back."""
    law_of_money(acts, is_silent=is_silent)
