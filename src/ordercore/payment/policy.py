"""
How payments are worked: what the gateway can do, and how patient the engine is.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum, unique
from fractions import Fraction

from attrs import field, frozen

from ordercore.payment.model import InvalidPaymentError

__all__ = ["Capabilities", "CaptureWhen", "PaymentPolicy"]


@unique
class CaptureWhen(StrEnum):
    """When authorised money is taken (RULES PAY-4)."""

    PLACEMENT = "placement"
    DISPATCH = "dispatch"
    MANUAL = "manual"


@frozen(kw_only=True)
class Capabilities:
    """
    What a gateway declares that it can do; the core never asks for what is not declared.

    ``over_capture`` is the part of an authorisation that may be captured beyond it. An empty
    ``currencies`` means all. ``key_lifetime`` is how long the gateway remembers a key.
    """

    currencies: tuple[str, ...] = ()
    key_lifetime: timedelta = timedelta(hours=24)
    call_timeout: timedelta = timedelta(seconds=30)
    partial_capture: bool = True
    multiple_capture: bool = True
    partial_void: bool = False
    look_up: bool = True
    over_capture: Fraction = Fraction(0)
    authorisation_lifetime: timedelta = timedelta(days=7)


@frozen(kw_only=True)
class PaymentPolicy:
    """
    The engine's patience, frozen into the terms.

    ``schedule`` is when an unresolved operation is asked about, each after the one before it;
    after the last it is parked for a person. `horizon` is when "not found" means "never happened".
    """

    capture: CaptureWhen = CaptureWhen.DISPATCH
    send_window: timedelta = timedelta(minutes=15)
    clock_skew: timedelta = timedelta(minutes=1)
    max_delay: timedelta = timedelta(minutes=30)
    schedule: tuple[timedelta, ...] = field(
        default=(
            timedelta(minutes=5),
            timedelta(hours=1),
            timedelta(days=1),
            timedelta(days=1),
            timedelta(days=1),
            timedelta(days=1),
            timedelta(days=1),
        )
    )
    soft_retries: int = 3
    soft_retry_after: timedelta = timedelta(hours=1)

    def __attrs_post_init__(self) -> None:
        if min(self.send_window, self.clock_skew, self.max_delay) < timedelta(0):
            raise InvalidPaymentError("payment policy", "its windows must not be negative")
        if not self.schedule or min(self.schedule) <= timedelta(0):
            raise InvalidPaymentError("payment policy", "its schedule needs waits above zero")

    @property
    def horizon(self) -> timedelta:
        """How long after the intent "not found" may still mean "not yet"."""
        return self.send_window + self.clock_skew + self.max_delay

    def check(self, capabilities: Capabilities) -> None:
        """
        Refuse a gateway that forgets its keys too early.

        Raises:
            InvalidPaymentError: The horizon is not shorter than the key lifetime.
        """
        if self.horizon >= capabilities.key_lifetime:
            raise InvalidPaymentError(
                "payment policy", "its horizon must be shorter than the gateway keeps its keys"
            )
