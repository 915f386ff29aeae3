"""
Webhooks: who really sent this message, when, and whether it was taken before.

A signature counts over the raw bytes of the body, exactly as they came: a framework that parses
the JSON and writes it again has lost the proof. Comparison takes constant time; several secrets
may be valid while one is being replaced; a message with a time of its own is refused when it is
old or from the future; and a message that was taken once is not taken again (RULES X-2).

The host keeps the memory of what was taken: `ReplayGuard` is the small port, and
`MemoryReplayGuard` the one for tests and single processes. A message is taken in two steps, so
that none is lost and none is done twice:

1. `verify` asks whether it was taken, and marks nothing. A host that dies now gets it again.
2. The host does what the message says with ``verified.message_id`` as the key of its command, and
   calls ``guard.take(verified.scheme, verified.message_id)`` when that is committed. A host that
   dies in between, or two that work at once, do it again with the same key, which answers as it
   did the first time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from typing import Final, cast

from attrs import Attribute, define, field, frozen

from ordercore.errors import InvalidValueError, RefusedError
from ordercore.ids import InvalidIdentifierError, checked_id
from ordercore.integrations._replays import MemoryReplayGuard, ReplayGuard
from ordercore.moment import utc

__all__ = [
    "SIGNATURES",
    "EasyPostScheme",
    "Encoding",
    "HeaderScheme",
    "MemoryReplayGuard",
    "ReplayGuard",
    "Scheme",
    "SignatureInvalidError",
    "Signed",
    "StripeScheme",
    "Verified",
    "WebhookDuplicateError",
    "WebhookExpiredError",
    "WebhookSecretError",
    "WebhookSetupError",
    "verify",
]

TOLERANCE: Final = timedelta(seconds=300)
MOST_SECRETS: Final = 10
MOST_SIGNATURES: Final = 10
LONGEST_HEADER: Final = 4_096
LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""

_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@define
class SignatureInvalidError(RefusedError):
    """The message was not signed with any of the secrets; nothing of it may be believed."""

    sentence = "The {scheme} webhook is not signed as it should be: {problem}."
    scheme: str
    problem: str


@define
class WebhookExpiredError(RefusedError):
    """The message is too old, or from the future."""

    sentence = "The {scheme} webhook is {problem}; its sender will send it again."
    scheme: str
    problem: str


@define
class WebhookDuplicateError(RefusedError):
    """The message was taken before: answer success and do nothing."""

    sentence = "The {scheme} webhook {id} was taken before; there is nothing to do."
    scheme: str
    id: str


@define
class WebhookSecretError(InvalidValueError):
    """The host configured no usable secret."""

    sentence = "The secrets of the {scheme} webhook cannot be used: {problem}."
    scheme: str
    problem: str


@define
class WebhookSetupError(InvalidValueError):
    """The host asks in a way that can have no answer."""

    sentence = "The {what} of a webhook must be {wanted}."
    what: str
    wanted: str


# --- schemes ------------------------------------------------------------------------------------


@frozen
class Signed:
    """What a header says: digests of which one must be right, over these bytes, at this time."""

    digests: tuple[bytes, ...]
    message: bytes
    at: datetime | None = None


class Scheme(ABC):
    """How one sender signs: where the signature stands, and what it is computed of."""

    name: str

    @abstractmethod
    def signed(self, headers: Mapping[str, str], body: bytes) -> Signed:
        """
        What the headers claim.

        Raises:
            SignatureInvalidError: No such header, or nothing readable in it.
        """

    def key(self, secret: str) -> bytes:
        """The key that a secret stands for."""
        return secret.encode()


@unique
class Encoding(StrEnum):
    """How a digest is written."""

    BASE64 = "base64"
    HEX = "hex"


def _text(_instance: object, attribute: Attribute[str], value: object) -> None:
    if type(value) is not str or not (value or attribute.name == "prefix"):
        raise WebhookSetupError(f"{attribute.name} of the scheme", "text")


@frozen(kw_only=True)
class HeaderScheme(Scheme):
    """The digest of the body in one header, as Shopify and WooCommerce send it."""

    name: str = field(validator=_text)
    header: str = field(validator=_text)
    encoding: Encoding = Encoding.BASE64
    prefix: str = field(default="", validator=_text)

    def signed(self, headers: Mapping[str, str], body: bytes) -> Signed:
        """The digest in the header, over the body as it came."""
        text = _header(self.name, headers, self.header)
        if not text.startswith(self.prefix):
            raise SignatureInvalidError(self.name, "the signature has another form")
        text = text.removeprefix(self.prefix)
        digest = _from_base64(text) if self.encoding is Encoding.BASE64 else _from_hex(text)
        if digest is None:
            raise SignatureInvalidError(self.name, "the signature has another form")
        return Signed((digest,), body)


@frozen(kw_only=True)
class EasyPostScheme(HeaderScheme):
    """As in a header, with the secret brought to its normal form (NFKD) first."""

    def key(self, secret: str) -> bytes:
        """The key that a secret stands for."""
        return unicodedata.normalize("NFKD", secret).encode()


@frozen(kw_only=True)
class StripeScheme(Scheme):
    """``t=…,v1=…``: the digest is of the time, a point, and the body; several ``v1`` may stand."""

    name: str = "stripe"
    header: str = "Stripe-Signature"

    def signed(self, headers: Mapping[str, str], body: bytes) -> Signed:
        """All digests of version 1; those of other versions are not looked at."""
        parts = [
            part.partition("=") for part in _header(self.name, headers, self.header).split(",")
        ]
        times = [value for name, _, value in parts if name.strip() == "t"]
        digests = [_from_hex(value) for name, _, value in parts if name.strip() == "v1"]
        good = tuple(digest for digest in digests if digest is not None)
        if len(times) != 1 or _TIMESTAMP.fullmatch(times[0]) is None or not good:
            raise SignatureInvalidError(self.name, "the signature has another form")
        if len(good) > MOST_SIGNATURES or int(times[0]) > LATEST:
            raise SignatureInvalidError(self.name, "the signature has another form")
        at = datetime.fromtimestamp(int(times[0]), UTC)
        return Signed(good, times[0].encode() + b"." + body, at)


SIGNATURES: Final[Mapping[str, Scheme]] = {
    scheme.name: scheme
    for scheme in (
        HeaderScheme(name="shopify", header="X-Shopify-Hmac-Sha256"),
        HeaderScheme(name="woocommerce", header="X-WC-Webhook-Signature"),
        StripeScheme(),
        EasyPostScheme(
            name="easypost",
            header="X-Hmac-Signature",
            encoding=Encoding.HEX,
            prefix="hmac-sha256-hex=",
        ),
    )
}
"""The schemes that are known here, by name; a host's own is one more `HeaderScheme`."""


def _header(scheme: str, headers: Mapping[str, str], wanted: str) -> str:
    """The one header of this name; names are the same in small letters."""
    if not isinstance(cast("object", headers), Mapping):
        raise SignatureInvalidError(scheme, "its headers must be a mapping")
    small = wanted.lower()
    found = [value for name, value in headers.items() if str(name).lower() == small]
    if len(found) != 1 or type(found[0]) is not str or not found[0]:
        raise SignatureInvalidError(scheme, f"there must be one header {wanted}, as text")
    if len(found[0]) > LONGEST_HEADER or not found[0].isascii():
        raise SignatureInvalidError(scheme, "the signature has another form")
    return found[0]


def _from_base64(text: str) -> bytes | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == hashlib.sha256().digest_size else None


def _from_hex(text: str) -> bytes | None:
    return bytes.fromhex(text) if _HEX.fullmatch(text) is not None else None


# --- the one question ---------------------------------------------------------------------------


@frozen(kw_only=True)
class Verified:
    """A message that may be believed."""

    scheme: str
    body: bytes = field(repr=False)
    at: datetime | None
    """When it was sent, where the scheme says so."""
    message_id: str
    """Its id, or where none was given the digest of the signed bytes: the key to do it with."""
    secret_index: int
    """Which secret was right: the place in the host's list, for the audit of a rotation."""


def verify(
    scheme: Scheme,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[str],
    now: datetime,
    message_id: str | None = None,
    guard: ReplayGuard | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Verified:
    """
    The message, when it was signed with one of *secrets*, is fresh, and was not taken before.

    Args:
        scheme: How the sender signs, such as ``SIGNATURES["shopify"]``.
        headers: The headers of the request; their case does not matter.
        body: The raw bytes of the request, as they came.
        secrets: The secrets that are valid now; two while one is being replaced.
        now: The receiver's clock, with its zone.
        message_id: The sender's own id of the message, from inside the signed body. An id in a
            header is not signed, so who replays can change it: leave it out then, and the digest
            of the signed bytes is the id.
        guard: Where ids are remembered; without it a replay is not noticed. It is only asked: call
            its ``take`` when what the message says is committed.
        tolerance: How old, or how far in the future, a message with a time may be.

    Raises:
        SignatureInvalidError: The signature is missing, malformed, or of no known secret.
        WebhookExpiredError: The message is too old, or from the future.
        WebhookDuplicateError: The id was taken before.
        WebhookSecretError: There is no usable secret.
        WebhookSetupError: The scheme, the guard or the tolerance is none.

    Source:
        RULES X-2.
    """
    _check_asked(scheme, guard, tolerance)
    keys = _keys(scheme, secrets)
    if type(body) is not bytes:
        raise SignatureInvalidError(scheme.name, "the raw bytes of the body are needed")
    signed = scheme.signed(headers, body)
    index = _right_key(keys, signed)
    if index is None:
        raise SignatureInvalidError(scheme.name, "no secret gives this signature")
    _check_age(scheme.name, signed.at, utc(now), tolerance)
    name = _name(scheme.name, message_id, signed)
    if guard is not None and guard.was_taken(scheme.name, name):
        raise WebhookDuplicateError(scheme.name, name)
    return Verified(
        scheme=scheme.name, body=body, at=signed.at, message_id=name, secret_index=index
    )


def _check_asked(scheme: object, guard: object, tolerance: object) -> None:
    """What the host itself gives, not the sender."""
    if not isinstance(scheme, Scheme):
        raise WebhookSetupError("scheme", 'a Scheme such as SIGNATURES["stripe"]')
    if guard is not None and not isinstance(guard, ReplayGuard):
        raise WebhookSetupError("guard", "a ReplayGuard")
    if type(tolerance) is not timedelta or tolerance < timedelta(0):
        raise WebhookSetupError("tolerance", "a timedelta that is not below zero")


def _keys(scheme: Scheme, secrets: Sequence[str]) -> list[bytes]:
    if type(secrets) not in {list, tuple} or not 1 <= len(secrets) <= MOST_SECRETS:
        raise WebhookSecretError(scheme.name, f"give a list of 1 to {MOST_SECRETS} of them")
    if not all(type(secret) is str and secret for secret in secrets):
        raise WebhookSecretError(scheme.name, "one of them is empty, or no text")
    try:
        return [scheme.key(secret) for secret in secrets]
    except UnicodeEncodeError:
        raise WebhookSecretError(scheme.name, "one of them is no text that can be sent") from None


def _right_key(keys: list[bytes], signed: Signed) -> int | None:
    """Which key gives one of the digests; all are tried, so the time says nothing."""
    found: int | None = None
    for index, key in enumerate(keys):
        digest = hmac.new(key, signed.message, hashlib.sha256).digest()
        matches = [hmac.compare_digest(digest, claimed) for claimed in signed.digests]
        if any(matches) and found is None:
            found = index
    return found


def _check_age(scheme: str, at: datetime | None, now: datetime, tolerance: timedelta) -> None:
    """Compared by difference, which exists for any two instants."""
    if at is not None and now - at > tolerance:
        raise WebhookExpiredError(scheme, "too old")
    if at is not None and at - now > tolerance:
        raise WebhookExpiredError(scheme, "from the future")


def _name(scheme: str, message_id: str | None, signed: Signed) -> str:
    """The id under which the message is taken."""
    try:
        given = None if message_id is None else checked_id(message_id, "webhook id")
    except InvalidIdentifierError as error:
        raise SignatureInvalidError(scheme, "its id is not usable") from error
    return given or hashlib.sha256(signed.message).hexdigest()
