"""What came of a call to the outside, as a report: whatever a host's code raises is no answer."""

from __future__ import annotations

from typing import get_args

from attrs import evolve

from ordercore.errors import InvalidValueError
from ordercore.facts import Report
from ordercore.fulfilment.commands import ReportBooking
from ordercore.fulfilment.model import BookingAnswer, BookingUnknown
from ordercore.ids import ParcelId
from ordercore.order.model import Order
from ordercore.payment.answers import Answer, LookUpAnswer, Unknown
from ordercore.payment.commands import ReportAnswer
from ordercore.process.tasks import BookParcel, LookUpPayment, RemoteTask, SendPayment
from ordercore.service.effects import AskGateway, BookParcelCall, Now, SendToGateway, where
from ordercore.service.requests import booking_request, payment_call

__all__ = ["performed"]


async def performed(task: RemoteTask, order: Order) -> Report:
    """Make the call that is due."""
    match task:
        case SendPayment(key=key):
            return await _answered(SendToGateway(payment_call(order, key)))
        case LookUpPayment(key=key):
            return await _answered(AskGateway(payment_call(order, key)))
        case BookParcel(parcel=parcel):
            return await _booked(order, parcel)


async def _booked(order: Order, parcel: ParcelId) -> Report:
    """Ask the carrier for a label; only answers of the union count, with fields that are sound."""
    asked = order.fulfilment.parcels[parcel].asking
    answer: BookingAnswer
    try:
        answer = await BookParcelCall(booking_request(order, parcel))
        if type(answer) in get_args(BookingAnswer):
            answer = evolve(answer)  # made anew, so that each field is checked once more
        else:
            answer = BookingUnknown(reason=f"the carrier answered with {type(answer).__name__}")
    except InvalidValueError as error:
        answer = BookingUnknown(reason=f"{where(error)}: {error}")
    except Exception as error:  # noqa: BLE001  # whatever a host's carrier raises: no answer
        answer = BookingUnknown(reason=where(error))
    return ReportBooking(parcel=parcel, answer=answer, asked=asked, at=await Now())


async def _answered(effect: SendToGateway | AskGateway) -> Report:
    """Send or ask; only answers of the two unions count as such, with fields that are sound."""
    expected: object = LookUpAnswer if isinstance(effect, AskGateway) else Answer
    answer: LookUpAnswer
    try:
        answer = await effect
        if type(answer) in get_args(expected):
            answer = evolve(answer)  # made anew, so that each field is checked once more
        else:
            answer = Unknown(reason=f"the gateway answered with {type(answer).__name__}")
    except InvalidValueError as error:
        answer = Unknown(reason=f"{where(error)}: {error}")
    except Exception as error:  # noqa: BLE001  # whatever a host's gateway raises: no answer
        answer = Unknown(reason=where(error))
    return ReportAnswer(key=effect.request.key, answer=answer, at=await Now())
