from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from ordercore.payment._fields import InvalidPaymentError
from ordercore.payment.policy import Capabilities, PaymentPolicy

DAY: Final = timedelta(days=1)
BAD: Final[tuple[object, ...]] = (timedelta.max, -DAY, 7, None, "1 day")


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize("name", ["send_window", "clock_skew", "max_delay", "renew_before"])
def test_a_wait_ends_before_the_calendar_does(name: str, bad: object) -> None:
    """X-4: a wait that no deadline can be made of is refused when the policy is made."""
    loose: Any = PaymentPolicy
    with pytest.raises(InvalidPaymentError):
        loose(**{name: bad})


@pytest.mark.parametrize(
    "bad",
    [7, None, (), (1,), "abc", [DAY], (DAY, timedelta(0)), (timedelta.max,), (100 * DAY,) * 1000],
    ids=lambda bad: repr(bad)[:30],
)
def test_a_schedule_is_a_tuple_of_waits(bad: object) -> None:
    """X-4: what is no schedule raises a typed error."""
    loose: Any = PaymentPolicy
    with pytest.raises(InvalidPaymentError):
        loose(schedule=bad)


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize("name", ["call_timeout", "key_lifetime", "authorisation_lifetime"])
def test_a_gateway_declares_times_that_can_be_reckoned_with(name: str, bad: object) -> None:
    """X-4: the times of a gateway are bound as those of the policy."""
    loose: Any = Capabilities
    with pytest.raises(InvalidPaymentError):
        loose(**{name: bad})
