from __future__ import annotations

import pytest

from ordercore.returns.model import RmaStatus
from ordercore.returns.status import RETURN, RMA, ReturnCounts, ReturnStatus, return_counts
from tests.unit.returns.desk import TEA, after, receive, request, units, wish

S = ReturnStatus


@pytest.mark.parametrize(
    ("received", "requested", "dispatched", "lost", "n", "expected"),
    [
        (0, 0, 0, 0, 3, S.NONE),
        (0, 0, 3, 0, 3, S.NONE),
        (0, 2, 3, 0, 3, S.REQUESTED),
        (1, 2, 3, 0, 3, S.PARTIALLY_RETURNED),
        (1, 0, 1, 0, 2, S.PARTIALLY_RETURNED),
        (3, 0, 3, 0, 3, S.RETURNED),
        (2, 0, 3, 1, 3, S.RETURNED),
        (0, 0, 3, 3, 3, S.NONE),
    ],
)
def test_the_first_match_of_the_table_wins(
    *, received: int, requested: int, dispatched: int, lost: int, n: int, expected: ReturnStatus
) -> None:
    """The status is read off counts (RULES S)."""
    counts = ReturnCounts(
        received=received, requested=requested, dispatched=dispatched, lost=lost, n=n
    )
    assert expected is RETURN.of(counts)


def test_the_counts_are_those_of_the_state() -> None:
    """Requested and received units come from the totals."""
    state = after(request(wish(TEA, 3)), receive(units(TEA, 1)))
    counts = return_counts(state, dispatched=6, lost=0, n=6)
    assert (1, 2) == (counts.received, counts.requested)
    assert S.PARTIALLY_RETURNED is RETURN.of(counts)


def test_any_prefix_may_be_skipped() -> None:
    """Goods may be received in every status (RULES R-1)."""
    for status in RmaStatus:
        triggers = [step.trigger for step in RMA.steps if step.source is status]
        assert "ReturnReceived" in [getattr(trigger, "__name__", "") for trigger in triggers]
