"""
What a request gives away, weighed against the limits in the commit that would carry it out.

Whatever the request is called: units that are cancelled, a price that is lowered, a debt that is
forgiven, money that is said to have come in or to be authorised, goods that may leave on trust, and
money that has to go back because of it, count alike. So nobody passes a limit by another door.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from attrs import evolve

from ordercore.facts import Event, Report, Request
from ordercore.fulfilment.events import FulfilmentCancelRequested
from ordercore.ids import Actor, Key, LineId, StreamId
from ordercore.money import Money, round_ratio, sum_money
from ordercore.order.balance import balance, cover_missing
from ordercore.order.commands import AmendTerms, Confirm, ConfirmAmendment, ExchangeGoods, Place
from ordercore.order.completion import confirm_by
from ordercore.order.events import LinesAdded
from ordercore.order.evolve import replay
from ordercore.order.linked import Linking, is_linking, opening
from ordercore.order.model import Order
from ordercore.order.quote import closing_credit
from ordercore.payment.commands import Outcome, ResolveOperation, VoidAuthorisation
from ordercore.payment.model import Operation
from ordercore.pricing.model import PricedLine
from ordercore.refund.model import CreditCause
from ordercore.service.engine import Engine, Receipt
from ordercore.service.permissions import Permissions, amount_of
from ordercore.service.turn import Intention

__all__ = ["given_away", "serve"]


async def serve(
    engine: Engine,
    permissions: Permissions,
    stream: StreamId,
    command: Request | Report,
    *,
    intention: Intention,
    approved_by: Actor | None,
) -> Receipt:
    """
    Check the rights of a request, then serve it; its amount is weighed with the facts it makes.

    Raises:
        NotPermittedError, ApprovalNeededError: Nothing was written.
    """
    if isinstance(command, Request):
        by = intention.by
        permissions.refuse(by, type(command))
        if permissions.is_limited(by, type(command)):

            def judge(before: Order | None, events: tuple[Event, ...]) -> None:
                amount = given_away(before, command, events)
                permissions.check(by, command, approved_by=approved_by, amount=amount)

            intention = evolve(intention, judge=judge)
    return await engine.execute(stream, command, intention)


def given_away(before: Order | None, command: Request, events: tuple[Event, ...]) -> Money | None:
    """
    What a request takes from the shop when it adds *events* to an order; None where nothing.

    The highest of: what it says itself; what it credits, with tax, at once or as soon as a
    location agrees; by how much more has to go back and less is to be collected; what may leave
    on somebody's word, or on trust; prices that somebody lowered. A split gives nothing away,
    because the new order owes what this one does not: unless it has terms of its own, or is paid
    later than this one. A placement gives away what a person lowered, and what may leave unpaid.
    """
    amounts = [amount_of(command), _lowered(command, events)]
    if before is None and isinstance(command, Place):
        amounts += _placed_on_trust(replay(events))
    elif before is not None and is_linking(command):
        amounts += [_under_other_terms(before, command, events), _lent(before, command, events)]
    elif before is not None:
        after = replay(events, before) if events else before
        amounts += [_credited(before, after, events), _moved(before, after)]
        amounts += [_trusted_anew(before, after), _made_sure(before, after)]
        amounts.append(_on_a_word(before, after, command))
        if isinstance(command, AmendTerms):
            amounts += [_expiring(before, after), _forgotten(before, after)]
    known = [amount for amount in amounts if amount is not None and amount.is_positive]
    return max(known, default=None)


def _placed_on_trust(placed: Order) -> Iterator[Money]:
    """What a new order lets leave before it is paid, and what its terms call little enough."""
    owed = balance(placed).owed
    yield max(_promised(placed), _unasked(placed))
    yield Money(min(placed.terms.tolerance, owed.minor), owed.currency)


def _under_other_terms(before: Order, command: Linking, events: tuple[Event, ...]) -> Money | None:
    """All that a new order owes by terms of its own, which may let it go."""
    if command.terms is None or command.terms == before.terms:
        return None
    if isinstance(command, ExchangeGoods):
        return command.priced.total
    return _credited(before, replay(events, before), events)


def _credited(before: Order, after: Order, events: tuple[Event, ...]) -> Money:
    """
    Debt that is let go, and that of units which a location was asked to let go.

    What an undone amendment charges again is not set off: each credit is weighed by itself.
    """
    added = after.credits[len(before.credits) :]
    new = [credit.amount for credit in added if credit.amount.is_positive]
    asked: dict[LineId, int] = {}
    for line, units in _asked(events):
        asked[line] = asked.get(line, 0) + units
    if asked:
        slots = tuple(
            (line, after.open_slots(after.priced.line(line)).highest(units))
            for line, units in asked.items()
        )
        new.append(closing_credit(after, slots, CreditCause.CANCELLED).amount)
    return sum_money(new, after.priced.currency)


def _asked(events: Iterable[Event]) -> Iterator[tuple[LineId, int]]:
    for event in events:
        if isinstance(event, FulfilmentCancelRequested):
            yield from ((wanted.line, wanted.quantity) for wanted in event.lines)


def _moved(before: Order, after: Order) -> Money:
    """By how much more has to go back, and less is still to be collected."""
    old, new = balance(before), balance(after)
    back = new.to_pay_back - old.to_pay_back
    return back + max(old.to_collect - new.to_collect, Money.zero(back.currency))


def _expiring(before: Order, after: Order) -> Money | None:
    """All that is owed, where new terms let the order expire sooner."""
    old, new = confirm_by(before), confirm_by(after)
    is_sooner = new is not None and (old is None or new < old)
    return balance(after).owed if is_sooner else None


def _forgotten(before: Order, after: Order) -> Money:
    """What new terms call little enough to be forgotten."""
    more = after.terms.tolerance - before.terms.tolerance
    return Money(max(0, more), after.priced.currency)


# --- what leaves without the money, on trust or on somebody's word ---


def _promised(order: Order) -> Money:
    """
    What is owed, not yet paid, and trusted to tenders of later days.

    As if no other tender brought anything more: what one has promised can still be refused.
    """
    sums = balance(order)
    later = [tender for tender in order.payment.tenders if tender.is_deferred]
    promised = sum((tender.amount or sums.owed).minor for tender in later)
    paid = sum(order.payment.book.of(tender.id).brought for tender in later)
    still = min(promised - max(0, paid), (sums.owed - sums.held).minor)
    return Money(max(0, still), sums.owed.currency)


def _unasked(order: Order) -> Money:
    """What is owed and not yet paid, where the terms let goods leave before it is."""
    sums = balance(order)
    zero = Money.zero(sums.owed.currency)
    return max(sums.owed - sums.held, zero) if order.terms.ship_before_paid else zero


def _on_trust(before: Order, *after: Order) -> Money:
    """How much more may leave on trust of an order, or of it and one made from it."""
    return max(
        sum_money(map(trust, after), before.priced.currency) - trust(before)
        for trust in (_promised, _unasked)
    )


def _trusted_anew(before: Order, after: Order) -> Money:
    """How much more may leave on trust; a price that is raised again sends no more goods."""
    added = after.credits[len(before.credits) :]
    raised = [-credit.amount for credit in added if credit.amount.is_negative]
    return _on_trust(before, after) - sum_money(raised, before.priced.currency)


def _lent(before: Order, command: Linking, events: tuple[Event, ...]) -> Money:
    """How much more both orders together may send on trust than the one did."""
    other = replay(opening(before, command, events, events[-1].at))
    return _on_trust(before, replay(events, before), other)


def _sure(order: Order) -> Money:
    """What is held or authorised, less what is on its way out."""
    sums = balance(order)
    return sums.held + sums.totals.firm - sums.totals.refunds_in_flight


def _made_sure(before: Order, after: Order) -> Money:
    """How much more counts as held or authorised, because a person says so."""
    return _sure(after) - _sure(before)


def _on_a_word(before: Order, after: Order, command: Request) -> Money | None:
    """What leaves, has left or stands on a person's word alone, where no sum becomes larger."""
    match command:
        case Confirm() if _need_not_be_paid(before):
            return cover_missing(balance(before))
        case ResolveOperation(key=key, outcome=Outcome.SUCCEEDED):
            return _prolonged(before, key)
        case VoidAuthorisation():
            return _uncovered(after) - _uncovered(before)
        case _:
            return None


def _need_not_be_paid(order: Order) -> bool:
    """Whether something waits for its confirmation only: by the terms, or as nobody sends it."""
    lines = (line for line in order.priced.lines if not line.needs_fulfilment)
    return order.terms.ship_before_paid or any(order.remaining(line) for line in lines)


def _prolonged(order: Order, key: Key) -> Money | None:
    """What is left of an authorisation that is said to last longer."""
    intent = order.payment.operations[key].intent
    if intent.operation is not Operation.EXTEND or intent.target is None:
        return None
    target = order.payment.operations[intent.target]
    return Money(order.payment.book.live(target), intent.amount.currency)


def _uncovered(order: Order) -> Money:
    """What has left, or may leave as it is, and is neither held nor authorised."""
    worth = balance(order).owed
    if order.confirmed_at is None or not _need_not_be_paid(order):
        worth = min(worth, order.dispatched_value)
    return max(worth - _sure(order), Money.zero(worth.currency))


# --- prices that a person gave ---


def _lowered(command: Request, events: tuple[Event, ...]) -> Money | None:
    """
    How far below the shop's own prices somebody sells, with tax; None where nobody does.

    Each line by itself, before discounts, which can only make it less. Only a `PriceOverride` says
    that a price is a person's word: who fills a draft with other prices or discounts is the shop.
    """
    match command:
        case Place(priced=priced) | ExchangeGoods(priced=priced):
            lines = priced.lines
        case ConfirmAmendment():
            added = [event.addition for event in events if isinstance(event, LinesAdded)]
            lines = tuple(line for part in added for line in part.lines)
        case _:
            return None
    lower = [max(0, _regular(line) - _with_tax(line, line.list_amount.minor)) for line in lines]
    return Money(sum(lower), lines[0].list_amount.currency) if lines else None


def _regular(line: PricedLine) -> int:
    """
    What a line would be listed for at the shop's own price, with tax, in minor units.

    A component of a kit has its part of it; of a kit that costs nothing each counts as the whole.
    """
    regular, given = line.regular_price, line.override
    if regular is None or given is None:
        return _with_tax(line, line.list_amount.minor)
    if line.kit is None or not given.price.amount.minor:
        return _with_tax(line, Fraction(regular.amount.minor * line.quantity, regular.per))
    shop = Fraction(regular.amount.minor, regular.per)
    return _with_tax(
        line, line.list_amount.minor * shop * given.price.per / given.price.amount.minor
    )


def _with_tax(line: PricedLine, minor: int | Fraction) -> int:
    """So many minor units of a line with the taxes that are added on top of them."""
    whole = Fraction(1)
    for tax in () if line.tax_included else line.taxes:
        whole += tax.rate * (whole if tax.compound else 1)
    return round_ratio(*(minor * whole).as_integer_ratio())
