"""
The door of the services: what hosts mix up most, refused with what to write instead.
"""

from __future__ import annotations

import uuid
from typing import TypeVar, cast

from attrs import define

from ordercore.errors import InvalidValueError
from ordercore.fulfilment.model import BookingAnswer, BookingDeclined
from ordercore.inventory.sourcing import InOrder, Strategy
from ordercore.order.commands import Place
from ordercore.payment.model import Tender
from ordercore.payment.policy import Capabilities
from ordercore.ports.aio import AsyncPaymentGateway
from ordercore.ports.gateways import BookingRequest, CarrierGateway, IdSource, PaymentGateway
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import PricedOrder

__all__ = [
    "ForeignCommandError",
    "InvalidPortError",
    "InvalidTendersError",
    "NoCarrier",
    "NotPricedError",
    "RandomIds",
    "capabilities_of",
    "checked_placement",
    "checked_port",
    "no_class",
    "strategy_of",
]

_Port = TypeVar("_Port")


class RandomIds(IdSource):
    """Random UUIDs: the default source of ids."""

    def new_id(self) -> str:
        """A fresh random id."""
        return uuid.uuid4().hex


class NoCarrier(CarrierGateway):
    """For hosts that book parcels themselves: declines every booking."""

    def book(self, request: BookingRequest) -> BookingAnswer:
        """Say that nobody books here."""
        return BookingDeclined(reason=f"no carrier is connected for {request.parcel.carrier}")


@define
class ForeignCommandError(InvalidValueError):
    """What was given as a command is none of this service."""

    sentence = "{given} is no {wanted}; {advice}."
    given: str
    wanted: str
    advice: str = "pass an instance of one"


@define
class NotPricedError(InvalidValueError):
    """Only a priced order can be placed."""

    sentence = "A {given} cannot be placed, only a PricedOrder; {advice}."
    given: str
    advice: str


@define
class InvalidTendersError(InvalidValueError):
    """Tenders come as a tuple, so that nobody changes them later."""

    sentence = "The tenders must be a tuple of Tender values, not a {given}; write {advice}."
    given: str
    advice: str


@define
class InvalidPortError(InvalidValueError):
    """What was given as a port cannot be one."""

    sentence = "{name} must be an instance of {wanted}, not {given}."
    name: str
    wanted: str
    given: str


def checked_placement(command: Place) -> Place:
    """
    The placement itself, of a priced order with a tuple of tenders.

    Raises:
        NotPricedError: The order has no price yet, or is none.
        InvalidTendersError: The tenders are no tuple of tenders.
    """
    priced = cast("object", command.priced)
    if not isinstance(priced, PricedOrder):
        advice = "pass price(draft)" if isinstance(priced, Draft) else "make one with price(draft)"
        raise NotPricedError(type(priced).__name__, advice)
    tenders: object = command.tenders
    if isinstance(tenders, Tender):
        raise InvalidTendersError("Tender", "tenders=(tender,)")
    if type(tenders) is not tuple:
        raise InvalidTendersError(type(tenders).__name__, "tenders=(first, second)")
    return command


def strategy_of(sourcing: Strategy | None) -> Strategy:
    """From where units are taken; without a word, in the order of the locations."""
    return checked_port(sourcing or InOrder(), "sourcing", "Strategy", "plan")


def checked_port(port: _Port, name: str, kind: str, needs: str) -> _Port:
    """
    The port itself: an instance that has what is needed of it first.

    Raises:
        InvalidPortError: It is missing, or a class instead of an instance.
    """
    if isinstance(port, type):
        raise InvalidPortError(name, kind, f"the class {port.__name__} itself")
    if not (hasattr(type(port), needs) or hasattr(port, needs)):
        raise InvalidPortError(name, kind, type(port).__name__)
    return port


def capabilities_of(gateway: PaymentGateway | AsyncPaymentGateway) -> Capabilities:
    """
    What a gateway declares that it can do.

    Raises:
        InvalidPortError: It raises, or declares something else.
    """
    name = f"{type(gateway).__name__}.capabilities"
    try:
        found = cast("object", gateway.capabilities)
    except Exception as error:
        raised = f"an error ({type(error).__name__})"
        raise InvalidPortError(name, "Capabilities", raised) from error
    if not isinstance(found, Capabilities):
        raise InvalidPortError(name, "Capabilities", type(found).__name__)
    return found


def no_class(command: object, wanted: str) -> None:
    """
    Refuse the class of a command in the place of a command.

    Raises:
        ForeignCommandError: It is a class.
    """
    if isinstance(command, type):
        raise ForeignCommandError(f"The class {command.__name__}", wanted)
