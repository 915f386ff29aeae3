"""ABUSE 64 to 69: what a host is told, by every scheme, up to the facts of the order."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, evolve, field

from ordercore.errors import OrderCoreError
from ordercore.ids import Key, OrderId, Reference
from ordercore.integrations.payments import KEY_FIELD, read_stripe, report_of
from ordercore.integrations.tenants import Tenant, TenantMismatchError
from ordercore.integrations.webhooks import (
    SIGNATURES,
    MemoryReplayGuard,
    SignatureInvalidError,
    Verified,
    WebhookDuplicateError,
    WebhookExpiredError,
    verify,
)
from ordercore.order.balance import balance
from ordercore.order.commands import Cancel
from ordercore.order.terms import Terms
from ordercore.payment import commands as pc
from ordercore.payment.events import OperationSucceeded, PaymentUnmatched
from ordercore.payment.model import Operation
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.ports.repositories import UnknownOrderError
from ordercore.testing.sandbox import Fate
from tests.unit.abuse.desk import BY_HAND, CARD, SECRET, Desk, desks, refused
from tests.unit.integrations.test_webhooks import headers_of, mac
from tests.unit.service.test_abuse import dump

NEW: Final = "whsec_canary_51Hb9_new"
LIVE: Final = Tenant(account="acct_1", is_live=True)
SCHEMES: Final = sorted(SIGNATURES)


def signed(scheme: str, body: bytes, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """The headers of an honest sender at this moment."""
    if scheme != "stripe":
        return headers_of(scheme, secret, body)
    stamp = str(int(at.timestamp()))
    return {"Stripe-Signature": f"t={stamp},v1={mac(secret, f'{stamp}.'.encode() + body).hex()}"}


def told(operation: pc.ReportOperation, **changes: object) -> bytes:
    """An event about what the gateway's books say of an operation."""
    status = {
        Operation.AUTHORISE: "requires_capture",
        Operation.CAPTURE: "succeeded",
        Operation.VOID: "canceled",
    }[operation.operation]
    minor = operation.amount.minor
    intent = {
        "object": "payment_intent",
        "id": operation.reference,
        "status": status,
        "amount": minor,
        "amount_capturable": minor,
        "amount_received": minor,
        "currency": "eur",
        "created": int(operation.at.timestamp()),
        "metadata": {KEY_FIELD: operation.key},
    }
    event = {
        "object": "event",
        "account": "acct_1",
        "livemode": True,
        "created": int(operation.at.timestamp()),
        "data": {"object": intent},
    }
    return json.dumps({**event, **changes}).encode()


@define
class Host:
    """An endpoint as the page of this library tells a host to write it."""

    desk: Desk
    scheme: str
    secrets: tuple[str, ...] = (SECRET,)
    guard: MemoryReplayGuard = field(factory=MemoryReplayGuard)

    def take(
        self, body: bytes, headers: Mapping[str, str] | None = None, order: str = "o-1"
    ) -> Verified:
        """Believe it or not, do what it says, and remember it."""
        now = self.desk.clock.now
        verified = verify(
            SIGNATURES[self.scheme],
            signed(self.scheme, body, now) if headers is None else headers,
            body,
            secrets=self.secrets,
            now=now,
            guard=self.guard,
        )
        for number, fact in enumerate(read_stripe(verified.body, tenant=LIVE)):
            report = report_of(fact, CARD.id)
            assert report is not None
            self.desk.service.execute(
                OrderId(order),
                report,
                key=f"{verified.message_id}:{number}",
                reason=f"signed with secret {verified.secret_index}",
            )
        assert self.guard.take(verified.scheme, verified.message_id)
        return verified


@pytest.fixture(params=["memory", "sqlite"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk over each store."""
    yield from desks(request.param, tmp_path)


@pytest.fixture(params=SCHEMES)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """An endpoint of each scheme, and an order whose capture it is to be told of."""
    for desk in desks("memory", tmp_path):
        unknown_capture(desk)
        yield Host(desk, request.param)


def unknown_capture(desk: Desk) -> None:
    """Money was taken, and nobody heard the answer."""
    desk.place(terms=BY_HAND)
    desk.gateway.meet(Fate.LOST_ANSWER)
    desk.do(pc.CaptureNow())


def message(host: Host) -> bytes:
    """The message about that capture."""
    return told(host.desk.told(Operation.CAPTURE))


def value(headers: Mapping[str, str]) -> tuple[str, str]:
    """The one header."""
    ((name, text),) = headers.items()
    return name, text


# --- 64, 65: who says it --------------------------------------------------------------------------


def other_alphabet(host: Host, body: bytes) -> Mapping[str, str]:
    """Hexadecimal where base64 belongs, and the other way round."""
    stamp = str(int(host.desk.clock.now.timestamp()))
    digest = mac(SECRET, body)
    swapped = {
        "shopify": {"X-Shopify-Hmac-Sha256": digest.hex()},
        "woocommerce": {"X-WC-Webhook-Signature": digest.hex()},
        "easypost": {"X-Hmac-Signature": f"hmac-sha256-hex={base64.b64encode(digest).decode()}"},
        "stripe": {
            "Stripe-Signature": f"t={stamp},v1="
            + base64.b64encode(mac(SECRET, f"{stamp}.".encode() + body)).decode()
        },
    }
    return swapped[host.scheme]


def flipped(host: Host, body: bytes) -> Mapping[str, str]:
    """One character of the digest is another."""
    name, text = value(signed(host.scheme, body, host.desk.clock.now))
    place = len(text) - 6
    return {name: text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]}


def of_others(host: Host, body: bytes) -> Mapping[str, str]:
    """The headers of all other schemes, each honest."""
    others = (scheme for scheme in SCHEMES if scheme != host.scheme)
    every = (signed(scheme, body, host.desk.clock.now).items() for scheme in others)
    own, _ = value(signed(host.scheme, body, host.desk.clock.now))
    return {name: text for headers in every for name, text in headers if name != own}


def in_anothers_form(host: Host, body: bytes) -> Mapping[str, str]:
    """What another scheme would write, in the header of this one."""
    own, _ = value(signed(host.scheme, body, host.desk.clock.now))
    other = "shopify" if host.scheme in {"stripe", "easypost"} else "stripe"
    return {own: value(signed(other, body, host.desk.clock.now))[1]}


Forged = Callable[[Host, bytes], Mapping[str, str]]


def own_header(host: Host, body: bytes, text: str) -> Mapping[str, str]:
    """Something else in the right header."""
    return {value(signed(host.scheme, body, host.desk.clock.now))[0]: text}


FORGED: Final[dict[str, Forged]] = {
    "64-bad": flipped,
    "64-missing": lambda _host, _body: {},
    "64-empty": lambda host, body: own_header(host, body, ""),
    "64-blank": lambda host, body: own_header(host, body, " "),
    "64-second-scheme": of_others,
    "64-second-form": in_anothers_form,
    "64-hex-for-base64": other_alphabet,
    "64-wrong-secret": lambda host, body: signed(host.scheme, body, host.desk.clock.now, "other"),
    "64-no-secret": lambda host, body: signed(host.scheme, body, host.desk.clock.now, ""),
    "64-signature-of-nothing": lambda host, _: signed(host.scheme, b"", host.desk.clock.now),
}
REWRITTEN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "65-parsed-and-written": lambda body: json.dumps(json.loads(body), indent=1).encode(),
    "65-sorted": lambda body: json.dumps(json.loads(body), sort_keys=True).encode(),
    "65-without-blanks": lambda body: json.dumps(json.loads(body), separators=(",", ":")).encode(),
    "65-with-a-newline": lambda body: body + b"\n",
    "65-with-a-mark": lambda body: b"\xef\xbb\xbf" + body,
    "65-as-text": lambda body: as_is(body.decode()),
    "65-as-a-view": lambda body: as_is(memoryview(body)),
    "65-as-an-object": lambda body: as_is(json.loads(body)),
}


def as_is(body: object) -> Any:  # noqa: ANN401 - it is bad on purpose
    """What a framework hands over instead of bytes."""
    return body


@pytest.mark.parametrize("row", FORGED)
def test_forged_row_is_refused(host: Host, row: str) -> None:
    """ABUSE 64: what is not signed as it should be is not believed; nothing of it is told."""
    body = message(host)
    headers = FORGED[row](host, body)
    refused(SignatureInvalidError, lambda: host.take(body, headers), store=host.desk.store)
    assert 0 == host.take(body).secret_index, "the honest one is taken still"


@pytest.mark.parametrize("row", REWRITTEN)
def test_rewritten_row_is_refused(host: Host, row: str) -> None:
    """ABUSE 65: only the raw bytes prove anything."""
    body = message(host)
    headers = signed(host.scheme, body, host.desk.clock.now)
    changed = REWRITTEN[row](body)
    refused(SignatureInvalidError, lambda: host.take(changed, headers), store=host.desk.store)


# --- 66: when, and how often ----------------------------------------------------------------------

AGES: Final = {
    "66-too-old": (timedelta(seconds=-301), WebhookExpiredError),
    "66-far-too-old": (timedelta(days=-400), WebhookExpiredError),
    "66-from-the-future": (timedelta(seconds=301), WebhookExpiredError),
}


@pytest.mark.parametrize("row", AGES)
def test_row_out_of_time_is_refused(desk: Desk, row: str) -> None:
    """ABUSE 66: a message with a time counts for 300 seconds to either side."""
    unknown_capture(desk)
    host = Host(desk, "stripe")
    desk.clock.now = desk.clock.now.replace(microsecond=0)
    off, kind = AGES[row]
    body = message(host)
    headers = signed("stripe", body, desk.clock.now + off)
    refused(kind, lambda: host.take(body, headers), store=desk.store)


@pytest.mark.parametrize("row", ["66-replay"])
def test_replayed_row_is_refused(host: Host, row: str) -> None:
    """ABUSE 66: a message is done once, however young it still is; a lost mark does no harm."""
    del row
    body = message(host)
    headers = signed(host.scheme, body, host.desk.clock.now)
    host.take(body, headers)
    refused(WebhookDuplicateError, lambda: host.take(body, headers), store=host.desk.store)
    forgetful = evolve(host, guard=MemoryReplayGuard())
    before = dump(host.desk.store)
    forgetful.take(body, headers)
    assert before == dump(host.desk.store), "its key answers as the first time"
    assert (0, 2000, 0, 0) == host.desk.moved()


# --- 67: in which order ---------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["67-paid-before-placed"])
def test_row_before_the_order_is_kept_by_its_sender(host: Host, row: str) -> None:
    """ABUSE 67: nobody knows the order yet: nothing is written, and the message is not taken."""
    del row
    body = message(host)
    refused(UnknownOrderError, lambda: host.take(body, order="o-2"), store=host.desk.store)
    host.desk.place("o-2", terms=BY_HAND)
    host.take(body, order="o-2")
    assert 1 == len(host.desk.facts(PaymentUnmatched, "o-2")), "it is of another order"
    assert 0 == balance(host.desk.load("o-2")).held.minor


def given_back(desk: Desk) -> None:
    """All was taken and given back, and the last answer was not heard."""
    terms = Terms(payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT), release_automatically=False)
    desk.place(terms=terms)
    desk.gateway.meet(Fate.LOST_ANSWER)
    desk.do(Cancel())


@pytest.mark.parametrize("named", [True, False], ids=["by-key", "by-reference"])
@pytest.mark.parametrize("order", [*permutations(range(3))], ids=lambda order: f"67-order-{order}")
def test_rows_in_any_order_end_alike(desk: Desk, order: tuple[int, ...], named: bool) -> None:
    """ABUSE 67: out of order, without a name, twice: parked or absorbed, never an illegal fact."""
    given_back(desk)
    heard = [one if named else evolve(one, key=None) for one in desk.books()]
    for number, place in enumerate((*order, *order)):
        desk.service.execute(OrderId("o-1"), heard[place], key=f"evt-{number}")
    desk.shop.rest(rounds=4)
    assert (0, 2000, 0, 2000) == desk.moved()
    sums = balance(desk.load()).totals
    assert (2000, 2000) == (sums.captured.minor, sums.refunded.minor)
    done = [fact.key for fact in desk.facts(OperationSucceeded)]
    assert len(set(done)) == len(done) == 3


@pytest.mark.parametrize("row", ["67-refunded-before-captured"])
def test_row_that_fits_nothing_makes_nobody_guess(desk: Desk, row: str) -> None:
    """ABUSE 67: what names nothing known is parked; the gateway is asked about what is open."""
    del row
    unknown_capture(desk)
    early = evolve(
        desk.told(Operation.CAPTURE),
        operation=Operation.REFUND,
        key=Key("nobody"),
        reference=Reference("re_early"),
    )
    desk.do(early)
    assert 1 == len(desk.facts(PaymentUnmatched))
    assert 0 == balance(desk.load()).totals.refunded.minor
    desk.clock.forward(timedelta(minutes=20))
    desk.work()
    assert 2000 == balance(desk.load()).totals.captured.minor
    assert (0, 2000, 0, 0) == desk.moved()


# --- 68: for whom ---------------------------------------------------------------------------------

MEANT: Final[dict[str, dict[str, object]]] = {
    "68-test-mode-in-live": {"livemode": False},
    "68-no-word-of-the-mode": {"livemode": None},
    "68-other-account": {"account": "acct_2"},
    "68-no-account": {"account": None},
}


@pytest.mark.parametrize("row", MEANT)
def test_row_for_somebody_else_is_refused(host: Host, row: str) -> None:
    """ABUSE 68: well signed, and meant for another shop or for its test system."""
    body = told(host.desk.told(Operation.CAPTURE), **MEANT[row])
    refused(TenantMismatchError, lambda: host.take(body), store=host.desk.store)


@pytest.mark.parametrize("row", ["68-other-order"])
def test_row_about_another_order_moves_nothing(host: Host, row: str) -> None:
    """ABUSE 68: another's payment, or another's key, is parked at this order and counts nothing."""
    del row
    host.desk.place("o-2", terms=BY_HAND)
    host.take(message(host), order="o-2")
    assert 1 == len(host.desk.facts(PaymentUnmatched, "o-2"))
    assert 0 == balance(host.desk.load("o-2")).totals.captured.minor


# --- 69: a secret is being replaced ---------------------------------------------------------------


@pytest.mark.parametrize("used", [0, 1], ids=["69-old-secret", "69-new-secret"])
def test_row_says_which_secret_it_was(host: Host, used: int) -> None:
    """ABUSE 69: either is accepted while both are valid; the timeline says which one it was."""
    body, turning = message(host), evolve(host, secrets=(SECRET, NEW))
    headers = signed(host.scheme, body, host.desk.clock.now, (SECRET, NEW)[used])
    assert used == turning.take(body, headers).secret_index
    reasons = [one.reason for one in host.desk.store.history(host.desk.load().stream)]
    assert f"signed with secret {used}" in reasons
    only_new = evolve(host, secrets=(NEW,), guard=MemoryReplayGuard())
    if used == 0:
        error: type[OrderCoreError] = SignatureInvalidError
        refused(error, lambda: only_new.take(body, headers), store=host.desk.store)
