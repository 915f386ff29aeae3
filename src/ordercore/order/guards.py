"""
What may be asked in which status: one table of (status × request), and what holds and stages stop.

A room may still refuse for reasons of its own; what is refused here is refused whatever the room
would say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeAlias

from attrs import define

from ordercore.errors import RefusedError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.moment import utc
from ordercore.order import commands as oc
from ordercore.order.model import Order, checked_order
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Blocks
from ordercore.payment import commands as pc
from ordercore.returns import commands as rc

__all__ = ["CLOSED", "NotPossibleError", "OnHoldError", "allowed", "check_allowed"]

_Kinds: TypeAlias = frozenset[type[Request]]


@define
class NotPossibleError(RefusedError):
    """The order is in a status, or a stage of the host, in which this cannot be."""

    sentence = "{command} is not possible: the order is {status}."
    command: str
    status: str


@define
class OnHoldError(RefusedError):
    """A hold stops this."""

    sentence = "{command} is not possible: the order is on hold ({kind})."
    command: str
    kind: str


_FULFIL: Final[_Kinds] = frozenset(fc.FulfilmentRequest.__args__)
_RETURN: Final[_Kinds] = frozenset({*rc.ReturnsRequest.__args__, oc.ExchangeGoods})
_AMEND: Final[_Kinds] = frozenset({oc.ProposeAmendment, oc.ConfirmAmendment, oc.UndoAmendment})
_CANCEL: Final[_Kinds] = frozenset({oc.Cancel, oc.CancelUnits, oc.SplitOrder})
_CHANGE: Final[_Kinds] = frozenset(
    {oc.ChangeDestination, oc.ChangeGroups, oc.MoveToStage, oc.PlaceHold}
)
_EDIT: Final[_Kinds] = _AMEND | {oc.ChangeDestination, oc.ChangeGroups, oc.SplitOrder}
_MONEY: Final[_Kinds] = frozenset({pc.CaptureNow, pc.AddTender})
_END: Final[_Kinds] = frozenset({oc.Complete})
_CONFIRM: Final[_Kinds] = frozenset({oc.Confirm})

CLOSED: Final[Mapping[OrderStatus, _Kinds]] = {
    OrderStatus.PLACED: _FULFIL | _RETURN | _END,
    OrderStatus.CONFIRMED: _CONFIRM,
    OrderStatus.FULFILLING: _CONFIRM,
    OrderStatus.FULFILLED: _CONFIRM | _CANCEL,
    OrderStatus.DELIVERED: _CONFIRM | _CANCEL,
    OrderStatus.COMPLETED: _CONFIRM | _CANCEL | _AMEND | _CHANGE | _MONEY | _END,
    OrderStatus.CANCELLED: _CONFIRM
    | _CANCEL
    | _AMEND
    | _CHANGE
    | _MONEY
    | _END
    | _FULFIL
    | _RETURN,
    OrderStatus.EXPIRED: _CONFIRM | _CANCEL | _AMEND | _CHANGE | _MONEY | _END | _FULFIL | _RETURN,
}
"""By status, the requests that are refused whatever else is true."""

_HELD: Final[Mapping[type[Request], Blocks]] = {
    oc.Confirm: Blocks.CONFIRM,
    pc.CaptureNow: Blocks.CAPTURE,
    oc.Refund: Blocks.REFUND,
    oc.ExchangeGoods: Blocks.REFUND,
    pc.RecordRefund: Blocks.REFUND,
}


def refusal(order: Order, kind: type[Request]) -> RefusedError | None:
    """Why this kind of request would be refused now, whatever it says; None where it may pass."""
    status = order_status(order)
    name = kind.__name__
    if kind is oc.Place or kind in CLOSED[status]:
        return NotPossibleError(name, status)
    blocked = _HELD.get(kind)
    hold = next((hold for hold in order.holds if blocked in hold.blocks), None)
    if hold is not None:
        return OnHoldError(name, hold.kind)
    stage = order.current_stage
    if stage is not None:
        cancels, edits = kind in _CANCEL, kind in _EDIT
        if (cancels and not stage.cancellable) or (edits and not stage.editable):
            return NotPossibleError(name, f"in the stage {stage.name}")
    return None


def check_allowed(order: Order, command: Request, now: datetime) -> None:
    """
    Refuse what the table, a hold or a stage forbids.

    Raises:
        NotPossibleError, OnHoldError: With the reason.

    Source:
        RULES O-2, O-3.
    """
    del now
    error = refusal(order, type(command))
    if error is not None:
        raise error


def allowed(order: Order, now: datetime) -> Mapping[type[Request], RefusedError | None]:
    """
    Per kind of request, why it would be refused now; None where its kind may pass.

    Raises:
        NaiveDatetimeError: *now* has no time zone.

    Source:
        RULES O-2.
    """
    utc(now)
    checked_order(order)
    return {kind: refusal(order, kind) for kind in REQUESTS}


REQUESTS: Final[tuple[type[Request], ...]] = (
    oc.Confirm,
    oc.Cancel,
    oc.CancelUnits,
    oc.Refund,
    oc.PlaceHold,
    oc.ReleaseHold,
    oc.MoveToStage,
    oc.AmendTerms,
    oc.ProposeAmendment,
    oc.ConfirmAmendment,
    oc.DeclineAmendment,
    oc.UndoAmendment,
    oc.ChangeDestination,
    oc.ChangeGroups,
    oc.IssueInvoice,
    oc.Complete,
    oc.AddNote,
    oc.ChangeTags,
    oc.AddReference,
    oc.SplitOrder,
    oc.ExchangeGoods,
    *pc.PaymentRequest.__args__,
    *fc.FulfilmentRequest.__args__,
    *rc.ReturnsRequest.__args__,
)
"""Every kind of request about an order that exists."""
