"""
Where the money goes: which tender gets how much of what is sent back (RULES RF-5).

No tender gets more than it captured and still holds. A strategy is a value; the shop's own is a
subclass of `TenderOrder`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

from attrs import define, evolve, field, frozen

from ordercore.errors import RefusedError
from ordercore.ids import TenderId, checked_id
from ordercore.money import Money, apportion_minor, checked_amount, sum_money
from ordercore.refund.model import (
    InvalidRefundError,
    TenderShare,
    refuse_unless,
    refuse_unless_all,
)

__all__ = [
    "Held",
    "InProportion",
    "KindsFirst",
    "OriginalFirst",
    "RefundExceedsHeldError",
    "ReverseOrder",
    "TenderBalance",
    "TenderOrder",
    "ToTender",
    "destinations",
]


@define
class RefundExceedsHeldError(RefusedError):
    """More would be sent back than the tenders captured and still hold."""

    sentence = "{amount} cannot be sent back: the tenders hold {held} that can still be refunded."
    amount: Money
    held: Money


def _tender_id(value: TenderId) -> TenderId:
    return TenderId(checked_id(value, "tender id"))


def _tender_id_or_none(value: TenderId | None) -> TenderId | None:
    return None if value is None else _tender_id(value)


@frozen(kw_only=True)
class TenderBalance:
    """
    What one tender has captured and given back; tenders stand in the order they paid.

    Args:
        kind: The kind of the tender, such as ``card`` or ``gift_card``.
        disputed: Disputes open or lost: money that may be, or is, taken back already.
        closed: The instrument takes nothing any more; *fallback* gets its money instead.
        fallback: A tender that gets what would go to this one once it is closed.

    Raises:
        NegativeAmountError: An amount below zero.
        CurrencyMismatchError: Two currencies.
        InvalidRefundError: Closed, and no fallback; or a field is of another type.
    """

    tender: TenderId = field(converter=_tender_id)
    kind: str
    captured: Money
    refunded: Money
    in_flight: Money
    disputed: Money
    closed: bool = False
    fallback: TenderId | None = field(default=None, converter=_tender_id_or_none)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        for amount in (self.captured, self.refunded, self.in_flight, self.disputed):
            checked_amount(amount, f"tender {self.tender}")
        refuse_unless(self.kind, str, "kind")
        refuse_unless(self.closed, bool, "closed")
        sum_money((self.refunded, self.in_flight, self.disputed), self.captured.currency)
        if self.closed and self.fallback is None:
            raise InvalidRefundError(f"tender {self.tender}", "it is closed; name another one")

    @property
    def room(self) -> Money:
        """What it captured, still holds, and is not about to give back."""
        rest = self.captured - self.refunded - self.in_flight - self.disputed
        return max(rest, Money.zero(rest.currency))


@frozen
class Held:
    """What a strategy may look at: a tender's kind, and how much it can give, in minor units."""

    kind: str
    room: int


@frozen(kw_only=True)
class TenderOrder(ABC):
    """
    Which tender gives back first.

    A shop's own strategy says an amount per tender, in the order of the tenders:

    >>> class LargestFirst(TenderOrder):
    ...     def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
    ...         order = sorted(range(len(held)), key=lambda place: -held[place].room)
    ...         return self.in_turn(minor, held, order)
    >>> LargestFirst().amounts(70, [Held("card", 50), Held("card", 60)])
    [10, 60]
    """

    @abstractmethod
    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        """How many of *minor* units each tender gives, none more than its room."""

    def share(self, tender: TenderBalance, amount: Money) -> TenderShare:
        """The amount with where it is sent; a closed tender's fallback gets it instead."""
        sent_to = tender.fallback if tender.closed else None
        return TenderShare(tender=tender.tender, amount=amount, sent_to=sent_to)

    @staticmethod
    def in_turn(minor: int, held: Sequence[Held], order: Sequence[int]) -> list[int]:
        """Fill the rooms one after another, in this order of their places."""
        result = [0] * len(held)
        for place in order:
            result[place] = min(minor, held[place].room)
            minor -= result[place]
        return result


@frozen(kw_only=True)
class ReverseOrder(TenderOrder):
    """The tender that paid last gives back first."""

    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        """Fill from the last to the first."""
        return self.in_turn(minor, held, range(len(held) - 1, -1, -1))


@frozen(kw_only=True)
class OriginalFirst(TenderOrder):
    """The tender that paid first gives back first."""

    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        """Fill from the first to the last."""
        return self.in_turn(minor, held, range(len(held)))


@frozen(kw_only=True)
class InProportion(TenderOrder):
    """Each tender gives in proportion to what it still holds."""

    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        """Apportion by room (RULES M-4)."""
        return apportion_minor(minor, [one.room for one in held]) if minor else [0] * len(held)


@frozen(kw_only=True)
class KindsFirst(TenderOrder):
    """Tenders of these kinds give first, kind by kind; then the others as *then* says."""

    kinds: tuple[str, ...] = ("gift_card",)
    then: TenderOrder = field(factory=ReverseOrder)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        refuse_unless_all(self.kinds, str, "kinds")
        refuse_unless(self.then, TenderOrder, "then")

    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        """Fill the preferred ones, and ask the other strategy for the rest."""
        preferred = [
            place for kind in self.kinds for place, one in enumerate(held) if one.kind == kind
        ]
        first = self.in_turn(minor, held, preferred)
        others = [Held(one.kind, 0) if one.kind in self.kinds else one for one in held]
        rest = self.then.amounts(minor - sum(first), others)
        return [one + other for one, other in zip(first, rest, strict=True)]


@frozen(kw_only=True)
class ToTender(TenderOrder):
    """
    Everything is sent to one tender, such as store credit; it counts against the originals.

    Args:
        tender: Who gets it.
        counted: Against which tenders it counts.
        bonus: A fraction given on top, a liability of its own outside every ceiling.
    """

    tender: TenderId = field(converter=_tender_id)
    counted: TenderOrder = field(factory=ReverseOrder)
    bonus: Fraction = Fraction(0)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        refuse_unless(self.counted, TenderOrder, "counted")
        if type(self.bonus) is not Fraction or not 0 <= self.bonus <= 1:
            raise InvalidRefundError("bonus", "it must be a fraction from 0 to 1")

    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        """As the other strategy counts it."""
        return self.counted.amounts(minor, held)

    def share(self, tender: TenderBalance, amount: Money) -> TenderShare:
        """The amount with where it is sent, and the bonus."""
        share = TenderShare(tender=tender.tender, amount=amount, sent_to=self.tender)
        return evolve(share, bonus=amount.times(self.bonus)) if self.bonus else share


def destinations(
    amount: Money, tenders: Sequence[TenderBalance], order: TenderOrder
) -> tuple[TenderShare, ...]:
    """
    Where *amount* goes: shares that sum to it, none above what its tender still holds.

    Raises:
        RefundExceedsHeldError: The tenders do not hold so much.
        InvalidRefundError: The strategy broke its promise.

    Source:
        RULES RF-5, PAY-3.

    >>> from ordercore.money import EUR
    >>> nothing = Money.zero(EUR)
    >>> card, gift = (
    ...     TenderBalance(
    ...         tender=TenderId(name),
    ...         kind=name,
    ...         captured=Money(minor, EUR),
    ...         refunded=nothing,
    ...         in_flight=nothing,
    ...         disputed=nothing,
    ...     )
    ...     for name, minor in (("card", 3000), ("gift_card", 2000))
    ... )
    >>> shares = destinations(Money(2500, EUR), (card, gift), ReverseOrder())
    >>> [(share.tender, share.amount.minor) for share in shares]
    [('card', 500), ('gift_card', 2000)]
    """
    checked_amount(amount)
    refuse_unless(tenders, Sequence, "tenders")
    refuse_unless_all(tuple(tenders), TenderBalance, "tenders")
    refuse_unless(order, TenderOrder, "order of tenders")
    holding = sum_money([tender.room for tender in tenders], amount.currency)
    if amount > holding:
        raise RefundExceedsHeldError(amount, holding)
    held = [Held(tender.kind, tender.room.minor) for tender in tenders]
    parts = list(order.amounts(amount.minor, held))
    kept = len(parts) == len(held) and sum(parts) == amount.minor
    if not kept or any(not 0 <= part <= one.room for part, one in zip(parts, held, strict=True)):
        raise InvalidRefundError(type(order).__name__, "its amounts do not fit the tenders")
    return tuple(
        order.share(tender, Money(part, amount.currency))
        for tender, part in zip(tenders, parts, strict=True)
        if part
    )
