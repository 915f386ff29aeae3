"""What is written beside the facts of a command: key, fingerprint, claims and personal data."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from attrs import define, evolve

from ordercore.codec.converter import fingerprint
from ordercore.errors import InvalidValueError
from ordercore.facts import Report, Request
from ordercore.ids import Actor, Key, OrderId, checked_id
from ordercore.order.commands import AddReference, ChangeDestination, ChangeGroups, Place
from ordercore.order.party import Party
from ordercore.order.terms import Terms
from ordercore.payment.policy import Capabilities
from ordercore.ports.unit_of_work import AlreadyClaimedError, UniqueClaim
from ordercore.service.engine import Intention, Settings

__all__ = [
    "PLACEHOLDER",
    "InvalidTermsError",
    "LeaseTooShortError",
    "bound_terms",
    "checked_settings",
    "intention_of",
    "key_of",
    "marked",
    "placing",
]

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
    """
    own = settings or Settings()
    if own.lease <= capabilities.call_timeout:
        raise LeaseTooShortError(str(capabilities.call_timeout))
    return own


@define
class InvalidTermsError(InvalidValueError):
    """What was given as terms is none."""

    sentence = "The terms of an order must be a Terms value."


def bound_terms(terms: Terms | None, capabilities: Capabilities) -> Terms:
    """
    The terms of an order, with what its gateway can do frozen into them.

    Raises:
        InvalidTermsError: They are no terms.
    """
    own = Terms() if terms is None else terms
    if type(own) is not Terms:
        raise InvalidTermsError
    return own if own.capabilities == capabilities else evolve(own, capabilities=capabilities)


def key_of(key: str | None) -> Key | None:
    """An idempotency key in its normal form."""
    return None if key is None else Key(checked_id(key, "key"))


def placing(command: Place, *, key: str, by: Actor) -> Intention:
    """The intention behind a placement; its fingerprint leaves a generated id out."""
    return intention_of(command, key=key, by=by)


def intention_of(
    command: Request | Report,
    *,
    key: str | None,
    by: Actor,
    order: OrderId | None = None,
    expected: int | None = None,
    reason: str = "",
) -> Intention:
    """The intention behind a command about *order*; the same words about another are others."""
    return Intention(
        by=Actor(checked_id(by, "actor")),
        key=key_of(key),
        fingerprint=marked(command, order),
        reason=reason,
        claims=_claims(command),
        parties=_parties(command),
        counts=isinstance(command, Request),
        expected_version=expected,
    )


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
            return _once((*references, *coupons))
        case AddReference():
            return (_reference(command.system, command.value),)
        case _:
            return ()


def _once(claims: tuple[UniqueClaim, ...]) -> tuple[UniqueClaim, ...]:
    """The same claims; one that is named twice is refused as if another order had it."""
    for claim in claims:
        if claims.count(claim) > 1:
            raise AlreadyClaimedError(claim.scope, claim.value)
    return claims


def _reference(system: str, value: str) -> UniqueClaim:
    """Claimed in its normal form, as the fact names it."""
    return UniqueClaim(f"reference:{checked_id(system, 'system')}", checked_id(value, "reference"))


_WITH_PARTIES: Final = (Place, ChangeDestination, ChangeGroups)


def _parties(command: Request | Report) -> tuple[Party, ...]:
    return command.parties if isinstance(command, _WITH_PARTIES) else ()
