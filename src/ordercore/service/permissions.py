"""
Who may: a table of role, command, limit and second approver, asked before `decide`.

The default leaves it to the host: everybody may do everything, and ``by`` is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, frozen

from ordercore.errors import RefusedError
from ordercore.facts import Request
from ordercore.ids import Actor
from ordercore.money import Money
from ordercore.order.commands import ConfirmAmendment, ExchangeGoods, Refund
from ordercore.payment.commands import RecordPayment, RecordRefund
from ordercore.payment.store_value import IssueValue

__all__ = ["ApprovalNeededError", "Grant", "NotPermittedError", "Permissions", "with_approval"]


@define
class NotPermittedError(RefusedError):
    """The actor's role has no right to this command."""

    sentence = "{role} may not {command}; ask somebody who may."
    role: str
    command: str


@define
class ApprovalNeededError(RefusedError):
    """The amount is above what one person may decide alone."""

    sentence = "{command} of {amount} needs the approval of a second person."
    command: str
    amount: Money


@frozen(kw_only=True)
class Grant:
    """
    A right: actors of *role* may send *command* (a class name; ``*`` is every command).

    Above ``limit`` a second person must approve whose own grant reaches so far; without a limit
    any amount passes. The amount of `ConfirmAmendment` is what its proposal takes away: units,
    reductions and charges given back, whatever it adds.
    """

    role: str
    command: str
    limit: Money | None = None


@frozen(kw_only=True)
class Permissions:
    """
    The table of rights. An actor ``staff:ann`` has the role ``staff``.

    No grants at all: the host decides elsewhere, everything passes.
    """

    grants: tuple[Grant, ...] = ()

    def weighs(self, by: Actor, command: Request) -> bool:
        """Whether a limit is about what the command does to its order, which it does not say."""
        own = self._grants(by, type(command).__name__)
        is_limited = any(grant.limit is not None for grant in own)
        return is_limited and isinstance(command, ConfirmAmendment)

    def check(
        self,
        by: Actor,
        command: Request,
        *,
        approved_by: Actor | None = None,
        amount: Money | None = None,
    ) -> None:
        """
        Refuse what the table does not allow; *amount* where the command does not say its own.

        Raises:
            NotPermittedError: The role has no grant for this command.
            ApprovalNeededError: The amount exceeds the limit of every grant, and no second
                person with a sufficient grant approved.
        """
        if not self.grants:
            return
        name = type(command).__name__
        own = self._grants(by, name)
        refusal = self.refusal(by, type(command))
        if refusal is not None:
            raise refusal
        amount = amount_of(command) if amount is None else amount
        if amount is None or _covers(own, amount):
            return
        second = self._grants(approved_by, name) if approved_by is not None else ()
        if approved_by == by or not _covers(second, amount):
            raise ApprovalNeededError(name, amount)

    def refusal(self, by: Actor, kind: type[Request]) -> NotPermittedError | None:
        """Why an actor may not send this kind of request at all; None where some may pass."""
        name = kind.__name__
        if not self.grants or self._grants(by, name):
            return None
        return NotPermittedError(role_of(by), name)

    def narrowed(
        self, table: Mapping[type[Request], RefusedError | None], by: Actor
    ) -> Mapping[type[Request], RefusedError | None]:
        """What an actor may ask: the order's own refusals first, then those of the rights."""
        return {kind: why or self.refusal(by, kind) for kind, why in table.items()}

    def _grants(self, by: Actor, command: str) -> tuple[Grant, ...]:
        role = role_of(by)
        return tuple(
            grant for grant in self.grants if grant.role == role and grant.command in {command, "*"}
        )


def _covers(grants: tuple[Grant, ...], amount: Money) -> bool:
    return any(
        grant.limit is None or (grant.limit.currency == amount.currency and amount <= grant.limit)
        for grant in grants
    )


def with_approval(reason: str, approved_by: Actor | None) -> str:
    """
    The reason as the timeline keeps it: with the second person who approved.

    A reason that is no text is left as it is: the door refuses it.
    """
    if approved_by is None or type(reason) is not str:
        return reason
    return f"{reason} (approved by {approved_by})" if reason else f"approved by {approved_by}"


def role_of(by: Actor) -> str:
    """The role of an actor: what stands before the first colon."""
    return by.partition(":")[0]


def amount_of(command: Request) -> Money | None:
    """The amount that a limit is about: money, or debt that is let go; none for other commands."""
    match command:
        case Refund(quote=quote) | ExchangeGoods(quote=quote):
            return max(quote.credit.amount, quote.pay_back)
        case RecordPayment(amount=amount) | RecordRefund(amount=amount) | IssueValue(amount=amount):
            return amount
        case _:
            return None
