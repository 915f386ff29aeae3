"""
Who may: a table of role, command, limit and second approver, asked before `decide`.

The default leaves it to the host: everybody may do everything, and ``by`` is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final, cast, get_args

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError, RefusedError
from ordercore.facts import Request
from ordercore.ids import Actor, checked_id
from ordercore.money import Money
from ordercore.order.commands import ExchangeGoods, Refund
from ordercore.order.decide import COMMANDS
from ordercore.payment.commands import RecordPayment, RecordRefund
from ordercore.payment.store_value import IssueValue, ReturnValue, StoreValueCommand
from ordercore.service.intentions import StockOperation
from ordercore.service.turn import SYSTEM

__all__ = [
    "ApprovalNeededError",
    "ApproverNotEntitledError",
    "Grant",
    "InvalidGrantError",
    "NotPermittedError",
    "Permissions",
    "checked_permissions",
    "with_approval",
]


_ALL: Final = "*"
_REQUESTS: Final = frozenset(
    kind.__name__
    for kind in (*COMMANDS, *get_args(StockOperation), *get_args(StoreValueCommand))
    if issubclass(kind, Request)
)
"""What a grant can be about: reports are facts, and need no right."""


@define
class NotPermittedError(RefusedError):
    """The actor's role has no right to this command."""

    sentence = "{role} may not {command}; {advice}."
    role: str
    command: str
    advice: str = "ask somebody who may"


@define
class ApprovalNeededError(RefusedError):
    """The amount is above what one person may decide alone."""

    sentence = "{command} of {amount} needs the approval of a second person."
    command: str
    amount: Money


@define
class ApproverNotEntitledError(ApprovalNeededError):
    """Somebody approved whose word does not count for this amount."""

    sentence = "{command} of {amount} needs the approval of another person: {problem}."
    problem: str


@define
class InvalidGrantError(InvalidValueError):
    """What was given as a right is none; a table of rights must not be guessed at."""

    sentence = "The permissions cannot be used: {problem}."
    problem: str


@frozen(kw_only=True)
class Grant:
    """
    A right: actors of *role* may send *command* (a class name; ``*`` is every command).

    Above ``limit`` a second person must approve whose own grant reaches so far; without a limit
    any amount passes. The limit is about what a request gives away, whatever it is called: an
    amount that it names, units that it cancels or asks a location to cancel, a price that it
    lowers, a debt that it forgives, money that has to go back because of it, money that somebody
    says was taken or authorised, goods that may leave before they are paid, and goods that have
    left and lose their cover. What it adds makes no room. Limits are for each request, and not
    added up: the parts of one gift in several requests are weighed one by one. Of a placement are
    weighed prices that a `PriceOverride` lowers, and what its tenders and terms let leave unpaid or
    forget. Its other prices, discounts and charges are the shop's own: nothing says who gave them.
    """

    role: str
    command: str
    limit: Money | None = None

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        for name, text in (("role", self.role), ("command", self.command)):
            if type(text) is not str or not text:
                advice = "must be the name of a request, such as 'Cancel', or '*'"
                problem = "must be text" if name == "role" else advice
                raise InvalidGrantError(f"the {name} of a grant {problem}")
        if ":" in self.role:
            raise InvalidGrantError(
                "the role of a grant is what stands before the colon of an actor, such as 'clerk'"
            )
        if self.command not in {*_REQUESTS, _ALL}:
            raise InvalidGrantError(_unknown(self.command))
        limit = cast("object", self.limit)
        if not (limit is None or (isinstance(limit, Money) and limit.minor >= 0)):
            raise InvalidGrantError("a limit must be Money that is not below zero")


def _unknown(command: str) -> str:
    near = get_close_matches(command[:50], sorted(_REQUESTS), n=1)
    hint = f"did you mean {near[0]!r}" if near else "give its class name, such as 'Cancel', or '*'"
    return f"no request is called {command[:50]!r}; {hint}"


def _grants(given: tuple[Grant, ...]) -> tuple[Grant, ...]:
    if type(given) is not tuple or not all(type(grant) is Grant for grant in given):
        raise InvalidGrantError("grants must be a tuple of Grant values")
    return given


@frozen(kw_only=True)
class Permissions:
    """
    The table of rights. An actor ``staff:ann`` has the role ``staff``.

    No grants at all: the host decides elsewhere, everything passes. Who approves is another actor
    than who asks, so a person must have one name only. Reports are facts, no wishes: the table
    does not ask about them.
    """

    grants: tuple[Grant, ...] = field(default=(), converter=_grants)

    def is_limited(self, by: Actor, kind: type[Request]) -> bool:
        """Whether an actor may send this kind of request up to some amount only."""
        own = self._grants(by, kind.__name__)
        return bool(own) and all(grant.limit is not None for grant in own)

    def refuse(self, by: Actor, kind: type[Request]) -> None:
        """
        Refuse a kind of request that an actor may not send at all.

        Raises:
            NotPermittedError: The role has no grant for it.
        """
        refusal = self.refusal(by, kind)
        if refusal is not None:
            raise refusal

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
            ApprovalNeededError: The amount exceeds the limit of every grant, and nobody approved.
            ApproverNotEntitledError: So it does, and who approved may not.
        """
        if not self.grants:
            return
        self.refuse(by, type(command))
        name = type(command).__name__
        own = self._grants(by, name)
        amount = amount_of(command) if amount is None else amount
        if amount is None or _covers(own, amount):
            return
        if approved_by is None:
            raise ApprovalNeededError(name, amount)
        for problem in self._objections(by, approved_by, name, amount):
            raise ApproverNotEntitledError(name, amount, problem)

    def _objections(
        self, by: Actor, approved_by: Actor, command: str, amount: Money
    ) -> Iterator[str]:
        """Why the word of a second person does not count; nothing where it does."""
        second, role = self._grants(approved_by, command), role_of(approved_by)
        if _name(approved_by) == _name(by):
            yield "who asks cannot approve"
        elif not second:
            yield f"{role} has no grant for it"
        elif not _covers(second, amount):
            yield f"it is beyond the limit of {role}"

    def refusal(self, by: Actor, kind: type[Request]) -> NotPermittedError | None:
        """Why an actor may not send this kind of request at all; None where some may pass."""
        name = kind.__name__
        if not self.grants or self._grants(by, name):
            return None
        refused = NotPermittedError(role_of(by), name)
        if by == SYSTEM:
            refused.advice += ", or say with by= who asks"
        return refused

    def narrowed(
        self, table: Mapping[type[Request], RefusedError | None], by: Actor
    ) -> Mapping[type[Request], RefusedError | None]:
        """What an actor may ask: the order's own refusals first, then those of the rights."""
        return {kind: why or self.refusal(by, kind) for kind, why in table.items()}

    def _grants(self, by: Actor, command: str) -> tuple[Grant, ...]:
        role = role_of(by)
        return tuple(
            grant
            for grant in self.grants
            if grant.role == role and grant.command in {command, _ALL}
        )


def _covers(grants: tuple[Grant, ...], amount: Money) -> bool:
    return any(
        grant.limit is None or (grant.limit.currency == amount.currency and amount <= grant.limit)
        for grant in grants
    )


def checked_permissions(permissions: Permissions | None) -> Permissions:
    """
    The table of rights; without one, everything passes.

    Raises:
        InvalidGrantError: It is none.
    """
    if permissions is None:
        return Permissions()
    if not isinstance(cast("object", permissions), Permissions):
        raise InvalidGrantError("they must be a Permissions value")
    return permissions


def with_approval(reason: str, approved_by: Actor | None) -> str:
    """
    The reason as the timeline keeps it: with the second person who approved.

    A reason that is no text is left as it is: the door refuses it.

    Raises:
        InvalidIdentifierError: What was given as the second person is no actor.
    """
    if approved_by is None:
        return reason
    approved_by = Actor(_name(approved_by))
    if type(reason) is not str:
        return reason
    return f"{reason} (approved by {approved_by})" if reason else f"approved by {approved_by}"


def role_of(by: Actor) -> str:
    """The role of an actor: what stands before the first colon."""
    return _name(by).partition(":")[0]


def _name(actor: Actor) -> str:
    """An actor in the normal form of an id."""
    return checked_id(actor, "actor")


def amount_of(command: Request) -> Money | None:
    """The amount that a limit is about: money, or debt that is let go; none for other commands."""
    match command:
        case Refund(quote=quote) | ExchangeGoods(quote=quote):
            return max(quote.credit.amount, quote.pay_back)
        case RecordPayment(amount=amount) | RecordRefund(amount=amount):
            return amount
        case IssueValue(amount=amount) | ReturnValue(amount=amount):
            return amount
        case _:
            return None
