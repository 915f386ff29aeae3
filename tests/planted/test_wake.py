"""
An instant that is missing in `wake_at`, one after the other: each is work that nobody ever does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest

from ordercore.order.completion import completes_at, confirm_by
from ordercore.order.model import Order
from ordercore.payment._desk import arrived_by, fades_at
from ordercore.payment.model import ADJUSTING, FAILURES, Operation
from ordercore.payment.policy import Capabilities
from ordercore.process import due as owing
from tests.laws.test_order import Step
from tests.laws.test_wake import ABLE, WHOLE, sleep_through

Instants = Callable[[Order], Iterator[datetime | None]]
TICK: Final = timedelta(microseconds=1)


def deadline(order: Order) -> Iterator[datetime | None]:
    yield confirm_by(order)


def stock_again(order: Order) -> Iterator[datetime | None]:
    yield order.stock.retry_at


def completion(order: Order) -> Iterator[datetime | None]:
    yield completes_at(order)


def hold_ends(order: Order) -> Iterator[datetime | None]:
    yield from (hold.release_at for hold in order.holds)


def carrier_again(order: Order) -> Iterator[datetime | None]:
    yield from (parcel.booking.retry_at for parcel in order.fulfilment.parcels.values())


def window_closes(order: Order) -> Iterator[datetime | None]:
    for found in order.payment.operations.values():
        yield found.intent.not_after + TICK


def asked_again(order: Order) -> Iterator[datetime | None]:
    yield from (found.ask_at for found in order.payment.operations.values() if found.is_open)


def tried_again(order: Order) -> Iterator[datetime | None]:
    for found in order.payment.operations.values():
        yield found.retry_at if found.status in FAILURES else None


def authorisation_ends(order: Order) -> Iterator[datetime | None]:
    book = order.payment.book
    yield from (book.term(found).ends for found in order.payment.operations.values())


def authorisation_fades(order: Order) -> Iterator[datetime | None]:
    book = order.payment.book
    for found in order.payment.operations.values():
        yield fades_at(book.term(found), order.terms.payment)


def change_is_given_up(order: Order) -> Iterator[datetime | None]:
    terms = order.terms
    for found in order.payment.operations.values():
        if found.intent.operation in ADJUSTING:
            yield arrived_by(found, terms.payment, terms.capabilities)


def capture_settles(order: Order) -> Iterator[datetime | None]:
    for found in order.payment.operations.values():
        if found.intent.operation is Operation.CAPTURE and found.settled_at is not None:
            yield found.settled_at + order.terms.capabilities.settlement_delay


NEW: list[Step] = [("place", 0, 0)]
UNPAID: list[Step] = [("silence", 1, 0), *NEW]
SILENT: list[Step] = [("silence", 3, 0), *NEW]
SOFT: list[Step] = [("silence", 2, 0), *NEW]
HELD: list[Step] = [*NEW, ("hold", 0, 4)]
SENT: list[Step] = [("place", 1, 0), ("ship", 0, 9), ("track", 0, 0)]
BACK: list[Step] = [("place", 7, 0), ("cancel", 0, 0)]
SHORT: list[Step] = [("place", 2, 0), ("place", 2, 0), ("place", 4, 0), ("short", 2, 0)]
DECLINED: list[Step] = [*NEW, ("silence", 1, 0), *[("time", 9, 0)] * 3]
"""It ends, and the one that should come after it was declined."""
RAISED: list[Step] = [
    *NEW,
    ("amend", 0, 2),
    *[("silence", 3, 0)] * 3,
    ("amend", 0, 2),
    *[("time", 0, 6)] * 3,
    ("ship", 0, 9),
    ("time", 0, 6),
]
"""More is to be set aside, and nobody says whether it is; meanwhile a parcel goes."""

MISSING: Final[list[tuple[Instants, list[Step]]]] = [
    (deadline, UNPAID),
    (stock_again, SHORT),
    (completion, SENT),
    (hold_ends, HELD),
    (carrier_again, SENT),
    (window_closes, NEW),
    (asked_again, SILENT),
    (tried_again, SOFT),
    (authorisation_ends, DECLINED),
    (authorisation_fades, NEW),
    (change_is_given_up, RAISED),
    (capture_settles, BACK),
]


def misses(story: list[Step], able: Capabilities) -> bool:
    """Whether somebody who sleeps through a story misses something."""
    try:
        sleep_through(story, able)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("missing", "story"), MISSING, ids=[one[0].__name__.replace("_", "-") for one in MISSING]
)
def test_a_missing_instant_is_missed(
    missing: Instants, story: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one kind of instant the law falls in a story that is fine with it."""
    able = WHOLE if story is DECLINED else ABLE
    assert not misses(story, able)
    right = owing._instants

    def fewer(order: Order) -> Iterator[datetime]:
        gone = set(missing(order))
        return (instant for instant in right(order) if instant not in gone)

    monkeypatch.setattr(owing, "_instants", fewer)
    assert misses(story, able)
