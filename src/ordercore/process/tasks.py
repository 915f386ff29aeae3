"""
Tasks: what an order owes now because of its facts.

A **local** task is settled in the commit that follows, from the order alone or from one read. A
**remote** task is a call to the outside, made after the commit that saved its intent; its answer
comes back as a report.
"""

from __future__ import annotations

from attrs import frozen

from ordercore.ids import FulfilmentId, HoldKind, Key, ParcelId
from ordercore.inventory.model import WantedLine
from ordercore.money import Money
from ordercore.payment.model import Intent

__all__ = [
    "BookParcel",
    "CheckQueue",
    "CompleteOrder",
    "ConfirmOrder",
    "EndHold",
    "ExpireAuthorisation",
    "ExpireOrder",
    "IntendPayment",
    "IssueCreditNote",
    "IssueInvoiceDocument",
    "LocalTask",
    "LookUpPayment",
    "MoveValue",
    "ParkOperation",
    "PassBack",
    "PlanFulfilment",
    "ReadingTask",
    "ReleaseStock",
    "ReleaseWork",
    "RemoteTask",
    "ReserveStock",
    "SendPayment",
    "Task",
]


@frozen
class ReserveStock:
    """Take stock for units that have none yet; settled from the counters."""

    wanted: tuple[WantedLine, ...]


@frozen
class ReleaseStock:
    """An ended order still holds stock."""


@frozen
class CheckQueue:
    """Learn whether waiting units were filled, or held units lost; settled from the store."""


@frozen
class IntendPayment:
    """Save the intent of a payment operation, before it is a call."""

    intent: Intent


@frozen
class MoveValue:
    """Do what an intent says to the account of store value that pays; settled from the account."""

    key: Key


@frozen
class ExpireAuthorisation:
    """An authorisation's own time has come: nothing can be captured from it any more."""

    key: Key


@frozen
class ParkOperation:
    """Leave an operation that could not be resolved to a person."""

    key: Key


@frozen
class PassBack:
    """Give money back to the order that it came from; settled together with that order."""

    amount: Money


@frozen
class ConfirmOrder:
    """Payment and stock are as the terms want them."""


@frozen
class ExpireOrder:
    """The deadline for confirmation has passed."""


@frozen
class CompleteOrder:
    """Nothing is owed by anyone any more."""


@frozen
class EndHold:
    """A hold's own time has come, or the fact that it waits for."""

    kind: HoldKind


@frozen
class PlanFulfilment:
    """Reserved units of a confirmed order have no fulfilment order yet."""


@frozen
class ReleaseWork:
    """A planned fulfilment order may go to its location."""

    fulfilment: FulfilmentId


@frozen
class IssueInvoiceDocument:
    """What was sent (or confirmed) has no invoice yet."""


@frozen
class IssueCreditNote:
    """A credit lowers something that was invoiced."""


@frozen
class SendPayment:
    """Make the call whose intent is saved."""

    key: Key


@frozen
class LookUpPayment:
    """Ask the gateway what became of an operation."""

    key: Key


@frozen
class BookParcel:
    """Book a packed parcel with the carrier."""

    parcel: ParcelId


LocalTask = (
    IntendPayment
    | ExpireAuthorisation
    | ParkOperation
    | ConfirmOrder
    | ExpireOrder
    | CompleteOrder
    | EndHold
    | PlanFulfilment
    | ReleaseWork
    | ReleaseStock
    | IssueInvoiceDocument
    | IssueCreditNote
)
"""Settled from the order alone."""

ReadingTask = ReserveStock | CheckQueue | MoveValue | PassBack
"""Settled from one read of the stock, of an account or of another order."""

RemoteTask = SendPayment | LookUpPayment | BookParcel
"""A call to the outside."""

Task = LocalTask | ReadingTask | RemoteTask
