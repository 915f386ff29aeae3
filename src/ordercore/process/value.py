"""
Paying from an account of store value: what an intent does to the account, and what it answers.

Nobody is called and nothing is ever in doubt: the facts of both stand in one commit, and the
account's expected version is the condition under which its value moves (RULES PAY-1, PAY-3).
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from typing import Final, TypeAlias

from ordercore.facts import Event
from ordercore.ids import Key, Reference
from ordercore.money import CurrencyMismatchError, Money, sum_money
from ordercore.payment.account import Account, evolve_value
from ordercore.payment.answers import DeclineKind
from ordercore.payment.events import AuthorisationExpired, OperationDeclined, OperationSucceeded
from ordercore.payment.model import Intent, Operation
from ordercore.payment.state import PaymentState
from ordercore.payment.store_value import (
    HoldValue,
    InsufficientValueError,
    ReleaseValue,
    ReturnValue,
    StoreValueCommand,
    TakeValue,
    UnknownValueHoldError,
    ValueKeyReusedError,
    decide_value,
)

__all__ = ["settle_value"]

_Events: TypeAlias = tuple[Event, ...]

REFUSALS: Final = (
    CurrencyMismatchError,
    InsufficientValueError,
    UnknownValueHoldError,
    ValueKeyReusedError,
)
UNKNOWN_ACCOUNT: Final = "unknown-account"
UNDECLARED: Final = "not-declared"
OF_REST: Final = "-rest"
"""What follows the key of an operation in that of giving back the rest of its hold."""
_OF_A_HOLD: Final = frozenset({Operation.CAPTURE, Operation.VOID})


def settle_value(
    state: PaymentState, intent: Intent, account: Account | None, now: datetime
) -> tuple[_Events, _Events]:
    """
    The facts of the order and those of the account.

    Authorising holds what is there of the amount, capturing takes it, voiding releases it, and a
    refund returns it to the lots that were spent. What the account refuses is a decline for good:
    the rest of the debt goes to the other tenders. Where what was held is no longer there to be
    taken or released, because somebody has used the hold at the account, the authorisation ends
    with it, and what is left of the hold is free: no goods go on its promise.

    Source:
        RULES PAY-1, PAY-5.
    """
    if account is None:
        return _refused(state, intent, UNKNOWN_ACCOUNT, now), ()
    step = _step(state, intent)
    if step is None:
        return _refused(state, intent, UNDECLARED, now), ()
    try:
        facts = decide_value(account, step, now)
    except REFUSALS as error:
        return _refused(state, intent, error.code, now), _let_go(account, intent, now)
    succeeded = OperationSucceeded(
        key=intent.key,
        reference=Reference(intent.key),
        amount=_moved(reduce(evolve_value, facts, account), intent),
        at=now,
    )
    return (succeeded,), facts


def _step(state: PaymentState, intent: Intent) -> StoreValueCommand | None:
    """The step of an intent; its hold is the authorisation at the end of its targets."""
    hold = intent.target or intent.key
    match intent.operation:
        case Operation.AUTHORISE:
            return HoldValue(key=intent.key, amount=intent.amount, partial=True)
        case Operation.CAPTURE:
            return TakeValue(key=intent.key, hold=hold, amount=intent.amount)
        case Operation.VOID:
            return ReleaseValue(key=intent.key, hold=hold, amount=intent.amount)
        case Operation.REFUND:
            capture = state.operations.get(hold)
            known = capture.intent.target if capture is not None else None
            return ReturnValue(key=intent.key, hold=known or hold, amount=intent.amount)
        case Operation.INCREASE | Operation.EXTEND:
            return None  # `OF_STORE_VALUE` declares neither, so nobody asks


def _moved(account: Account, intent: Intent) -> Money:
    if intent.operation is not Operation.AUTHORISE:
        return intent.amount
    return sum_money((part.amount for part in account.holds[intent.key].held), account.currency)


def _refused(state: PaymentState, intent: Intent, code: str, now: datetime) -> _Events:
    declined = OperationDeclined(key=intent.key, kind=DeclineKind.HARD, code=code, at=now)
    hold = state.operations.get(intent.target) if intent.target is not None else None
    if hold is None or intent.operation not in _OF_A_HOLD:
        return (declined,)
    return declined, AuthorisationExpired(key=hold.intent.key, at=now)


def _let_go(account: Account, intent: Intent, now: datetime) -> _Events:
    """Give back what is left of a hold that ends before all of it was taken."""
    hold = account.holds.get(intent.target) if intent.target is not None else None
    if hold is None or not hold.open or intent.operation not in _OF_A_HOLD:
        return ()
    rest = ReleaseValue(key=Key(f"{intent.key}{OF_REST}"), hold=intent.target or intent.key)
    try:
        return decide_value(account, rest, now)
    except ValueKeyReusedError:
        return ()
