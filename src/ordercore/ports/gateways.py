"""
The outside, as the engine and the relay call it. Hosts implement these.

A gateway that cannot say what happened answers `Unknown` (or raises: the engine takes any
exception for `Unknown`). It never guesses. Every call carries a key: the same key and the same
body must have the same effect as one call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from ordercore.fulfilment.model import BookingAnswer, Parcel
from ordercore.ids import Key, OrderId, PartyId, Reference, StreamId
from ordercore.money import Money
from ordercore.order.groups import DeliveryGroup
from ordercore.order.party import Destination, Party
from ordercore.payment.answers import Answer, Declined, DeclineKind, LookUpAnswer
from ordercore.payment.model import Operation, Tender
from ordercore.payment.policy import Capabilities
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import Tax

__all__ = [
    "NOT_DECLARED",
    "AccountingGateway",
    "BookingRequest",
    "CarrierGateway",
    "CustomerDirectory",
    "Envelope",
    "EventPublisher",
    "IdSource",
    "Notifier",
    "PaymentCall",
    "PaymentGateway",
    "SalesChannel",
    "TaxGateway",
]


@frozen(kw_only=True)
class PaymentCall:
    """
    One call to a payment gateway: all that it must know, and nothing that changes on a resend.

    ``target`` is the gateway's own reference of the capture (refund) or the authorisation (all
    others); where an extension of it has succeeded, ``extension`` is the reference of the latest:
    some gateways have a new name for it since. ``amount`` of an increase or an extension is that
    of the whole authorisation, as it shall be. The engine does not send it after ``not_after``.
    """

    order: OrderId
    key: Key
    operation: Operation
    tender: Tender
    amount: Money
    not_after: datetime
    target: Reference | None = None
    party: tuple[PartyId, int] | None = None
    extension: Reference | None = None


NOT_DECLARED: Final = Declined(kind=DeclineKind.CONFIGURATION, code="not_declared")
"""What a gateway answers to an operation that it does not declare: it did not happen."""


class PaymentGateway(ABC):
    """
    Moves money. Called by the engine, after the intent was committed.

    It only translates: it has no state and tries nothing again. Whatever it raises means that
    nobody knows what happened. `ordercore.testing.contracts.gateway` tells whether it can be used.
    """

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What it can do; frozen into the terms of each order at placement."""

    @abstractmethod
    def authorise(self, call: PaymentCall) -> Answer:
        """Set the amount aside."""

    @abstractmethod
    def capture(self, call: PaymentCall) -> Answer:
        """Take the amount of the authorisation ``target``; "already captured" is a success."""

    @abstractmethod
    def void(self, call: PaymentCall) -> Answer:
        """Let the uncaptured rest of the authorisation ``target`` go."""

    @abstractmethod
    def refund(self, call: PaymentCall) -> Answer:
        """Give the amount of the capture ``target`` back."""

    @abstractmethod
    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        """What became of the call with this key; changes nothing."""

    def increase(self, call: PaymentCall) -> Answer:
        """Raise the authorisation ``target`` to the amount; asked where ``incremental`` is."""
        del call
        return NOT_DECLARED

    def extend(self, call: PaymentCall) -> Answer:
        """Let the authorisation ``target`` last longer; asked where ``extend`` is declared."""
        del call
        return NOT_DECLARED


@frozen(kw_only=True)
class BookingRequest:
    """A parcel to be booked; the same key never books a second one."""

    order: OrderId
    key: Key
    parcel: Parcel
    destination: Destination | None = None
    party: tuple[PartyId, int] | None = None
    group: DeliveryGroup | None = None
    """Method, wanted day, incoterm and customs data of its delivery group, where it has one."""


class CarrierGateway(ABC):
    """Takes parcels. Called by the engine, after the parcel was packed."""

    @abstractmethod
    def book(self, request: BookingRequest) -> BookingAnswer:
        """Book a parcel: its tracking number and label, or why not."""


class TaxGateway(ABC):
    """Knows taxes. Called by ``service.quote``, before pricing."""

    @abstractmethod
    def taxes(self, draft: Draft, destination: Destination) -> Mapping[str, tuple[Tax, ...]]:
        """The taxes of each line and charge, by its id; kept verbatim."""


class IdSource(ABC):
    """Makes ids. Called by the engine, the only place where something random enters."""

    @abstractmethod
    def new_id(self) -> str:
        """A fresh id that nobody can guess; it never comes twice."""


@frozen(kw_only=True)
class Envelope:
    """
    One published fact: ``text`` is a CloudEvents 1.0 event as JSON, the rest is for routing.

    ``id`` is the same however often it is sent; ``subject`` is the stream and ``version`` the
    place in it, so that a receiver can drop repeats and keep the order.
    """

    id: str
    type: str
    subject: StreamId
    version: int
    text: str = field(repr=False)


class EventPublisher(ABC):
    """Tells the world. Called by the relay: at least once, per order in order."""

    @abstractmethod
    def publish(self, envelope: Envelope) -> None:
        """Hand one fact over; raising means "not now", and it comes again."""


class SalesChannel(ABC):
    """A shop or marketplace that wants to hear of its orders. Called by the relay."""

    @abstractmethod
    def tell(self, envelope: Envelope, references: tuple[tuple[str, str], ...]) -> None:
        """Tell the channel; *references* are the names that it gave the order."""


class AccountingGateway(ABC):
    """Keeps the books. Called by the relay."""

    @abstractmethod
    def book(self, envelope: Envelope, rows: tuple[tuple[str, Money], ...]) -> None:
        """Book one balanced entry: account and amount, debits above zero."""


class CustomerDirectory(ABC):
    """Knows customers (a CRM). Called by the host when it places an order."""

    @abstractmethod
    def find(self, party: PartyId) -> Party | None:
        """The newest data of a customer."""


class Notifier(ABC):
    """Writes to customers. Called by the relay."""

    @abstractmethod
    def notify(self, party: PartyId, envelope: Envelope) -> None:
        """Tell the customer what happened; the words are the host's."""
