"""From an order to the calls that it owes: nothing that changes on a resend."""

from __future__ import annotations

from hashlib import sha256

from ordercore.ids import Key, ParcelId, Reference
from ordercore.order.groups import group_of
from ordercore.order.model import Order
from ordercore.payment.decide import UnknownOperationError, UnknownTenderError
from ordercore.ports.gateways import BookingRequest, PaymentCall

__all__ = ["booking_request", "payment_call"]


def payment_call(order: Order, key: Key) -> PaymentCall:
    """The call of a saved intent; the same for every resend and look-up, whatever came since."""
    found = order.payment.operations.get(key)
    if found is None:
        raise UnknownOperationError(key)
    intent = found.intent
    tender = found.tender
    if tender is None:
        raise UnknownTenderError(intent.tender)
    return PaymentCall(
        order=order.id,
        key=key,
        operation=intent.operation,
        tender=tender,
        amount=intent.amount,
        not_after=intent.not_after,
        target=_reference(order, intent.target),
        party=intent.party,
        extension=_reference(order, intent.extension),
    )


def _reference(order: Order, key: Key | None) -> Reference | None:
    """What the gateway calls an operation of this order."""
    found = order.payment.operations.get(key) if key is not None else None
    return None if found is None else found.reference


def booking_request(order: Order, parcel: ParcelId) -> BookingRequest:
    """The booking of a packed parcel; each asking that is another one has a key of its own."""
    found = order.fulfilment.parcels[parcel]
    group = group_of(order.groups, order.fulfilment.orders.get(found.fulfilment))
    customer = group.party if group and group.party else order.customer
    return BookingRequest(
        order=order.id,
        key=_booking_key(order, parcel, found.asking),
        parcel=found,
        destination=group.destination if group and group.destination else order.destination,
        party=(customer.party, customer.version) if customer is not None else None,
        group=group,
    )


def _booking_key(order: Order, parcel: ParcelId, asking: int) -> Key:
    """The same for the same three, another for any other, whatever colons their ids have."""
    named = "".join(f"{len(part)}:{part}," for part in (order.id, parcel))
    digest = sha256(f"{named}{asking}".encode()).hexdigest()
    return Key(f"book-{asking}-{digest[:40]}")
