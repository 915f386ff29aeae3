"""
The law of shares: what is owed and covered is taken in the end, and nothing else stays set aside.

Over orders with up to four tenders, which come and go, are declined and grow, while goods leave in
parts and units are cancelled (RULES PAY-1, PAY-3, PAY-4).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import RefusedError
from ordercore.ids import Reference, TenderId
from ordercore.money import EUR
from ordercore.payment.answers import Answer
from ordercore.payment.balance import shares, totals
from ordercore.payment.commands import AddTender, RecordPayment, VoidAuthorisation
from ordercore.payment.model import Intent, Operation, Tender, TenderKind
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import (
    Fate,
    Gateway,
    Shop,
    Wishes,
    euro,
    law_of_the_purse,
    uses,
    with_wishes,
)

KINDS = {
    "card": TenderKind.CARD,
    "gift": TenderKind.GIFT_CARD,
    "points": TenderKind.POINTS,
    "bank": TenderKind.BANK_TRANSFER,
}
Part = tuple[str, int | None]
Step = tuple[str, int]


@define
class Till(Gateway):
    """A gateway that declines authorisations only, for now."""

    def call(self, intent: Intent, fate: Fate, now: datetime) -> Answer:
        """What is set aside is given."""
        is_new = intent.operation is Operation.AUTHORISE
        return Gateway.call(
            self, intent, fate if is_new or fate is not Fate.DECLINED else FINE, now
        )


FINE = Fate.FINE


def tender_of(number: int, part: Part) -> Tender:
    """A tender of a kind, with a fixed amount or for the rest."""
    kind, minor = part
    amount = None if minor is None else euro(minor)
    return Tender(id=TenderId(f"{kind}-{number}"), kind=KINDS[kind], amount=amount)


def shop_of(parts: Iterable[Part], can: Capabilities, *, renews: bool = False) -> Shop:
    """An order of 40.00, which these are to pay."""
    tenders = tuple(tender_of(number, part) for number, part in enumerate(parts))
    return Shop(
        state=PaymentState(tenders=tenders),
        capabilities=can,
        gateway=Till(),
        wishes=Wishes(owed=4_000),
        policy=PaymentPolicy(renew_before=timedelta(days=2 if renews else 0)),
    )


def do(shop: Shop, step: Step) -> None:
    """One thing that happens to the order."""
    kind, minor = step
    old = shop.wishes
    match kind:
        case "cancel":
            with_wishes(shop, owed=max(old.claimable, old.owed - minor))
        case "amend":
            with_wishes(shop, owed=old.owed + minor)
        case "send":
            with_wishes(shop, claimable=min(old.owed, old.claimable + minor))
        case "pay" | "let go":
            by_hand(shop, kind, minor)
        case "wait":
            shop.wait(minor * 6)
        case _:
            added = tender_of(len(shop.state.tenders), (kind, minor))
            shop.tell(AddTender(tender=added))


def by_hand(shop: Shop, kind: str, minor: int) -> None:
    """Money comes in outside, or a person lets go of what a tender has set aside."""
    tenders = shop.state.tenders
    if kind == "let go":
        with suppress(RefusedError):
            shop.tell(VoidAuthorisation(tender=tenders[minor % len(tenders)].id))
        return
    for one in [tender for tender in tenders if not tender.uses_gateway][:1]:
        name = Reference(f"transfer-{len(shop.history)}")
        shop.tell(RecordPayment(tender=one.id, amount=euro(minor), reference=name))


def law_of_shares(
    parts: Iterable[Part], steps: Iterable[tuple[Step, list[Fate]]], shop: Shop | None = None
) -> None:
    """
    Once all has left and all is at rest, what was covered is taken, and nothing stays set aside.

    The law itself judges every intent as it is recorded: `law_of_intents`, `law_of_voids`.
    """
    shop = shop or shop_of(parts, Capabilities())
    shop.work()
    for step, fates in steps:
        do(shop, step)
        shop.step()
        shop.step(fates)
        law_of_the_plan(shop)
        shop.work(fates)
        law_of_the_plan(shop)
        law_of_the_purse(shop)
    with_wishes(shop, claimable=shop.wishes.owed, sent=True)
    shop.settle(40)
    sums = totals(shop.state, EUR)
    missing = shop.wishes.owed - sums.taken.minor
    assert missing <= 0 or sums.authorised == euro(0), "owed, and covered, and not taken"
    assert missing > 0 or sums.authorised == euro(0), "set aside for nothing"
    assert sums.captures_in_flight == sums.refunds_in_flight == euro(0)
    law_of_authorisations(shop)
    law_of_the_purse(shop)


def law_of_authorisations(shop: Shop) -> None:
    """Of no authorisation more was taken and let go than it was, at the gateway itself."""
    for key, (told, _) in shop.gateway.done.items():
        if told.operation is Operation.AUTHORISE:
            used = sum(other.amount.minor for other in shop.gateway.about(key) if uses(other))
            assert used <= shop.gateway.granted(key)


def law_of_the_plan(shop: Shop) -> None:
    """The shares never add up to more than is owed, and what was brought is not asked elsewhere."""
    owed, book = shop.wishes.owed, shop.state.book
    found = shares(shop.state, euro(owed))
    brought = sum(max(0, book.of(one).brought - book.of(one).refunds_in_flight) for one in found)
    standing = book.total.authorised + book.total.authorisations_in_flight
    assert min(owed, brought + standing) <= sum(found.values()) <= owed
    assert all(minor >= 0 for minor in found.values())


card_parts = st.tuples(st.just("card"), st.one_of(st.none(), st.integers(1, 3_000)))
fixed = st.tuples(st.sampled_from(["card", "gift", "points", "bank"]), st.integers(1, 2_500))
tender_sets = st.lists(st.one_of(card_parts, fixed), min_size=1, max_size=3)
KINDS_OF_STEPS = ["cancel", "amend", "send", "pay", "let go", "wait", "gift", "card"]
all_steps = st.lists(
    st.tuples(
        st.tuples(st.sampled_from(KINDS_OF_STEPS), st.integers(1, 2_500)),
        st.lists(
            st.sampled_from([Fate.FINE, Fate.DECLINED, Fate.LOST_ANSWER, Fate.LATE]), max_size=3
        ),
    ),
    max_size=7,
)
able = st.builds(
    Capabilities,
    partial_void=st.booleans(),
    multiple_capture=st.booleans(),
    partial_capture=st.sampled_from([True, True, False]),
    incremental=st.booleans(),
    extend=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(parts=tender_sets, steps=all_steps, can=able, renews=st.booleans())
def test_what_is_covered_is_taken_in_the_end(
    parts: list[Part], steps: list[tuple[Step, list[Fate]]], can: Capabilities, *, renews: bool
) -> None:
    """PAY-4: nothing owed and covered stays uncaptured, no surplus stays live, no void harms."""
    law_of_shares(parts, steps, shop_of(parts, can, renews=renews))
