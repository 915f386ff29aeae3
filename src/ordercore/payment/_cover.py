"""
What an order needs covered: extend what fades, raise what stands, or authorise beside (PAY-4).

A gateway is asked for the first two only where it declares them (RULES PAY-2). What cannot be
extended is taken anew, what cannot be raised gets an authorisation beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ordercore.ids import TenderId
from ordercore.payment._desk import Desk, Want
from ordercore.payment.balance import is_dead, withdrawn
from ordercore.payment.model import ADJUSTING, Operation, OperationState

__all__ = ["authorisations"]


def authorisations(desk: Desk) -> Iterator[Want]:
    """Cover what nothing covers yet, each tender up to what it is to pay."""
    basis = desk.basis
    if basis.is_ended or not basis.may_authorise:
        return
    gap = desk.needed - desk.maybe_back - desk.lasting() - desk.authorising()
    extended: set[TenderId] = set()
    for want in _extensions(desk, gap):
        yield want
        extended.add(want.tender)
        gap -= want.amount.minor
    for tender, part in desk.planned.items():
        if gap <= 0:
            return
        if tender in extended or not _may_authorise(desk, tender):
            continue
        own = desk.book.of(tender)
        brought = own.brought + desk.lasting(tender) - own.refunds_in_flight
        amount = min(gap, part.minor - brought - desk.authorising(tender))
        if amount > 0:
            yield _more(desk, tender, amount)
            gap -= amount


def _extensions(desk: Desk, gap: int) -> Iterator[Want]:
    """Extend what fades before the goods go, while it can still be captured; the oldest first."""
    for found in desk.state.of(Operation.AUTHORISE):
        if gap <= 0:
            return
        if desk.fades(found) and _may_change(desk, found, Operation.EXTEND):
            whole = desk.book.granted(found)
            yield desk.want(Operation.EXTEND, found.intent.tender, whole, found.intent.key)
            gap -= whole


def _more(desk: Desk, tender: TenderId, minor: int) -> Want:
    """So much more of a tender: its latest authorisation is raised, or another stands beside."""
    for found in reversed(tuple(desk.state.authorisations(tender))):
        if not desk.fades(found) and _may_change(desk, found, Operation.INCREASE):
            whole = desk.book.granted(found) + minor
            return desk.want(Operation.INCREASE, tender, whole, found.intent.key)
    return desk.want(Operation.AUTHORISE, tender, minor)


def _may_change(desk: Desk, found: OperationState, operation: Operation) -> bool:
    """
    Whether a standing authorisation can be raised or extended now.

    It is whole and of the instrument that pays now, nothing is under way about it, it has not
    expired, and earlier attempts do not forbid another one.
    """
    able = desk.can(found.intent.tender)
    is_declared = able.incremental if operation is Operation.INCREASE else able.extend
    if not is_declared or desk.is_over(found) or not desk.book.is_untouched(found):
        return False
    if operation is Operation.EXTEND and desk.book.term(found).is_last:
        return False
    tender = desk.state.tender(found.intent.tender)
    if tender is None or found.tender is None or is_dead(desk.state, tender):
        return False
    if tender.instrument != found.tender.instrument:
        return False
    return not desk.must_wait_for(operation, found)


def _may_authorise(desk: Desk, tender: TenderId) -> bool:
    """
    Whether a gateway serves the tender, none of its attempts is open, and none must wait.

    What a person let go is not replaced, also where it ends before the void is heard of (PAY-5).
    """
    found = desk.state.tender(tender)
    if found is None or not found.uses_gateway or tender in withdrawn(desk.state):
        return False
    if not desk.can(tender).takes(desk.basis.currency):
        return False
    attempts = tuple(desk.state.authorisations(tender))
    if any(_is_under_way(desk, old) for old in attempts):
        return False
    return not attempts or not desk.must_wait(attempts[-1].intent)


def _is_under_way(desk: Desk, authorisation: OperationState) -> bool:
    """Whether it, or a change of it, is open, or was declined for now (RULES PAY-5)."""
    if authorisation.is_open and not authorisation.is_abandoned:
        return True
    changes = tuple(desk.book.changes(authorisation, *ADJUSTING))
    if any(change.is_open and not change.is_abandoned for change in changes):
        return True
    if desk.is_over(authorisation) or not desk.book.live(authorisation):
        return False
    return any(change.retry_at is not None and desk.now < change.retry_at for change in changes)
