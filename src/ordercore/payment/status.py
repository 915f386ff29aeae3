"""
Three tables: where one operation and one dispute stand, and what an order's money adds up to.

The last of them is derived (RULES S).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.machine import Conditions, Guard, StateMachine, To, Trigger
from ordercore.money import Money
from ordercore.payment.events import (
    AuthorisationExpired,
    OperationActionRequired,
    OperationDeclined,
    OperationFailed,
    OperationInDoubt,
    OperationNeverHappened,
    OperationParked,
    OperationPending,
    OperationSucceeded,
)
from ordercore.payment.model import Dispute, DisputeStatus, OperationStatus

__all__ = ["DISPUTE", "OPERATION", "PAYMENT", "PaymentFacts", "PaymentStatus"]

_O = OperationStatus
_AGREED: Final = Guard[bool]("no reply has contradicted the intent", lambda agreed: agreed)

_UNDONE: Final[Mapping[Trigger, OperationStatus]] = {
    OperationFailed: _O.FAILED,
    AuthorisationExpired: _O.EXPIRED,
}
_CLOSING: Final[Mapping[Trigger, OperationStatus]] = {
    OperationSucceeded: _O.SUCCEEDED,
    OperationDeclined: _O.DECLINED,
    OperationNeverHappened: _O.NEVER_HAPPENED,
    OperationParked: _O.PARKED,
    **_UNDONE,
}
_SETTLING: Final[Mapping[Trigger, OperationStatus]] = {
    OperationPending: _O.PENDING,
    OperationActionRequired: _O.ACTION_REQUIRED,
    OperationInDoubt: _O.IN_DOUBT,
    **_CLOSING,
}

OPERATION: Final = StateMachine[OperationStatus, bool](
    OperationStatus,
    initial=_O.INTENDED,
    terminal=[_O.SUCCEEDED, _O.DECLINED, _O.NEVER_HAPPENED, _O.FAILED, _O.EXPIRED],
    table={
        _O.INTENDED: _SETTLING,
        _O.PENDING: _SETTLING,
        _O.ACTION_REQUIRED: _SETTLING,
        _O.IN_DOUBT: _SETTLING,
        _O.PARKED: {**_CLOSING, OperationDeclined: To(_O.DECLINED, (_AGREED,))},
        _O.DECLINED: {
            OperationSucceeded: _O.SUCCEEDED,
            OperationParked: _O.PARKED,
            **_UNDONE,
        },
        _O.NEVER_HAPPENED: _SETTLING,
        _O.SUCCEEDED: {OperationSucceeded: _O.SUCCEEDED, **_UNDONE},
    },
)
"""
Every way of one operation; its guards ask whether all replies agreed with the intent.

The statuses have an order, and a fact never moves an operation down in it: a success outranks a
decline, a failure outranks a success. So facts that come late, twice or in another order end in
the same status (RULES PAY-3), and a late success of a closed attempt is always recorded.
"""


_D = DisputeStatus
_Told = tuple[Dispute, Dispute]
"""The dispute as it is known, and as it is told."""

_LATER: Final = Guard[_Told]("it is said of a later instant", lambda two: two[1].at > two[0].at)
_AT_ONCE: Final = Guard[_Told]("it is said of the same instant", lambda two: two[1].at == two[0].at)

DISPUTE: Final = StateMachine[DisputeStatus, _Told](
    DisputeStatus,
    initial=_D.OPENED,
    terminal=[_D.WON, _D.LOST],
    exclusive=[(_LATER, _AT_ONCE)],
    table={
        _D.OPENED: {"opened": To(_D.OPENED, (_LATER,)), "won": _D.WON, "lost": _D.LOST},
        _D.WON: {
            "won": To(_D.WON, (_LATER,)),
            "lost": (To(_D.LOST, (_LATER,)), To(_D.LOST, (_AT_ONCE,))),
        },
        _D.LOST: {"lost": To(_D.LOST, (_LATER,)), "won": To(_D.WON, (_LATER,))},
    },
)
"""
Where a dispute stands: an outcome outranks the opening, the later of two outcomes counts, and at
one instant the loss. So reports may come late, twice and in any order (RULES PAY-3, PAY-6).
"""


@unique
class PaymentStatus(StrEnum):
    """What an order's money adds up to: derived, never stored."""

    OVER_REFUNDED = "over_refunded"
    OVERPAID = "overpaid"
    NOT_REQUIRED = "not_required"
    VOIDED = "voided"
    CHARGED_BACK = "charged_back"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    AUTHORISED = "authorised"
    PARTIALLY_AUTHORISED = "partially_authorised"
    DEFERRED = "deferred"
    UNPAID = "unpaid"


@frozen(kw_only=True)
class PaymentFacts:
    """
    The letters of RULES S, all of one currency; ``tolerance`` in minor units.

    T owed, G original total, A live authorisation, C captured, F refunded, K disputes lost.
    """

    owed: Money
    total: Money
    authorised: Money
    captured: Money
    refunded: Money
    lost: Money
    is_deferred: bool = False
    tolerance: int = 0

    @property
    def held(self) -> int:
        """H = C − F − K, in minor units."""
        return self.captured.minor - self.refunded.minor - self.lost.minor

    @property
    def is_nothing(self) -> bool:
        """T = H = 0, H within the tolerance."""
        return self.owed.minor == 0 and self.is_level

    @property
    def is_level(self) -> bool:
        """H = T within the tolerance."""
        return abs(self.held - self.owed.minor) <= self.tolerance


_P = PaymentStatus
_F = PaymentFacts

PAYMENT: Final = Conditions[PaymentStatus, PaymentFacts](
    PaymentStatus,
    rules=[
        (_P.OVER_REFUNDED, Guard[_F]("H < 0", lambda at: at.held < 0)),
        (
            _P.OVERPAID,
            Guard[_F]("H > T", lambda at: at.held - at.owed.minor > at.tolerance),
        ),
        (
            _P.NOT_REQUIRED,
            Guard[_F](
                "T = H = 0, C = 0 and G = 0",
                lambda at: at.is_nothing and at.captured.minor == 0 and at.total.minor == 0,
            ),
        ),
        (
            _P.VOIDED,
            Guard[_F]("T = H = 0 and C = 0", lambda at: at.is_nothing and at.captured.minor == 0),
        ),
        (
            _P.CHARGED_BACK,
            Guard[_F]("T = H = 0 and K > 0", lambda at: at.is_nothing and at.lost.minor > 0),
        ),
        (_P.REFUNDED, Guard[_F]("T = H = 0", lambda at: at.is_nothing)),
        (
            _P.PARTIALLY_REFUNDED,
            Guard[_F]("H = T and F > 0", lambda at: at.is_level and at.refunded.minor > 0),
        ),
        (
            _P.PAID,
            Guard[_F]("H = T", lambda at: at.is_level),
        ),
        (_P.CHARGED_BACK, Guard[_F]("K > 0", lambda at: at.lost.minor > 0)),
        (_P.PARTIALLY_PAID, Guard[_F]("H > 0", lambda at: at.held > 0)),
        (
            _P.AUTHORISED,
            Guard[_F]("A >= T", lambda at: at.authorised.minor >= at.owed.minor),
        ),
        (_P.PARTIALLY_AUTHORISED, Guard[_F]("A > 0", lambda at: at.authorised.minor > 0)),
        (_P.DEFERRED, Guard[_F]("a deferred tender covers it", lambda at: at.is_deferred)),
    ],
    otherwise=_P.UNPAID,
)
"""The status of an order's money: first match wins."""
