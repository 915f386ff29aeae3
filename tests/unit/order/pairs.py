"""
What becomes of every request and report in every status: asked of real orders, and printed.

The orders are those of `tests.unit.order.lives`, driven by commands into each headline status: one
of each under the usual terms, and one where nothing goes by itself. The page `docs/requests.md` is
made from these tables, so it cannot say what the code does not do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache

from attrs import frozen

from ordercore._steps import markdown as table
from ordercore.errors import InvalidValueError, NotFoundError, RefusedError
from ordercore.facts import Report, Request
from ordercore.fulfilment.events import TrackingParked
from ordercore.order.decide import decide
from ordercore.order.model import Order
from ordercore.order.status import OrderStatus
from ordercore.payment.events import PaymentUnmatched
from ordercore.returns.events import UnmatchedReturnReceived
from tests.unit.order.lives import BY_HAND_LIVES, LIVES, prepared, reports, requests

__all__ = [
    "ALLOWED",
    "Pair",
    "absorbed",
    "answer_to",
    "overview",
    "pairs",
    "report_pairs",
    "tables",
]

ALLOWED = "allowed"
PARKED = (PaymentUnmatched, TrackingParked, UnmatchedReturnReceived)


@frozen
class Pair:
    """One cell: what is asked in which status, and the answer."""

    status: OrderStatus
    kind: str
    answer: str

    @property
    def is_allowed(self) -> bool:
        """Whether facts follow, and no refusal."""
        return self.answer == ALLOWED


def answer_to(order: Order, request: Request, now: datetime) -> str:
    """Allowed, or the sentence of the refusal."""
    ready = prepared(order, type(request), now)
    try:
        decide(ready, request, now)
    except (RefusedError, NotFoundError, InvalidValueError) as error:
        return str(error)
    return ALLOWED


def absorbed(order: Order, report: Report, now: datetime) -> str:
    """Parked for a person, absorbed, or known already; never refused."""
    events = decide(order, report, now)
    if any(isinstance(event, PARKED) for event in events):
        return "parked"
    return "absorbed" if events else "changes nothing"


@cache
def pairs(*, by_hand: bool = False) -> tuple[Pair, ...]:
    """Every status with every kind of request, in the order of both."""
    found: list[Pair] = []
    for status, life in (BY_HAND_LIVES if by_hand else LIVES).items():
        shop, order = life()
        for request in requests(order):
            answer = answer_to(order, request, shop.clock.now)
            found.append(Pair(status, type(request).__name__, answer))
    return tuple(found)


@cache
def report_pairs() -> Mapping[tuple[OrderStatus, str], tuple[str, ...]]:
    """For every status and kind of report what became of those that were tried."""
    found: dict[tuple[OrderStatus, str], set[str]] = {}
    for status, life in LIVES.items():
        shop, order = life()
        for report in reports(order, shop.clock.now):
            cell = found.setdefault((status, type(report).__name__), set())
            cell.add(absorbed(order, report, shop.clock.now))
    return {key: tuple(sorted(answers)) for key, answers in found.items()}


def overview() -> str:
    """One row for each request, one column for each status."""
    usual, by_hand = (
        {(pair.kind, pair.status): pair.is_allowed for pair in pairs(by_hand=each)}
        for each in (False, True)
    )

    def cell(kind: str, status: OrderStatus) -> str:
        if usual[kind, status]:
            return "yes"
        return "by hand" if by_hand[kind, status] else "no"

    kinds = dict.fromkeys(pair.kind for pair in pairs())
    rows = [(kind, *(cell(kind, status) for status in LIVES)) for kind in kinds]
    return table(("Request", *LIVES), rows)


def only_by_hand() -> str:
    """The pairs whose answer is another one where nothing goes by itself."""
    usual = {(pair.kind, pair.status): pair.answer for pair in pairs()}
    rows = [
        (pair.status, pair.kind, pair.answer)
        for pair in pairs(by_hand=True)
        if pair.answer != usual[pair.kind, pair.status]
    ]
    return table(("While", "Request", "Answer"), rows)


def tables() -> Iterator[str]:
    """What the page has after its overview: each refusal's reason, what becomes of reports."""
    for status in LIVES:
        rows = [(pair.kind, pair.answer) for pair in pairs() if pair.status is status]
        yield f"\n## While {status}\n\n{table(('Request', 'Answer'), rows)}\n"
    yield f"\n## Where nothing goes by itself\n\n{only_by_hand()}\n"
    kinds = dict.fromkeys(kind for _, kind in report_pairs())
    told = [
        (kind, *("; ".join(report_pairs()[status, kind]) for status in LIVES)) for kind in kinds
    ]
    yield f"\n## Reports\n\n{table(('Report', *LIVES), told)}\n"
