"""The decisions about an order as a whole, one small function for each request."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from attrs import evolve as amend

from ordercore.facts import Event
from ordercore.fulfilment.planning import withdrawn
from ordercore.ids import DocumentNumber, InvalidIdentifierError, TenderId, checked_id
from ordercore.money import CurrencyMismatchError, Money, sum_money
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order._cancel import cancel, named_units
from ordercore.order._stages import work_withdrawn
from ordercore.order.completion import not_complete
from ordercore.order.documents import NothingToInvoiceError, invoice
from ordercore.order.groups import check_groups, check_not_begun, regrouped
from ordercore.order.model import Hold, Order
from ordercore.order.quote import check_fresh
from ordercore.order.refusals import (
    InvalidTextError,
    NotCompleteError,
    StageNotLeftError,
    StageOfLifeError,
    StockNotReadyError,
    TendersDoNotFitError,
    UnknownHoldKindError,
    UnknownStageError,
)
from ordercore.order.rules import is_stock_ready, open_units
from ordercore.order.status import order_status
from ordercore.order.terms import Blocks, InvoiceWhen, ReleaseOn
from ordercore.payment.cards import (
    mask_card_numbers,
    reference_without_card,
    without_card_number,
)
from ordercore.payment.model import Tender
from ordercore.pricing.totals import check_still_valid

__all__ = ["place"]

_Events = tuple[Event, ...]
_OF_SERIES: Final = re.compile(r".*-[0-9]{6,}")
LONGEST_NOTE: Final = 10_000


def place(order: Order | None, command: oc.Place, now: datetime) -> _Events:
    """A priced order becomes an order (RULES O-1)."""
    if order is not None:
        raise StageOfLifeError(command.order)
    check_still_valid(command.priced, now)
    command.terms.payment.check(command.terms.capabilities)
    _check_tenders(command.tenders, command.priced.total)
    _check_gateway(command)
    check_groups(command.priced, command.groups)
    placed = ev.OrderPlaced(
        series=command.terms.order_series,
        number=_own_number(command),
        order=command.order,
        priced=command.priced,
        terms=command.terms,
        tenders=command.tenders,
        customer=command.customer,
        destination=command.destination,
        channel=command.channel,
        origin=command.origin,
        buyer=command.buyer,
        groups=command.groups,
        at=now,
    )
    references = tuple(
        ev.ReferenceAdded(system=system, value=value, at=now)
        for system, value in map(_reference, command.references)
    )
    holds = tuple(
        ev.HoldPlaced(kind=kind, blocks=(Blocks.CONFIRM,), reason="by the terms", at=now)
        for kind in command.terms.holds_at_placement
    )
    return (placed, *references, *holds)


def _own_number(command: oc.Place) -> DocumentNumber | None:
    """The host's number, which is none that any series will ever give (RULES O-1)."""
    if command.number is not None and _OF_SERIES.fullmatch(command.number):
        problem = "a dash and six digits or more at the end are the form of a series' numbers"
        raise InvalidIdentifierError("order number", problem)
    return command.number


def _reference(given: tuple[str, str]) -> tuple[str, str]:
    """A system and its name for the order; no card number in either (RULES PAY-8)."""
    system, value = given
    return (
        reference_without_card(checked_id(system, "system")),
        reference_without_card(checked_id(value, "reference")),
    )


def _check_gateway(command: oc.Place) -> None:
    currency = command.priced.currency
    through = [tender for tender in command.tenders if tender.uses_gateway and not tender.account]
    if through and not command.terms.capabilities.takes(currency):
        raise TendersDoNotFitError(f"the gateway does not take {currency.code}")


def _check_tenders(tenders: tuple[Tender, ...], total: Money) -> None:
    ids: set[TenderId] = {tender.id for tender in tenders}
    if len(ids) < len(tenders):
        raise TendersDoNotFitError("two of them have one id")
    amounts = [tender.amount for tender in tenders if tender.amount is not None]
    for amount in amounts:
        if amount.currency != total.currency:
            raise CurrencyMismatchError(amount.currency.code, total.currency.code)
    if len(tenders) - len(amounts) > 1:
        raise TendersDoNotFitError("two of them have no amount, and one only can pay the rest")
    if sum_money(amounts, total.currency) > total:
        raise TendersDoNotFitError("together they pay more than is charged")


def confirm(order: Order, command: oc.Confirm, now: datetime) -> _Events:
    """Confirm by hand: the person vouches for the money, never for the stock."""
    del command
    if not is_stock_ready(order):
        raise StockNotReadyError
    return (ev.OrderConfirmed(at=now),)


def cancel_all(order: Order, command: oc.Cancel, now: datetime) -> _Events:
    """Cancel every open unit."""
    wanted = {line.id: open_units(order, line) for line in order.priced.lines}
    wanted = {line: units for line, units in wanted.items() if units}
    return tuple(cancel(order, wanted, now, command.reason))


def cancel_units(order: Order, command: oc.CancelUnits, now: datetime) -> _Events:
    """Cancel some open units."""
    return tuple(cancel(order, named_units(command.units), now, command.reason))


def refund(order: Order, command: oc.Refund, now: datetime) -> _Events:
    """Grant exactly what was quoted (RULES RF-2)."""
    check_fresh(order, command.quote, now)
    return (ev.CreditGranted(credit=command.quote.credit, at=now),)


def place_hold(order: Order, command: oc.PlaceHold, now: datetime) -> _Events:
    """Stop some of the work; a hold of the same kind is replaced."""
    hold = Hold(
        kind=command.kind,
        blocks=command.blocks,
        reason=command.reason,
        release_at=command.release_at,
        release_on=command.release_on,
    )
    if hold in order.holds:
        return ()
    return (
        ev.HoldPlaced(
            kind=hold.kind,
            blocks=hold.blocks,
            reason=hold.reason,
            release_at=hold.release_at,
            release_on=hold.release_on,
            at=now,
        ),
    )


def release_hold(order: Order, command: oc.ReleaseHold, now: datetime) -> _Events:
    """Let the work go on."""
    if all(hold.kind != command.kind for hold in order.holds):
        raise UnknownHoldKindError(command.kind)
    return (ev.HoldReleased(kind=command.kind, reason=command.reason, at=now),)


def move_to_stage(order: Order, command: oc.MoveToStage, now: datetime) -> _Events:
    """Enter one of the host's own stages, or leave it (RULES O-3: it only refines)."""
    rule = order.terms.stages
    stage = rule.find(command.stage)
    status = order_status(order)
    if not command.stage:
        return _leave_stage(order, now)
    if stage is None:
        raise UnknownStageError(command.stage, "the terms do not know it")
    if stage.inside != status:
        raise UnknownStageError(command.stage, f"it is inside {stage.inside}, not {status}")
    if not rule.allows(order.stage, command.stage):
        here = order.stage or "where the order is"
        raise UnknownStageError(command.stage, f"there is no step to it from {here}")
    return (*work_withdrawn(order, stage, now), ev.StageChanged(stage=command.stage, at=now))


def _leave_stage(order: Order, now: datetime) -> _Events:
    """A stage is left by a step to nothing, or when the order is past the status it is inside."""
    stage, rule = order.current_stage, order.terms.stages
    if stage is None:
        return ()
    is_past = stage.inside != order_status(order)
    if rule.steps and not is_past and (order.stage, "") not in rule.steps:
        raise StageNotLeftError(order.stage, "there is no step out of it")
    return (ev.StageChanged(stage="", at=now),)


def amend_terms(order: Order, command: oc.AmendTerms, now: datetime) -> _Events:
    """Change the terms on purpose; what the gateway can do is no matter of terms, and stays."""
    terms = amend(command.terms, capabilities=order.terms.capabilities)
    terms.payment.check(terms.capabilities)
    if terms == order.terms:
        return ()
    stage = terms.stages.find(order.stage)
    return (
        *work_withdrawn(order, stage, now),
        ev.TermsAmended(terms=terms, reason=command.reason, at=now),
    )


def change_destination(order: Order, command: oc.ChangeDestination, now: datetime) -> _Events:
    """Send the goods elsewhere; what has left is not called back."""
    if command.destination in {None, order.destination} and command.customer in {
        None,
        order.customer,
    }:
        return ()
    moved = command.destination not in {None, order.destination}
    return (
        ev.DestinationChanged(destination=command.destination, customer=command.customer, at=now),
        *(
            ev.HoldReleased(kind=hold.kind, reason="the address was changed", at=now)
            for hold in order.holds
            if moved and hold.release_on is ReleaseOn.ADDRESS_CHANGED
        ),
    )


def change_groups(order: Order, command: oc.ChangeGroups, now: datetime) -> _Events:
    """
    Divide the units anew: work that is only planned for what changes is planned anew.

    Raises:
        GroupFixedError: Work on a group that changes has begun, or is held.

    Source:
        RULES O-8.
    """
    check_groups(order.priced, command.groups)
    if command.groups == order.groups:
        return ()
    names = regrouped(order.priced, order.groups, command.groups)
    check_not_begun(order.fulfilment, names)
    gone = withdrawn(order.fulfilment, now, groups=names)
    return (*gone, ev.GroupsChanged(groups=command.groups, at=now))


def issue_invoice(order: Order, command: oc.IssueInvoice, now: datetime) -> _Events:
    """Invoice by hand: what was sent, or everything where nothing has been sent."""
    del command
    when = InvoiceWhen.DISPATCH
    if order.fulfilment.totals.dispatched == 0:
        when = InvoiceWhen.CONFIRMATION
    events = tuple(invoice(order, now, when))
    if not events:
        raise NothingToInvoiceError
    return events


def complete(order: Order, command: oc.Complete, now: datetime) -> _Events:
    """Close the headline."""
    del command
    problem = not_complete(order, now)
    if problem:
        raise NotCompleteError(problem)
    return (ev.OrderCompleted(at=now),)


def add_note(order: Order, command: oc.AddNote, now: datetime) -> _Events:
    """Keep a note; plausible card numbers are masked (RULES PAY-8)."""
    del order
    if not 0 < len(command.text) <= LONGEST_NOTE:
        raise InvalidTextError("a note", LONGEST_NOTE)
    return (ev.NoteAdded(text=mask_card_numbers(command.text), at=now),)


def change_tags(order: Order, command: oc.ChangeTags, now: datetime) -> _Events:
    """Put labels on or take them off."""
    for tag in (*command.add, *command.remove):
        without_card_number(checked_id(tag, "tag", longest=100), "a tag")
    known = set(order.tags)
    added = tuple(tag for tag in dict.fromkeys(command.add) if tag not in known)
    removed = tuple(tag for tag in dict.fromkeys(command.remove) if tag in known)
    return (ev.TagsChanged(added=added, removed=removed, at=now),) if added or removed else ()


def add_reference(order: Order, command: oc.AddReference, now: datetime) -> _Events:
    """Record what another system calls this order."""
    reference = _reference((command.system, command.value))
    if reference in order.references:
        return ()
    return (ev.ReferenceAdded(system=reference[0], value=reference[1], at=now),)
