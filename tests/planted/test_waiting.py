"""Wrong ways to keep a report for later, each of which the law must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.money import Money
from ordercore.payment import _case as casing
from ordercore.payment import decide as deciding
from ordercore.payment import reports as reporting
from ordercore.payment._case import Case
from ordercore.payment.commands import PaymentReport, ReportDispute
from ordercore.payment.events import DisputeReported, PaymentMatched
from ordercore.payment.model import Dispute, WaitingReport
from tests.laws.test_payment import OPERATIONS, webhook
from tests.laws.test_waiting import (
    CAPTURE,
    REPORTS,
    REQUESTS,
    Step,
    law_of_any_order,
    law_of_disputes,
    law_of_no_repeats,
)

KNOWN: list[Step] = [*OPERATIONS[:6], webhook(CAPTURE, percent=100, named=True), *REQUESTS]
_report_of = reporting._report_of
_absorbed = reporting._absorbed
_is_like = WaitingReport.is_like


def judged() -> None:
    """All reports before and after what they are about, and the disputes in every order."""
    law_of_any_order([*KNOWN, *REPORTS], [*REPORTS, *KNOWN])
    law_of_any_order([*KNOWN, *REPORTS], [*reversed(REPORTS), *reversed(KNOWN)])
    law_of_no_repeats([*REPORTS, *KNOWN])
    stages = [report for report in REPORTS if isinstance(report, ReportDispute)][:4]
    for told in permutations(stages):
        law_of_disputes(told)


def the_last_amount_counts(told: Dispute, known: Dispute | None) -> Iterator[Event]:
    if known is not None and told.at <= known.at:
        told = evolve(known, amount=told.amount)
    if told != known:
        yield DisputeReported(
            reference=told.reference,
            tender=told.tender,
            amount=told.amount,
            status=told.status,
            at=told.at,
        )


def without_tender(waiting: WaitingReport) -> PaymentReport | None:
    found = _report_of(waiting)
    return evolve(found, tender=None) if isinstance(found, ReportDispute) else found


def without_key(waiting: WaitingReport) -> PaymentReport | None:
    return _report_of(evolve(waiting, key=None))


def dropped_without_a_look(case: Case, waiting: WaitingReport) -> tuple[Event, ...] | None:
    named = case.state.called(waiting.reference, CAPTURE.operation)
    matched = PaymentMatched(report=waiting, at=case.now)
    return (matched,) if named is not None else _absorbed(case, waiting)


def in_any_currency(mine: WaitingReport, other: WaitingReport) -> bool:
    return _is_like(evolve(mine, amount=None), evolve(other, amount=None))


def always_more(_: Money | None, known: Money | None) -> bool:
    return known is None or known.is_positive


def nothing_again(_: Case) -> Iterator[Event]:
    yield from ()


BUGS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "the last amount of a dispute counts": (reporting, "_dispute_facts", the_last_amount_counts),
    "a dispute forgets its tender": (reporting, "_report_of", without_tender),
    "a report forgets its key": (reporting, "_report_of", without_key),
    "another currency vanishes": (reporting, "_absorbed", dropped_without_a_look),
    "currencies are merged": (WaitingReport, "is_like", in_any_currency),
    "it is written again": (casing, "_is_more", always_more),
    "nothing is looked at again": (deciding, "rematched", nothing_again),
}


def test_without_a_bug_the_law_holds() -> None:
    """The story itself is sound."""
    judged()


@pytest.mark.parametrize("name", BUGS)
def test_each_bug_falls(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wrong way to keep a report breaks the law of PAY-6."""
    where, attribute, bug = BUGS[name]
    monkeypatch.setattr(where, attribute, bug)
    with pytest.raises((AssertionError, ValueError)):
        judged()
