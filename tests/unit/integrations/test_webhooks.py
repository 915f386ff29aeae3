"""Signatures of webhooks: four schemes, real and forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercore.errors import InvalidValueError, OrderCoreError, RefusedError
from ordercore.integrations.webhooks import (
    SIGNATURES,
    HeaderScheme,
    MemoryReplayGuard,
    SignatureInvalidError,
    Verified,
    WebhookDuplicateError,
    WebhookExpiredError,
    WebhookSecretError,
    verify,
)

NOW: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECRET: Final = "whsec_first"
BODY: Final = b'{"id": "evt_1", "total": "10.00"}'


def mac(secret: str, message: bytes) -> bytes:
    """What a sender computes."""
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def headers_of(scheme: str, secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    """The headers that an honest sender writes."""
    in_base64 = base64.b64encode(mac(secret, body)).decode()
    stamp = str(int(NOW.timestamp()))
    return {
        "shopify": {"X-Shopify-Hmac-Sha256": in_base64},
        "woocommerce": {"X-WC-Webhook-Signature": in_base64},
        "easypost": {"X-Hmac-Signature": f"hmac-sha256-hex={mac(secret, body).hex()}"},
        "stripe": {
            "Stripe-Signature": f"t={stamp},v1={mac(secret, f'{stamp}.'.encode() + body).hex()}"
        },
    }[scheme]


def check(scheme: str, headers: Mapping[str, str], body: bytes = BODY, *secrets: str) -> Verified:
    """Verify at noon."""
    return verify(SIGNATURES[scheme], headers, body, secrets=secrets or (SECRET,), now=NOW)


EVERY: Final = pytest.mark.parametrize("scheme", sorted(SIGNATURES))


def test_the_published_vector_is_right(shared_data: Path) -> None:
    """EasyPost's own fixture: its secret in normal form, over the bytes without a newline."""
    folder = shared_data / "payloads" / "easypost"
    vector = json.loads((folder / "webhook_signature_vector.json").read_bytes())
    body = (folder / "event-body.json").read_bytes().removesuffix(b"\n")
    headers = {"X-Hmac-Signature": vector["hmac_signature"]}
    verified = check("easypost", headers, body, vector["secret"])
    assert ("easypost", body) == (verified.scheme, verified.body)
    with pytest.raises(SignatureInvalidError):
        check("easypost", headers, body + b"\n", vector["secret"])


@EVERY
def test_an_honest_message_is_believed(scheme: str) -> None:
    """The header's name may be written in any case."""
    headers = {name.upper(): value for name, value in headers_of(scheme).items()}
    verified = check(scheme, {**headers, "Content-Type": "application/json"})
    assert (BODY, 0) == (verified.body, verified.secret_index)
    assert (NOW if scheme == "stripe" else None) == verified.at


@EVERY
def test_either_secret_counts_while_one_is_replaced(scheme: str) -> None:
    """The result says which one it was."""
    headers = headers_of(scheme, "whsec_second")
    assert 1 == check(scheme, headers, BODY, SECRET, "whsec_second").secret_index
    with pytest.raises(SignatureInvalidError, match="no secret"):
        check(scheme, headers, BODY, SECRET)


@EVERY
@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(scheme: str, place: int, bit: int) -> None:
    """Whatever bit of the body is turned, the signature no longer fits."""
    changed = bytearray(BODY)
    changed[place] ^= 1 << bit
    with pytest.raises(SignatureInvalidError):
        check(scheme, headers_of(scheme), bytes(changed))


@EVERY
def test_a_body_that_was_parsed_and_written_again_is_refused(scheme: str) -> None:
    """Only the raw bytes prove anything."""
    with pytest.raises(SignatureInvalidError):
        check(scheme, headers_of(scheme), json.dumps(json.loads(BODY), indent=1).encode())
    with pytest.raises(SignatureInvalidError, match="raw bytes"):
        check(scheme, headers_of(scheme), BODY.decode())  # type: ignore[arg-type]  # the point


FORGED: Final = ["", " ", "x", "é", "=" * 10_000, "v1=00", "hmac-sha256-hex=", "AAAA", "0" * 64]


@EVERY
@pytest.mark.parametrize("value", FORGED)
def test_a_malformed_signature_is_refused(scheme: str, value: str) -> None:
    """Whatever stands in the header, the answer is the same kind of refusal."""
    (name,) = headers_of(scheme)
    with pytest.raises(SignatureInvalidError):
        check(scheme, {name: value})


@EVERY
def test_a_missing_or_doubled_header_is_refused(scheme: str) -> None:
    """There is one signature, or there is none."""
    headers = headers_of(scheme)
    (name,) = headers
    with pytest.raises(SignatureInvalidError, match="one header"):
        check(scheme, {})
    with pytest.raises(SignatureInvalidError, match="one header"):
        check(scheme, {name: headers[name], name.lower(): headers[name]})


def test_hex_is_not_base64() -> None:
    """A digest in the other alphabet, or of another length, is no signature."""
    for value in (mac(SECRET, BODY).hex(), base64.b64encode(mac(SECRET, BODY)[:20]).decode()):
        with pytest.raises(SignatureInvalidError, match="another form"):
            check("shopify", {"X-Shopify-Hmac-Sha256": value})


def stripe(*parts: str) -> dict[str, str]:
    """A Stripe header made of these parts."""
    return {"Stripe-Signature": ",".join(parts)}


def signed_at(at: datetime, secret: str = SECRET) -> tuple[str, str]:
    """The two parts that Stripe sends for a message of this moment."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp}", f"v1={mac(secret, f'{stamp}.'.encode() + BODY).hex()}"


def test_stripe_may_send_several_digests() -> None:
    """One of version 1 must fit; older and unknown versions do not count."""
    stamp, digest = signed_at(NOW)
    assert NOW == check("stripe", stripe(stamp, f"v1={'0' * 64}", digest, "v0=abc")).at
    with pytest.raises(SignatureInvalidError, match="another form"):
        check("stripe", stripe(stamp, digest.replace("v1", "v0")))
    with pytest.raises(SignatureInvalidError, match="another form"):
        check("stripe", stripe(stamp, *[digest] * 11))


@pytest.mark.parametrize(
    "parts",
    [
        ("v1=" + "0" * 64,),
        ("t=", "v1=" + "0" * 64),
        ("t=1", "t=2", "v1=" + "0" * 64),
        ("t=-1", "v1=" + "0" * 64),
        ("t=999999999999", "v1=" + "0" * 64),
        ("t=9999999999999", "v1=" + "0" * 64),
        ("t=1e5", "v1=" + "0" * 64),
    ],
)
def test_stripe_without_one_good_time_is_refused(parts: tuple[str, ...]) -> None:
    """The time is part of what is signed, so it must be one readable time."""
    with pytest.raises(SignatureInvalidError, match="another form"):
        check("stripe", stripe(*parts))


@pytest.mark.parametrize(("seconds", "problem"), [(-301, "too old"), (301, "from the future")])
def test_an_old_or_future_message_is_refused(seconds: int, problem: str) -> None:
    """The tolerance is 300 seconds to either side, both included."""
    edge = 300 if seconds > 0 else -300
    assert check("stripe", stripe(*signed_at(NOW + timedelta(seconds=edge)))).at is not None
    with pytest.raises(WebhookExpiredError, match=problem):
        check("stripe", stripe(*signed_at(NOW + timedelta(seconds=seconds))))


def test_a_changed_time_is_no_longer_signed() -> None:
    """Who replays an old message cannot make it young."""
    _, old = signed_at(NOW - timedelta(days=1))
    stamp, _ = signed_at(NOW)
    with pytest.raises(SignatureInvalidError, match="no secret"):
        check("stripe", stripe(stamp, old))


def test_a_message_is_taken_once() -> None:
    """The same id, or without an id the same bytes, is a duplicate; a forgery marks nothing."""
    guard = MemoryReplayGuard()
    scheme, headers = SIGNATURES["shopify"], headers_of("shopify")

    def take(message_id: str | None, secret: str = SECRET) -> Verified:
        found = verify(
            scheme, headers, BODY, secrets=[secret], now=NOW, message_id=message_id, guard=guard
        )
        assert guard.take(found.scheme, found.message_id)
        return found

    with pytest.raises(SignatureInvalidError):
        take("evt_1", "another")
    assert BODY == take("evt_1").body
    with pytest.raises(WebhookDuplicateError) as caught:
        take("evt_1")
    assert ("shopify", "evt_1") == (caught.value.scheme, caught.value.id)
    take("evt_2")
    take(None)
    with pytest.raises(WebhookDuplicateError):
        take(None)
    with pytest.raises(SignatureInvalidError, match="id is not usable"):
        take("a\nb")


def test_the_memory_is_bounded() -> None:
    """The oldest ids are forgotten first."""
    guard = MemoryReplayGuard(most=2)
    assert all(guard.take("x", name) for name in "abc")
    assert guard.take("x", "a")
    assert not guard.take("x", "c")
    assert guard.take("y", "c")


def test_a_message_whose_host_died_is_given_again() -> None:
    """X-2: asking marks nothing, so a report is not lost between the question and the commit."""
    guard = MemoryReplayGuard()
    for _ in range(2):
        found = verify(
            SIGNATURES["shopify"],
            headers_of("shopify"),
            BODY,
            secrets=[SECRET],
            now=NOW,
            message_id="evt_1",
            guard=guard,
        )
        assert "evt_1" == found.message_id
    assert guard.take("shopify", "evt_1")
    assert guard.was_taken("shopify", "evt_1")


def test_threads_share_a_memory_that_is_full() -> None:
    """X-2: of many threads that take one id at once, one is the first; none of them falls."""
    guard = MemoryReplayGuard(most=10)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            tries = [pool.submit(guard.take, "x", str(n // 4)) for n in range(8_000)]
            taken = [done.result() for done in tries]
    finally:
        sys.setswitchinterval(before)
    assert 2_000 <= sum(taken)
    assert 1 == sum(guard.take("y", "one") for _ in range(4))


HOSTILE_HEADERS: list[Any] = [
    *(None, [], 7, {7: "x"}, {None: None}),
    *({"X-Shopify-Hmac-Sha256": bad} for bad in (b"x", 7, ["x"], None, "\ud800")),
]


@pytest.mark.parametrize("headers", HOSTILE_HEADERS, ids=repr)
def test_hostile_headers_are_refused(headers: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """X-4: what a web framework or an attacker makes of the headers never raises a raw error."""
    with pytest.raises(SignatureInvalidError):
        verify(SIGNATURES["shopify"], headers, BODY, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("secrets", [None, 7, {"x"}, ["\ud800"], [b"x"], [None]], ids=repr)
def test_hostile_secrets_are_refused(secrets: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """X-4: secrets that are none raise a typed error."""
    with pytest.raises(WebhookSecretError):
        verify(SIGNATURES["shopify"], headers_of("shopify"), BODY, secrets=secrets, now=NOW)


ENDS: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize("now", ENDS, ids=["first", "last"])
def test_the_ends_of_the_calendar_are_only_far_away(now: datetime) -> None:
    """X-4: a receiver's clock at the end of all time gives an expired message, not an overflow."""
    with pytest.raises(WebhookExpiredError):
        verify(
            SIGNATURES["stripe"],
            headers_of("stripe"),
            BODY,
            secrets=[SECRET],
            now=now,
        )


@pytest.mark.parametrize("secrets", [[], "whsec", [""], ["x"] * 11])
def test_secrets_must_be_configured(secrets: list[str] | str) -> None:
    """No secret, an empty one or a bare text is the host's mistake, not the sender's."""
    with pytest.raises(WebhookSecretError) as caught:
        verify(SIGNATURES["shopify"], headers_of("shopify"), BODY, secrets=secrets, now=NOW)
    assert isinstance(caught.value, InvalidValueError)


def test_the_clock_of_the_receiver_has_a_zone() -> None:
    """A naive time cannot be compared with a message's."""
    with pytest.raises(InvalidValueError):
        verify(
            SIGNATURES["stripe"],
            headers_of("stripe"),
            BODY,
            secrets=[SECRET],
            now=NOW.replace(tzinfo=None),
        )


def test_a_host_adds_its_own_scheme() -> None:
    """A header name and a prefix are all that another sender needs."""
    scheme = HeaderScheme(name="erp", header="X-Erp", prefix="sha256=")
    headers = {"X-Erp": "sha256=" + base64.b64encode(mac(SECRET, BODY)).decode()}
    assert "erp" == verify(scheme, headers, BODY, secrets=[SECRET], now=NOW).scheme


@EVERY
def test_no_error_and_no_result_shows_a_secret(scheme: str) -> None:
    """Neither secrets nor bodies are printed."""
    headers = headers_of(scheme)
    assert "evt_1" not in repr(check(scheme, headers))
    with pytest.raises(RefusedError) as caught:
        check(scheme, headers, BODY, "whsec_other")
    shown = str(caught.value) + repr(caught.value)
    assert all(word not in shown for word in ("whsec", "evt_1", mac(SECRET, BODY).hex()))
    assert isinstance(caught.value, OrderCoreError)
