"""
What goes wrong in a sandbox, decided by a seed and a key alone: the same run fails the same way.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum, unique
from hashlib import blake2b
from typing import Final

from attrs import Attribute, field, frozen

from ordercore.money import checked_quantity
from ordercore.payment.model import InvalidPaymentError

__all__ = ["NO_FAULTS", "Chance", "Fate", "Faults"]

OUT_OF: Final = 1000


def _rate(_instance: object, attribute: Attribute[int], value: int) -> None:
    checked_quantity(value, attribute.name, least=0, most=OUT_OF)


@frozen(kw_only=True)
class Faults:
    """
    How often things go wrong: each figure out of 1,000.

    Those about calls exclude each other, so that they may add up to 1,000 at most.
    A late call arrives within ``longest_delay``, after its sender has given up; what is pending,
    and webhooks that come late, need up to ``longest_wait``.
    """

    lost_call: int = field(default=0, validator=_rate)
    """No answer, and it did not happen."""
    lost_answer: int = field(default=0, validator=_rate)
    """No answer, although it happened."""
    late_call: int = field(default=0, validator=_rate)
    """No answer, and it happens later."""
    error: int = field(default=0, validator=_rate)
    """A server error (5xx): the call raises, and it did not happen."""
    pending: int = field(default=0, validator=_rate)
    """Accepted; what became of it is known later."""
    action: int = field(default=0, validator=_rate)
    """An authorisation that the payer must confirm first, which happens later."""
    taken_back: int = field(default=0, validator=_rate)
    """A capture or refund that succeeded fails later."""
    twice: int = field(default=0, validator=_rate)
    """A webhook or a scan that is told twice."""
    late: int = field(default=0, validator=_rate)
    """A webhook or a scan that is told late, and so out of order."""
    lost: int = field(default=0, validator=_rate)
    """A webhook or a scan that is never told."""
    nameless: int = field(default=0, validator=_rate)
    """A webhook that does not repeat our key, only the gateway's own reference."""
    failed_attempt: int = field(default=0, validator=_rate)
    """A parcel whose first delivery fails."""
    sent_back: int = field(default=0, validator=_rate)
    """A parcel that comes back."""
    lost_parcel: int = field(default=0, validator=_rate)
    """A parcel that never arrives."""
    kept_error: int = field(default=0, validator=_rate)
    """A server error although it happened, and the same error for every resend of the key."""
    wrong_amount: int = field(default=0, validator=_rate)
    """An answer that names another amount than was moved."""
    longest_delay: timedelta = timedelta(minutes=10)
    longest_wait: timedelta = timedelta(hours=1)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if sum(getattr(self, fate.value) for fate in _ON_CALLS) > OUT_OF:
            raise InvalidPaymentError("faults", "those of calls add up to more than 1,000")
        if min(self.longest_delay, self.longest_wait) <= timedelta(0):
            raise InvalidPaymentError("faults", "a delay must be longer than zero")


@unique
class Fate(StrEnum):
    """What happens to one call."""

    FINE = "fine"
    LOST_CALL = "lost_call"
    LOST_ANSWER = "lost_answer"
    LATE_CALL = "late_call"
    ERROR = "error"
    PENDING = "pending"
    ACTION = "action"
    KEPT_ERROR = "kept_error"
    WRONG_AMOUNT = "wrong_amount"


_ON_CALLS: Final = tuple(fate for fate in Fate if fate is not Fate.FINE)

NO_FAULTS: Final = Faults()
"""A gateway or carrier that always answers, at once."""


@frozen
class Chance:
    """Decides by hashing; nothing here changes, and nothing comes from outside."""

    seed: int
    faults: Faults

    def _draw(self, key: str, what: str, of: int) -> int:
        digest = blake2b(f"{self.seed}|{what}|{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % of

    def happens(self, rate: int, key: str, what: str) -> bool:
        """Whether this fault strikes here."""
        return self._draw(key, what, OUT_OF) < rate

    def fate(self, key: str, nth: int) -> Fate:
        """What happens to the call with this key, when it is sent for the nth time."""
        drawn = self._draw(key, f"call {nth}", OUT_OF)
        for fate in _ON_CALLS:
            rate: int = getattr(self.faults, fate.value)
            if drawn < rate:
                return fate
            drawn -= rate
        return Fate.FINE

    def within(self, longest: timedelta, key: str, what: str) -> timedelta:
        """Some time of more than zero, and at most *longest*."""
        microsecond = timedelta(microseconds=1)
        return (1 + self._draw(key, f"delay of {what}", longest // microsecond)) * microsecond

    def told(self, key: str, what: str) -> tuple[timedelta, ...]:
        """When a webhook or scan is told: how long after it happened, once for each copy."""
        faults = self.faults
        if self.happens(faults.lost, key, f"lost {what}"):
            return ()
        copies = 2 if self.happens(faults.twice, key, f"twice {what}") else 1
        return tuple(
            self.within(faults.longest_wait, key, f"{what} {copy}")
            if self.happens(faults.late, key, f"late {what} {copy}")
            else timedelta(0)
            for copy in range(copies)
        )

    def name(self, prefix: str, key: str) -> str:
        """A name that looks like one of a gateway: letters only, the same for the same key."""
        digest = blake2b(f"{self.seed}|name|{prefix}|{key}".encode(), digest_size=12).hexdigest()
        return f"{prefix}_{digest.translate(_LETTERS)}"


_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
