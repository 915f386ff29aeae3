"""
May this happen? One table from the kind of command to its decision.

`decide` reads the order, the command and the time, and nothing else. It answers with facts, or
refuses a request with a typed error; a report is never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias, TypeVar, cast, get_args

from attrs import define

from ordercore.errors import BrokenContractError
from ordercore.facts import Event, Report, Request, timely
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.decide import decide_fulfilment
from ordercore.order import _requests as own
from ordercore.order import amend, linked
from ordercore.order import commands as oc
from ordercore.order._bases import fulfilment_basis, returns_basis
from ordercore.order._consequences import consequences, found
from ordercore.order._undo import undo
from ordercore.order.balance import payment_basis
from ordercore.order.evolve import evolve, replay
from ordercore.order.guards import check_allowed
from ordercore.order.model import Order
from ordercore.payment import commands as pc
from ordercore.payment.decide import decide_payment
from ordercore.returns import commands as rc
from ordercore.returns.decide import decide_returns

__all__ = ["COMMANDS", "Command", "UnknownCommandError", "decide", "evolve", "replay"]

Command: TypeAlias = Request | Report
_Events: TypeAlias = tuple[Event, ...]
_Decide: TypeAlias = Callable[[Order, Command, datetime], _Events]
_C = TypeVar("_C", bound=Command)


@define
class UnknownCommandError(BrokenContractError):
    """No room decides about this kind of command."""

    sentence = "{command} is no command of an order."
    command: str


def decide(order: Order | None, command: Command, now: datetime) -> _Events:
    """
    The facts that *command* adds to *order* (None for `Place` only).

    Raises:
        RefusedError, NotFoundError, ConflictError, InvalidValueError: A request that a rule
            forbids, or that names what is not there; never for a report.
        UnknownCommandError: No room decides about it.

    Source:
        RULES O-1, O-2.
    """
    if isinstance(command, oc.Place):
        return own.place(order, command, now)
    decision = _DECISIONS.get(type(command))
    if decision is None or order is None:
        raise UnknownCommandError(type(command).__name__)
    if isinstance(command, Request):
        check_allowed(order, command)
    else:
        command = timely(command, now)
    return decision(order, command, now)


def _payment(order: Order, command: pc.PaymentRequest | pc.PaymentReport, now: datetime) -> _Events:
    return decide_payment(
        order.payment,
        command,
        now,
        basis=payment_basis(order),
        policy=order.terms.payment,
        capabilities=order.terms.capabilities,
    )


def _fulfilment(
    order: Order, command: fc.FulfilmentRequest | fc.FulfilmentReport, now: datetime
) -> _Events:
    basis = fulfilment_basis(order, command)
    events = decide_fulfilment(order.fulfilment, command, now, basis=basis)
    return (*found(order, events, now), *events, *consequences(order, events, now))


def _returns(order: Order, command: rc.ReturnsRequest | rc.ReturnsReport, now: datetime) -> _Events:
    return decide_returns(order.returns, command, now, basis=returns_basis(order))


def _on(
    kind: type[_C], decision: Callable[[Order, _C, datetime], _Events]
) -> tuple[type[object], _Decide]:
    """One row of the table; the kind of command and its decision belong together."""
    return kind, cast("_Decide", decision)


_DECISIONS: Final[Mapping[type[object], _Decide]] = dict(
    (
        _on(oc.Confirm, own.confirm),
        _on(oc.Cancel, own.cancel_all),
        _on(oc.CancelUnits, own.cancel_units),
        _on(oc.Refund, own.refund),
        _on(oc.PlaceHold, own.place_hold),
        _on(oc.ReleaseHold, own.release_hold),
        _on(oc.MoveToStage, own.move_to_stage),
        _on(oc.AmendTerms, own.amend_terms),
        _on(oc.ProposeAmendment, amend.propose),
        _on(oc.ConfirmAmendment, amend.confirm),
        _on(oc.DeclineAmendment, amend.decline),
        _on(oc.UndoAmendment, undo),
        _on(oc.ChangeDestination, own.change_destination),
        _on(oc.ChangeGroups, own.change_groups),
        _on(oc.IssueInvoice, own.issue_invoice),
        _on(oc.Complete, own.complete),
        _on(oc.AddNote, own.add_note),
        _on(oc.ChangeTags, own.change_tags),
        _on(oc.AddReference, own.add_reference),
        _on(oc.SplitOrder, linked.split),
        _on(oc.ExchangeGoods, linked.exchange),
        *(_on(kind, _payment) for kind in get_args(pc.PaymentRequest | pc.PaymentReport)),
        *(_on(kind, _fulfilment) for kind in get_args(fc.FulfilmentRequest | fc.FulfilmentReport)),
        *(_on(kind, _returns) for kind in get_args(rc.ReturnsRequest | rc.ReturnsReport)),
    )
)

COMMANDS: Final[tuple[type[object], ...]] = (oc.Place, *_DECISIONS)
"""Every kind of command that an order can be given."""
