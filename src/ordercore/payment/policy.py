"""
How payments are worked: what the gateway can do, and how patient the engine is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum, unique
from fractions import Fraction
from typing import Final

from attrs import Attribute, field, frozen

from ordercore.money import Currency, checked_quantity
from ordercore.payment._fields import LONGEST, InvalidPaymentError, duration, yes_or_no

__all__ = ["OF_STORE_VALUE", "Capabilities", "CaptureWhen", "PaymentPolicy"]

MOST_DIGITS: Final = 18
MOST_RETRIES: Final = 100


def _codes(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(Currency.of(code).code for code in value)


def _exponents(value: Mapping[str, int]) -> Mapping[str, int]:
    return {
        Currency.of(code).code: checked_quantity(digits, "exponent", least=0, most=MOST_DIGITS)
        for code, digits in value.items()
    }


def _waits(_instance: object, _attribute: object, value: tuple[timedelta, ...]) -> None:
    if type(value) is not tuple or not 0 < len(value) <= MOST_RETRIES:
        raise InvalidPaymentError("schedule", f"it must be a tuple of 1 to {MOST_RETRIES} waits")
    if not all(type(wait) is timedelta and timedelta(0) < wait <= LONGEST for wait in value):
        raise InvalidPaymentError("schedule", "each wait must be a timedelta above zero")
    if sum(value, timedelta(0)) > LONGEST:
        raise InvalidPaymentError("schedule", f"it must end within {LONGEST.days} days")


def _ratio(_instance: object, attribute: Attribute[Fraction], value: Fraction) -> None:
    if type(value) is not Fraction or not 0 <= value <= 1:
        raise InvalidPaymentError(attribute.name, "it must be a Fraction from 0 to 1")


def _retries(_instance: object, attribute: Attribute[int], value: int) -> None:
    checked_quantity(value, attribute.name, least=0, most=MOST_RETRIES)


@unique
class CaptureWhen(StrEnum):
    """When authorised money is taken (RULES PAY-4)."""

    PLACEMENT = "placement"
    DISPATCH = "dispatch"
    MANUAL = "manual"


def _capture(_instance: object, attribute: Attribute[CaptureWhen], value: object) -> None:
    if type(value) is not CaptureWhen:
        problem = f"it must be a CaptureWhen such as CaptureWhen.PLACEMENT, {_kind(value)}"
        raise InvalidPaymentError(attribute.name, problem)


def _kind(value: object) -> str:
    return f"not {type(value).__name__}"


@frozen(kw_only=True)
class Capabilities:
    """
    What a gateway declares that it can do; the core never asks for what is not declared.

    An empty ``currencies`` means all; ``exponents`` are digits after the point by currency code
    where the gateway differs from ISO 4217 (RULES M-1). ``key_lifetime`` is how long it remembers
    a key, ``over_capture`` the part of an authorisation that may be captured beyond it. Without
    ``look_up`` nobody asks what became of a call; in its window it is sent again all the same. With
    ``incremental`` an authorisation of which nothing was captured or voided may be raised, with
    ``extend`` it may be made to last longer, in time for a lifetime more. Without
    ``refund_before_settlement`` a refund waits until ``settlement_delay`` after the capture.
    ``authorisation_lifetime`` is how long an authorisation lasts where nobody says.

    Source:
        RULES PAY-2.
    """

    currencies: tuple[str, ...] = field(default=(), converter=_codes)
    exponents: Mapping[str, int] = field(factory=dict[str, int], converter=_exponents)
    key_lifetime: timedelta = field(default=timedelta(hours=24), validator=duration)
    call_timeout: timedelta = field(default=timedelta(seconds=30), validator=duration)
    partial_capture: bool = field(default=True, validator=yes_or_no)
    multiple_capture: bool = field(default=True, validator=yes_or_no)
    partial_void: bool = field(default=False, validator=yes_or_no)
    look_up: bool = field(default=True, validator=yes_or_no)
    over_capture: Fraction = field(default=Fraction(0), validator=_ratio)
    incremental: bool = field(default=False, validator=yes_or_no)
    extend: bool = field(default=False, validator=yes_or_no)
    refund_before_settlement: bool = field(default=True, validator=yes_or_no)
    settlement_delay: timedelta = field(default=timedelta(days=1), validator=duration)
    authorisation_lifetime: timedelta = field(default=timedelta(days=7), validator=duration)

    def takes(self, currency: Currency) -> bool:
        """Whether the gateway takes payments in *currency*."""
        return not self.currencies or currency.code in self.currencies


OF_STORE_VALUE: Final = Capabilities(partial_void=True)
"""What accounts of store value can do: everything but over-capture, and in the same commit."""


@frozen(kw_only=True)
class PaymentPolicy:
    """
    The engine's patience, frozen into the terms.

    ``schedule`` is when an unresolved operation is asked about, each after the one before it;
    after the last it is parked for a person. `horizon` is when "not found" means "never happened".
    A payment that may work later is tried ``soft_retries`` times more, ``soft_retry_after`` apart
    unless the gateway wants longer. From ``renew_before`` its expiry on an authorisation does not
    count as cover any more: it is extended where the gateway declares that, else taken anew, and
    the old one is voided when the new one stands.
    ``capture_whole``: with the first dispatch all that is owed is captured, as a gateway that
    captures once only may want it; without it the rest is authorised anew before it goes.

    Source:
        docs/how-it-works.md, Money effects; RULES PAY-2, PAY-4, PAY-5.
    """

    capture: CaptureWhen = field(default=CaptureWhen.DISPATCH, validator=_capture)
    send_window: timedelta = field(default=timedelta(minutes=15), validator=duration)
    clock_skew: timedelta = field(default=timedelta(minutes=1), validator=duration)
    max_delay: timedelta = field(default=timedelta(minutes=30), validator=duration)
    schedule: tuple[timedelta, ...] = field(
        default=(
            timedelta(minutes=5),
            timedelta(hours=1),
            timedelta(days=1),
            timedelta(days=1),
            timedelta(days=1),
            timedelta(days=1),
            timedelta(days=1),
        ),
        validator=_waits,
    )
    soft_retries: int = field(default=3, validator=_retries)
    soft_retry_after: timedelta = field(default=timedelta(hours=1), validator=duration)
    renew_before: timedelta = field(default=timedelta(0), validator=duration)
    capture_whole: bool = field(default=False, validator=yes_or_no)

    @property
    def horizon(self) -> timedelta:
        """How long after the intent "not found" may still mean "not yet"."""
        return self.send_window + self.clock_skew + self.max_delay

    def check(self, capabilities: Capabilities) -> None:
        """
        Refuse a gateway that forgets its keys too early.

        Raises:
            InvalidPaymentError: The horizon, and the time of one call, is not shorter than the
                key lifetime.
        """
        if self.horizon + capabilities.call_timeout >= capabilities.key_lifetime:
            raise InvalidPaymentError(
                "payment policy", "its horizon must be shorter than the gateway keeps its keys"
            )
