"""Taking back a confirmed amendment: the same mechanisms the other way round (RULES O-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from attrs import evolve, frozen

from ordercore.facts import Event
from ordercore.fulfilment.events import FulfilmentCancelRequested
from ordercore.ids import MAX_ID_LENGTH, CreditId, LineId
from ordercore.money import Money
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order._allotted import taken_over
from ordercore.order._cancel import cancel
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.order.parts import part_of
from ordercore.order.quote import next_credit
from ordercore.order.refusals import NotToUndoError
from ordercore.order.rules import open_units
from ordercore.pricing.model import PricedCharge, PricedLine, PricedOrder
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund._parts import parts_of
from ordercore.refund.model import Credit, CreditCause, CreditPart
from ordercore.refund.worth import Key, Worth, slots_in_full

__all__ = ["undo"]

_UNDONE = "amendment undone"
LONGEST_STEM: Final = 180
CUT: Final = 160


def undo(order: Order, command: oc.UndoAmendment, now: datetime) -> tuple[Event, ...]:
    """
    Take back all that a confirmed amendment did, or nothing of it.

    What it added is cancelled; what it took away comes back as new lines, worth what was given
    back for it; a discount and cheaper shipping are charged again. Stock that the order holds for
    the one is held for the other without a gap.

    Raises:
        NotToUndoError: No such amendment stands; units of it were sent, cancelled or returned
            since, or a location works on them; or more was given back than its units cost.

    Source:
        RULES O-4, M-7.
    """
    found = next((known for known in order.amendments if known.proposal == command.proposal), None)
    if found is None:
        raise NotToUndoError(command.proposal, "there is no confirmed amendment of this name")
    return tuple(_undone(order, found, command, now))


def _undone(
    order: Order, found: ev.AmendmentProposed, command: oc.UndoAmendment, now: datetime
) -> Iterator[Event]:
    events: list[Event] = [
        ev.AmendmentUndone(proposal=found.proposal, reason=command.reason, at=now)
    ]
    events += _raised(order, found, now)
    back = _Back.of(order, found) if found.removals else None
    if back is not None:
        events.append(ev.LinesAdded(addition=back.part, at=now))
        events += back.lowered(replay(events, order), now)
    if found.before is not None and found.destination == order.destination:
        events.append(ev.DestinationChanged(destination=found.before, at=now))
    yield from events
    wanted = _added(order, found)
    if wanted:
        gone = tuple(cancel(replay(events, order), wanted, now, command.reason))
        if any(isinstance(event, FulfilmentCancelRequested) for event in gone):
            raise NotToUndoError(found.proposal, "a location works on units that it added")
        yield from gone
        if back is not None:
            yield from taken_over(order, back.part.lines, gone, now)


def _added(order: Order, found: ev.AmendmentProposed) -> dict[LineId, int]:
    """By line, the units that it added: all of them are still open."""
    wanted: dict[LineId, int] = {}
    for line in found.addition.lines if found.addition is not None else ():
        units = {one.id: open_units(order, one) for one in _with_returned(order, line)}
        if sum(units.values()) != line.quantity:
            raise NotToUndoError(found.proposal, f"units of line {line.id} are not open any more")
        wanted.update((name, open_) for name, open_ in units.items() if open_)
    return wanted


def _with_returned(order: Order, line: PricedLine) -> Iterator[PricedLine]:
    """A line, and the lines under which units of it came back when other changes were undone."""
    yield line
    stem = f"{line.id}~"[:CUT].rstrip()  # as `_free` names what comes back
    for one in order.priced.lines:
        if one.extends == line.id and one.id.startswith(stem):
            yield from _with_returned(order, one)


# --- what it lowered ---


def _raised(order: Order, found: ev.AmendmentProposed, now: datetime) -> Iterator[Event]:
    """The credit of its discounts and cheaper charges once more, with the opposite sign."""
    if not (found.reductions or found.charges):
        return
    credit = _granted(order, found)
    if credit is None:
        raise NotToUndoError(found.proposal, "what it lowered is not credited any more")
    sent, gone = order.fulfilment.dispatched, _given_back_since(order, credit)
    for part in credit.parts:
        if part.line is None:
            continue
        if part.slots & sent.get(part.line, NO_SLOTS):
            raise NotToUndoError(found.proposal, f"units of line {part.line} were sent")
        if part.slots & gone.get((part.line, part.charge), NO_SLOTS):
            problem = f"units of line {part.line} were cancelled or returned since"
            raise NotToUndoError(found.proposal, problem)
    parts = tuple(evolve(part, amount=-part.amount, rule=_UNDONE) for part in credit.parts)
    yield ev.CreditGranted(
        credit=evolve(credit, id=_taken_back(credit), parts=parts, reason=_UNDONE), at=now
    )


def _given_back_since(order: Order, credit: Credit) -> dict[tuple[LineId, str], SlotSet]:
    """By line and charge, the slots that a later credit has given back in full."""
    found: dict[tuple[LineId, str], SlotSet] = {}
    for later in order.credits[order.credits.index(credit) + 1 :]:
        for part in later.parts:
            if part.line is not None and not part.adjusts:
                owner = part.line, part.charge
                found[owner] = found.get(owner, NO_SLOTS) | part.slots
    return found


def _taken_back(credit: Credit) -> CreditId:
    """The name of the credit that takes this one back."""
    return CreditId(_fitting(f"{credit.id}~undone"))


def _granted(order: Order, found: ev.AmendmentProposed) -> Credit | None:
    """The credit that the amendment granted: one of what it lowered, and not yet taken back."""
    names = {credit.id for credit in order.credits}
    for credit in reversed(order.credits):
        lowers = credit.cause is CreditCause.PRICE_REDUCTION and credit.amount.is_positive
        if lowers and _taken_back(credit) not in names and _is_of(credit, found):
            return credit
    return None


def _is_of(credit: Credit, found: ev.AmendmentProposed) -> bool:
    """Whether a credit lowers just these units and charges by these amounts."""
    units = Counter[tuple[LineId | None, SlotSet]]()
    charges = Counter[str]()
    for part in credit.parts:
        if part.charge:
            charges[part.charge] += part.amount.minor
        else:
            units[part.line, part.slots] += part.amount.minor
    wanted = Counter[tuple[LineId | None, SlotSet]]()
    for one in found.reductions:
        wanted[one.line, one.slots] += one.amount.minor
    asked = {one.charge: one.amount for one in found.charges}
    same = all(
        amount in {None, Money(charges[name], credit.currency)} for name, amount in asked.items()
    )
    return units == wanted and charges.keys() == asked.keys() and same


# --- what it took away ---


@frozen
class _Back:
    """What comes back of units that were taken away, under names of their own (RULES M-7)."""

    part: PricedOrder
    kept: Mapping[tuple[LineId, Key], int]
    """By new line, charge and tax, what of its price was never given back, in minor units."""

    @classmethod
    def of(cls, order: Order, found: ev.AmendmentProposed) -> _Back:
        """The units at the amounts that they had, and what of these was never given back."""
        removed = dict(found.removals)
        part = part_of(order.priced, removed)
        kept = _never_given(part, _credit_of(order, removed))
        if kept is None:
            problem = "other amounts were given back than its units cost"
            raise NotToUndoError(found.proposal, problem)
        taken = {*order.priced.by_id, *(charge.id for charge in order.priced.charges)}
        names = {line.id: LineId(_free(line.id, found.proposal, taken)) for line in part.lines}
        titles = {charge.id: _free(charge.id, found.proposal, taken) for charge in part.charges}
        new = {
            (names[line], (titles.get(charge, ""), tax)): minor
            for (line, (charge, tax)), minor in kept.items()
        }
        return cls(_renamed(part, names, titles), new)

    def lowered(self, after: Order, now: datetime) -> Iterator[Event]:
        """A credit of what was never given back: it is not charged a second time (RULES RF-4)."""
        charges = {charge.id: charge for charge in self.part.charges}
        parts: list[CreditPart] = []
        for (line, key), minor in self.kept.items():
            parts += parts_of(
                {key: minor},
                currency=self.part.currency,
                line=line,
                slots=self.part.line(line).slots,
                charge=charges.get(key[0]),
                adjusts=True,
                rule=_UNDONE,
            )
        if parts:
            credit = Credit(
                id=next_credit(after), cause=CreditCause.PRICE_REDUCTION, parts=tuple(parts)
            )
            yield ev.CreditGranted(credit=credit, at=now)


def _credit_of(order: Order, removed: Mapping[LineId, SlotSet]) -> Credit | None:
    """The credit that was granted when these units were taken away."""
    cancelled = (one for one in reversed(order.credits) if one.cause is CreditCause.CANCELLED)
    return next((one for one in cancelled if slots_in_full(one.parts) == removed), None)


def _never_given(part: PricedOrder, credit: Credit | None) -> dict[tuple[LineId, Key], int] | None:
    """What units cost beyond what a credit gave back; None where it gave back anything else."""
    if credit is None:
        return None
    given = Counter[tuple[LineId | None, Key]]()
    for one in credit.parts:
        given[one.line, one.key] += one.amount.minor
    worth = Worth(part)
    kept: dict[tuple[LineId, Key], int] = {}
    for line in part.lines:
        for key, minor in worth.left(line.id, line.slots).items():
            kept[line.id, key] = minor - given.pop((line.id, key), 0)
    is_other = any(given.values()) or any(minor < 0 for minor in kept.values())
    return None if is_other else kept


def _renamed(
    part: PricedOrder, names: Mapping[LineId, LineId], titles: Mapping[str, str]
) -> PricedOrder:
    """The part under ids of its own: a slot that was cancelled never opens again (RULES M-7)."""

    def line(known: PricedLine) -> PricedLine:
        return evolve(known, id=names[known.id], extends=known.id)

    def charge(known: PricedCharge) -> PricedCharge:
        shares = tuple(evolve(share, line=names[share.line]) for share in known.shares)
        return evolve(known, id=titles[known.id], shares=shares)

    return evolve(
        part,
        lines=tuple(line(known) for known in part.lines),
        charges=tuple(charge(known) for known in part.charges),
    )


def _free(name: str, proposal: str, taken: set[str]) -> str:
    """A name that nothing of the order has."""
    stem = _fitting(f"{name}~{proposal}", LONGEST_STEM)
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}~{number}"
    taken.add(found)
    return found


def _fitting(name: str, longest: int = MAX_ID_LENGTH) -> str:
    """The name; one that is too long for an id is cut, and told apart by a digest."""
    if len(name) <= longest:
        return name
    return f"{name[:CUT].rstrip()}~{sha256(name.encode()).hexdigest()[:12]}"
