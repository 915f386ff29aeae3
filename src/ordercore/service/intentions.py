"""What is written beside the facts of a command: key, fingerprint, claims and personal data."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final, TypeAlias, TypeVar, cast, get_args

from attrs import define, evolve

from ordercore.codec.converter import fingerprint
from ordercore.errors import InvalidValueError
from ordercore.facts import Report, Request
from ordercore.ids import (
    Actor,
    InvalidIdentifierError,
    ItemId,
    Key,
    OrderId,
    StreamId,
    checked_id,
)
from ordercore.inventory.commands import TransferHold
from ordercore.inventory.decide import StockCommand
from ordercore.order._limits import LONGEST_REASON, free_text
from ordercore.order.commands import AddReference, ChangeDestination, ChangeGroups, Place
from ordercore.order.party import Party
from ordercore.order.refusals import InvalidTextError
from ordercore.order.terms import InvalidTermsError, Terms
from ordercore.payment.cards import reference_without_card
from ordercore.payment.policy import Capabilities
from ordercore.payment.store_value import StoreValueCommand
from ordercore.ports.unit_of_work import AlreadyClaimedError, UniqueClaim
from ordercore.returns.commands import ReceiveUnmatchedReturn
from ordercore.service._doors import (
    ForeignCommandError,
    InvalidPortError,
    InvalidTendersError,
    NotPricedError,
    checked_placement,
    checked_port,
    no_class,
)
from ordercore.service.engine import Intention, Settings

__all__ = [
    "PLACEHOLDER",
    "ForeignCommandError",
    "InvalidPortError",
    "InvalidTendersError",
    "InvalidVersionError",
    "LeaseTooShortError",
    "NotPricedError",
    "StockOperation",
    "actor_of",
    "bound_terms",
    "checked_command",
    "checked_operation",
    "checked_settings",
    "checked_value",
    "hold_of",
    "intention_of",
    "items_of",
    "key_of",
    "marked",
    "placing",
    "reason_of",
    "reference_of",
    "stream_of",
]

_Command = TypeVar("_Command", bound=Request | Report)

StockOperation: TypeAlias = StockCommand | ReceiveUnmatchedReturn
"""Everything that can be asked about stock which belongs to no order."""

_STOCK: Final[tuple[type[object], ...]] = tuple(
    kind for kind in get_args(StockOperation) if kind is not TransferHold
)
"""By itself a `TransferHold` would give the units to nobody: `Place.hold` asks for it."""
_VALUE: Final[tuple[type[object], ...]] = get_args(StoreValueCommand)
_ORDERS: Final = "command of an order"

PLACEHOLDER: Final = OrderId("new")
"""Stands for the id of an order that is still to be named, so that its key can be retried."""


@define
class LeaseTooShortError(InvalidValueError):
    """A worker would lose its order while the gateway is still thinking."""

    sentence = "The lease must be longer than the gateway's call timeout of {timeout}."
    timeout: str


def checked_settings(settings: Settings | None, capabilities: Capabilities) -> Settings:
    """
    The settings, longer leased than a call may take.

    Raises:
        LeaseTooShortError: They are not.
        InvalidPortError: They are no settings.
    """
    own = checked_port(settings or Settings(), "settings", "Settings", "lease")
    if own.lease <= capabilities.call_timeout:
        raise LeaseTooShortError(str(capabilities.call_timeout))
    return own


@define
class InvalidVersionError(InvalidValueError):
    """A version is a count of facts."""

    sentence = "An expected version must be a whole number from 0 on: pass order.version."


def bound_terms(terms: Terms | None, capabilities: Capabilities) -> Terms:
    """
    The terms of an order, with what its gateway can do frozen into them.

    Raises:
        InvalidTermsError: They are no terms.
    """
    own = Terms() if terms is None else terms
    if type(own) is not Terms:
        raise InvalidTermsError("the whole", "it must be a Terms value")
    return own if own.capabilities == capabilities else evolve(own, capabilities=capabilities)


def key_of(key: str | None) -> Key | None:
    """
    An idempotency key in its normal form.

    Raises:
        InvalidIdentifierError: It is no usable key.
        CardNumberError: It is a card number (RULES PAY-8).
    """
    return None if key is None else Key(reference_without_card(checked_id(key, "key")))


def stream_of(order: str) -> StreamId:
    """
    The list of facts of an order, by its id in normal form.

    Raises:
        InvalidIdentifierError: It is no usable id.
    """
    if not isinstance(cast("object", order), str):
        raise InvalidIdentifierError("order id", "it must be text; of an order, pass order.id")
    return StreamId(checked_id(order, "order id"))


def checked_command(command: _Command) -> _Command:
    """
    The command itself: each field holds what its type allows.

    Raises:
        ForeignCommandError: It is no command, its class, or one of another service.
        UnstorableValueError: One does not. Who executes a command learns it from its fingerprint.
    """
    _of_order(command)
    fingerprint(command)
    return command


def _of_order(command: object) -> None:
    no_class(command, _ORDERS)
    if not isinstance(command, Request | Report) or isinstance(command, (*_STOCK, *_VALUE)):
        raise _foreign(command, _ORDERS)


def _foreign(command: object, wanted: str) -> ForeignCommandError:
    """The refusal of what this service does not serve, with the one that does."""
    no_class(command, wanted)
    given = type(command).__name__
    if isinstance(command, _STOCK):
        return ForeignCommandError(given, wanted, "pass it to service.stock.execute")
    if isinstance(command, _VALUE):
        return ForeignCommandError(given, wanted, "pass it to service.credit.execute")
    if isinstance(command, Request | Report):
        return ForeignCommandError(given, wanted, "pass it to service.execute")
    return ForeignCommandError(given, wanted)


def checked_operation(command: StockOperation) -> StockOperation:
    """
    The command itself: an operation on stock; its fields are checked by its fingerprint.

    Raises:
        ForeignCommandError: It is none.
    """
    if not isinstance(command, _STOCK):
        raise _foreign(command, "operation on stock")
    return command


def checked_value(command: StoreValueCommand) -> StoreValueCommand:
    """
    The command itself: an operation on an account, with sound fields.

    Raises:
        ForeignCommandError: It is none.
        UnstorableValueError: A field holds a value that its type does not allow.
    """
    if not isinstance(command, _VALUE):
        raise _foreign(command, "operation on an account")
    fingerprint(command)
    return command


def actor_of(by: str) -> Actor:
    """An actor in the normal form of an id."""
    return Actor(checked_id(by, "actor"))


def items_of(items: tuple[ItemId, ...]) -> tuple[ItemId, ...]:
    """Items by their ids in normal form."""
    return tuple(ItemId(checked_id(item, "item")) for item in items)


def hold_of(hold: str | None) -> StreamId | None:
    """The id of a cart's hold in its normal form, where one is named."""
    return None if hold is None else StreamId(checked_id(hold, "hold"))


def placing(command: Place, *, key: str, by: Actor, reason: str = "") -> Intention:
    """The intention behind a placement; its fingerprint leaves a generated id out."""
    return intention_of(checked_placement(command), key=key, by=by, reason=reason)


def intention_of(
    command: Request | Report,
    *,
    key: str | None,
    by: Actor,
    order: str | None = None,
    expected: int | None = None,
    reason: str = "",
) -> Intention:
    """
    The intention behind a command about *order*; the same words about another are others.

    Raises:
        InvalidVersionError: The expected version is no count.
        ForeignCommandError: It is no command, its class, or one of another service.
    """
    _of_order(command)
    if order is not None and isinstance(command, Place):
        raise ForeignCommandError("Place", "command about an order", "call place()")
    if expected is not None and (type(expected) is not int or expected < 0):
        raise InvalidVersionError
    return Intention(
        by=actor_of(by),
        key=key_of(key),
        fingerprint=marked(command, order),
        reason=_why(command, reason),
        claims=_claims(command),
        parties=_parties(command),
        counts=isinstance(command, Request),
        expected_version=expected,
    )


def _why(command: Request | Report, text: str) -> str:
    """What the timeline says: the reason in the command, and what was given beside it (O-9)."""
    given = reason_of(text)
    own = cast("object", getattr(command, "reason", ""))
    if type(own) is not str or not own or len(own) + len(given) + 2 > LONGEST_REASON:
        return given
    return "; ".join(each for each in (free_text(own), given) if each)


def reason_of(text: str) -> str:
    """
    Why somebody wants it: of bearable length, and without card numbers (RULES PAY-8).

    Raises:
        InvalidTextError: It is no text.
        LimitExceededError: It is longer than 2,000 characters.
    """
    if type(text) is not str:
        raise InvalidTextError("a reason", LONGEST_REASON)
    return free_text(text)


def marked(command: Request | Report, about: str | None) -> str:
    """What tells a command about one stream from all others."""
    own = fingerprint(command)
    return own if about is None else sha256(f"{own} {about}".encode()).hexdigest()


def _claims(command: Request | Report) -> tuple[UniqueClaim, ...]:
    match command:
        case Place():
            references = (_reference(system, value) for system, value in command.references)
            coupons = (
                UniqueClaim("coupon", checked_id(code, "coupon")) for code in command.coupons
            )
            return _once((*references, *coupons, *_number(command)))
        case AddReference():
            return (_reference(command.system, command.value),)
        case _:
            return ()


def _number(command: Place) -> Iterator[UniqueClaim]:
    """The host's own number of an order: one order has it (RULES O-1)."""
    if command.number is not None:
        yield UniqueClaim("order-number", command.number)


def _once(claims: tuple[UniqueClaim, ...]) -> tuple[UniqueClaim, ...]:
    """The same claims; one that is named twice is refused as if another order had it."""
    seen: set[UniqueClaim] = set()
    for claim in claims:
        if claim in seen:
            raise AlreadyClaimedError(claim.scope, claim.value)
        seen.add(claim)
    return claims


def reference_of(system: str, value: str) -> tuple[str, str]:
    """The scope and value under which an external reference is claimed: in its normal form."""
    return f"reference:{checked_id(system, 'system')}", checked_id(value, "reference")


def _reference(system: str, value: str) -> UniqueClaim:
    scope, name = reference_of(system, value)
    return UniqueClaim(reference_without_card(scope), reference_without_card(name))


_WITH_PARTIES: Final = (Place, ChangeDestination, ChangeGroups)


def _parties(command: Request | Report) -> tuple[Party, ...]:
    return command.parties if isinstance(command, _WITH_PARTIES) else ()
