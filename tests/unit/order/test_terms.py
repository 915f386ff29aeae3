"""Terms are checked when they are made, so that no order is bound to what cannot be kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ordercore.errors import InvalidValueError
from ordercore.ids import HoldKind
from ordercore.inventory.reserve import BackorderRule
from ordercore.moment import Period
from ordercore.order.status import OrderStatus
from ordercore.order.terms import INSIDE, Stage, StageRule, Terms

NO_STEP = Stage(name="engraving", inside="confirmed")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Terms, {"tolerance": -5}),
        (Terms, {"tolerance": True}),
        (Terms, {"tolerance": 1.5}),
        (Terms, {"tolerance": "1"}),
        (Terms, {"tolerance": 10**5000}),
        (Terms, {"backorder": "allow"}),
        (Terms, {"invoice": "dispatch"}),
        (Terms, {"payment": None}),
        (Terms, {"sourcing": "nearest"}),
        (Terms, {"retry_stock_after": Period()}),
        (Terms, {"confirm_within": 7}),
        (Terms, {"ship_before_paid": 1}),
        (Terms, {"order_series": ""}),
        (Terms, {"holds_at_placement": [HoldKind("fraud")]}),
        (Terms, {"holds_at_placement": (7,)}),
        (Terms, {"serialised": {"ring"}}),
        (Terms, {"dispatch_within": 0}),
        (Stage, {"name": "", "inside": "confirmed"}),
        (Stage, {"name": "engraving", "inside": "nonsense"}),
        (Stage, {"name": "engraving", "inside": "completed"}),
        (Stage, {"name": "engraving", "inside": "confirmed", "shippable": "no"}),
        (StageRule, {"stages": (NO_STEP, NO_STEP)}),
        (StageRule, {"stages": (NO_STEP,), "steps": (("engraving", "packing"),)}),
        (StageRule, {"stages": ("engraving",)}),
    ],
)
def test_what_cannot_be_kept_is_not_agreed(
    kind: Callable[..., object], fields: dict[str, object]
) -> None:
    """A wrong value is refused by name where it is written, not where the order is placed."""
    with pytest.raises(InvalidValueError):
        kind(**fields)


def test_a_stage_stands_in_a_status_that_goes_on() -> None:
    """The names are those of the headline, without the three that end it (RULES S)."""
    ends = {OrderStatus.EXPIRED, OrderStatus.CANCELLED, OrderStatus.COMPLETED}
    assert {*INSIDE} == {status.value for status in OrderStatus if status not in ends}


def test_good_terms_are_taken_as_they_are() -> None:
    """Every default is allowed, and so is any rule for backorders."""
    assert [Terms(backorder=rule).backorder for rule in BackorderRule] == list(BackorderRule)
