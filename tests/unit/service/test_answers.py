"""Answers that cannot be worked with: refused when made, in doubt when they come all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import pytest
from attrs import define

from ordercore.errors import InvalidValueError
from ordercore.ids import Reference
from ordercore.payment.answers import (
    ActionRequired,
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.model import OperationStatus
from ordercore.ports.gateways import PaymentCall
from tests.laws.order_world import Shop, Till, eur, line

REF: Final = Reference("ref-1")
DONE: Final[dict[str, Any]] = {"reference": REF, "amount": eur(1)}
SOFT: Final[dict[str, Any]] = {"kind": DeclineKind.SOFT}
BAD: Final[dict[str, tuple[Any, dict[str, Any], str, object]]] = {
    f"{kind.__name__}.{name}={bad!r:.20}": (kind, sound, name, bad)
    for kind, sound, name, values in (
        (Succeeded, DONE, "reference", ("", None, 7)),
        (Succeeded, DONE, "amount", (eur(0), -eur(1), 100, None)),
        (Succeeded, DONE, "expires_at", ("soon", datetime(2026, 1, 1))),  # noqa: DTZ001
        (PartiallyApproved, DONE, "reference", ("", None)),
        (PartiallyApproved, DONE, "amount", (eur(0), 1.5)),
        (PartiallyApproved, DONE, "expires_at", (7,)),
        (Pending, {"reference": REF}, "reference", (None, "")),
        (ActionRequired, {"reference": REF}, "reference", (None, "")),
        (ActionRequired, {"reference": REF}, "action", (None, b"https://", "x" * 10_001)),
        (Declined, SOFT, "kind", ("soft", None)),
        (Declined, SOFT, "code", (None, 7)),
        (
            Declined,
            SOFT,
            "retry_after",
            (timedelta.max, timedelta(days=3_000_000), -timedelta(1), "5", 5),
        ),
        (Unknown, {}, "reason", (None, 7)),
    )
    for bad in values
}


@pytest.mark.parametrize("row", BAD)
def test_an_answer_with_an_unsound_field_is_refused(row: str) -> None:
    """PAY-2: whoever writes a gateway learns it where the answer is made."""
    kind, sound, name, bad = BAD[row]
    with pytest.raises(InvalidValueError):
        kind(**{**sound, name: bad})


@define
class Odd(Till):
    """A gateway of a host that has got around the checks of an answer, or meets them itself."""

    make: Callable[[], LookUpAnswer] = Unknown

    def _call(self, call: PaymentCall) -> Answer:
        self.calls.append(call)
        return cast("Answer", self.make())

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        return self._call(call)


@pytest.mark.parametrize("is_forced", [True, False], ids=["forced", "made"])
@pytest.mark.parametrize("row", BAD)
def test_a_gateway_with_an_unsound_answer_leaves_the_payment_in_doubt(
    row: str, is_forced: bool
) -> None:
    """PAY-2: a host's bug never reaches who places an order, and is named in the order."""
    kind, sound, name, bad = BAD[row]

    def make() -> LookUpAnswer:
        answer: LookUpAnswer = kind(**(sound if is_forced else {**sound, name: bad}))
        object.__setattr__(answer, name, bad)
        return answer

    shop = Shop(till=Odd(make=make))
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    (found,) = order.payment.operations.values()
    assert OperationStatus.IN_DOUBT is found.status
    assert "Error in " in found.reason
    shop.clock.forward(timedelta(days=1))
    assert () == shop.service.run_due(limit=5).failed


def test_a_gateway_may_name_any_end_of_an_authorisation() -> None:
    """PAY-4: the first and the last instant of the calendar are instants."""
    for ends in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
        assert ends == Succeeded(reference=REF, amount=eur(1), expires_at=ends).expires_at
