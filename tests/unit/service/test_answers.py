"""Answers that cannot be worked with: refused when made, in doubt when they come all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import pytest
from attrs import define, field

from ordercore.errors import InvalidValueError
from ordercore.fulfilment.commands import PackItem, PackParcel
from ordercore.fulfilment.model import (
    Booked,
    Booking,
    BookingAnswer,
    BookingDeclined,
    BookingUnknown,
)
from ordercore.ids import Key, LineId, ParcelId, Reference
from ordercore.order.terms import Terms
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
from ordercore.ports.gateways import BookingRequest, CarrierGateway, PaymentCall
from ordercore.service.sync import OrderService
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


# --- a carrier ----------------------------------------------------------------------------------

BAD_LABELS: Final[dict[str, tuple[Any, dict[str, Any], str, object]]] = {
    f"{kind.__name__}.{name}={bad!r:.20}": (kind, sound, name, bad)
    for kind, sound, name, values in (
        (Booked, {"tracking_number": "T-1"}, "tracking_number", (None, 7)),
        (Booked, {"tracking_number": "T-1"}, "label", (None, 7, b"%PDF")),
        (Booked, {"tracking_number": "T-1"}, "expected_at", ("soon",)),
        (BookingDeclined, {"reason": "no"}, "reason", (None, 7, ValueError())),
        (BookingDeclined, {"reason": "no"}, "retry_at", ("soon",)),
        (BookingUnknown, {}, "reason", (None, 7)),
    )
    for bad in values
}


@define
class OddCarrier(CarrierGateway):
    """A carrier of a host with a bug: what it answers, and how often it was asked."""

    make: Callable[[], object]
    asked: list[Key] = field(factory=list[Key])

    def book(self, request: BookingRequest) -> BookingAnswer:
        self.asked.append(request.key)
        return cast("BookingAnswer", self.make())


def asked_of(carrier: OddCarrier) -> Booking:
    """What is known of a parcel that was packed for this carrier, and looked at for days."""
    shop = Shop()
    shop.service = OrderService(store=shop.store, payments=shop.till, carrier=carrier)
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1), terms=Terms(book_carrier=True))
    (work,) = order.fulfilment.open_orders
    name, items = ParcelId("p"), (PackItem(line=LineId("tea"), quantity=1),)
    shop.do(order.id, PackParcel(parcel=name, fulfilment=work.id, items=items, carrier="post"))
    shop.rest(rounds=9, step=timedelta(days=1))
    return shop.load(order.id).fulfilment.parcels[name].booking


@pytest.mark.parametrize("row", BAD_LABELS)
def test_a_label_with_an_unsound_field_is_refused(row: str) -> None:
    """F-2: whoever writes a carrier learns it where the answer is made."""
    kind, sound, name, bad = BAD_LABELS[row]
    with pytest.raises(InvalidValueError):
        kind(**{**sound, name: bad})


@pytest.mark.parametrize("is_forced", [True, False], ids=["forced", "made"])
@pytest.mark.parametrize("row", BAD_LABELS)
def test_a_carrier_with_an_unsound_answer_leaves_the_booking_in_doubt(
    row: str, is_forced: bool
) -> None:
    """F-2: who packs a parcel never hears of a host's bug, and nobody is asked without an end."""
    kind, sound, name, bad = BAD_LABELS[row]

    def make() -> object:
        answer = kind(**(sound if is_forced else {**sound, name: bad}))
        object.__setattr__(answer, name, bad)
        return answer

    carrier = OddCarrier(make)
    booking = asked_of(carrier)
    assert booking.is_in_doubt
    assert "Error in " in booking.failed
    assert 1 == len(set(carrier.asked))
    assert (None, 8, 8) == (booking.retry_at, booking.attempts, len(carrier.asked))


@pytest.mark.parametrize("word", [None, "T-1", True, Booked], ids=repr)
def test_what_is_no_answer_of_a_carrier_is_doubt(word: object) -> None:
    """F-2: it is named where the host looks for it, and a person looks in the end."""
    carrier = OddCarrier(lambda: word)
    booking = asked_of(carrier)
    assert f"the carrier answered with {type(word).__name__}" in booking.failed
    assert (None, 8, 8) == (booking.retry_at, booking.attempts, len(carrier.asked))
