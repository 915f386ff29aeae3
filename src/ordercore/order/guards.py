"""
What may be asked in which status: one table of (status × request), and what holds and stages stop.

A room may still refuse for reasons of its own; what is refused here is refused whatever the room
would say. `ordercore.order.possible` asks the rooms too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from attrs import define

from ordercore.errors import RefusedError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Blocks, Stage
from ordercore.payment import commands as pc
from ordercore.returns import commands as rc

__all__ = ["CLOSED", "REQUESTS", "NotPossibleError", "OnHoldError", "check_allowed", "refusal"]

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
_SHIP: Final[_Kinds] = frozenset({fc.Dispatch, fc.DeliverDigital})

CLOSED: Final[Mapping[OrderStatus, frozenset[type[Request]]]] = {
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
"""
By status, the requests that are refused whatever else is true.

But for units that need no sending, such as a service: they can be cancelled until the order is
completed, whatever has become of the goods beside them (RULES O-5).
"""

_HELD: Final[Mapping[type[Request], Blocks]] = {
    oc.Confirm: Blocks.CONFIRM,
    pc.CaptureNow: Blocks.CAPTURE,
    oc.Refund: Blocks.REFUND,
    oc.ExchangeGoods: Blocks.REFUND,
    pc.RecordRefund: Blocks.REFUND,
    fc.ReleaseFulfilment: Blocks.FULFIL,
    fc.PickUnits: Blocks.FULFIL,
    fc.PackParcel: Blocks.FULFIL,
    fc.Dispatch: Blocks.SHIP,
    fc.DeliverDigital: Blocks.SHIP,
}
"""By kind of request, what a hold must block to stop it (RULES O-3)."""


def refusal(order: Order, kind: type[Request]) -> RefusedError | None:
    """
    Why this kind of request is refused now, whatever it says; None where the rooms have a say.

    Source:
        RULES O-2, O-3.
    """
    status = order_status(order)
    name = kind.__name__
    if kind is oc.Place or (kind in CLOSED[status] and not _remains(order, status, kind)):
        return NotPossibleError(name, status)
    blocked = _HELD.get(kind)
    hold = next((hold for hold in order.holds if blocked in hold.blocks), None)
    if hold is not None:
        return OnHoldError(name, hold.kind)
    stage = order.current_stage
    if stage is not None and kind in _stopped(stage):
        return NotPossibleError(name, f"in the stage {stage.name}")
    return None


_ON_THEIR_WAY: Final = frozenset({OrderStatus.FULFILLED, OrderStatus.DELIVERED})


def _remains(order: Order, status: OrderStatus, kind: type[Request]) -> bool:
    """Whether it cancels what needs no sending and so remains when all goods are gone (O-5)."""
    units = order.units
    to_send = units.to_fulfil - units.cancelled_to_fulfil
    return kind in _CANCEL and status in _ON_THEIR_WAY and units.ordered - units.cancelled > to_send


def _stopped(stage: Stage) -> _Kinds:
    """The requests that a stage of the host forbids."""
    free: _Kinds = frozenset()
    cancels = free if stage.cancellable else _CANCEL
    edits = free if stage.editable else _EDIT
    return cancels | edits | (free if stage.shippable else _SHIP)


def check_allowed(order: Order, command: Request) -> None:
    """
    Refuse what the table, a hold or a stage forbids.

    Raises:
        NotPossibleError, OnHoldError: With the reason.

    Source:
        RULES O-2, O-3.
    """
    error = refusal(order, type(command))
    if error is not None:
        raise error


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
