"""
Steps: what the payer, the bank, the gateway and the passing of time do to a simulated order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ordercore.facts import Request
from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import Reference
from ordercore.money import EUR, Money
from ordercore.payment.commands import RetryPayment
from ordercore.payment.model import DisputeStatus, Operation
from ordercore.service.requests import payment_call
from ordercore.testing._simulation_shop import ORDER
from ordercore.testing._simulation_steps import CARD, PARCEL, place
from ordercore.testing._simulation_world import Step, World
from ordercore.testing.sandbox import EntryState, Fate, LedgerEntry, UnknownToSandboxError

__all__ = [
    "arrive",
    "dispatch_at_the_last_minute",
    "dispute",
    "dispute_what_is_captured",
    "overturn",
    "pay_with_another_card",
    "place_late",
    "place_lost",
    "place_refused",
    "place_unheard",
    "take_back",
    "wait",
    "wait_until_it_fades",
]

DISPUTE: Final = Reference("dispute-a")
NOTHING: Final = Reference("nothing")
WEEK: Final = timedelta(days=8)
FADING: Final = timedelta(days=5, hours=12)
LAST_MINUTES: Final = timedelta(minutes=3)

# --- calls that go wrong ------------------------------------------------------------------------


def place_unheard(world: World) -> Request:
    """The gateway does what it is asked first, and nobody hears of it."""
    world.gateway.meet(Fate.LOST_ANSWER)
    return place(world)


def place_late(world: World) -> Request:
    """The call reaches the gateway when nobody waits for its answer any more."""
    world.gateway.meet(Fate.LATE_CALL)
    return place(world)


def place_lost(world: World) -> Request:
    """The call is lost on its way, and `arrive` may find it again."""
    world.gateway.meet(Fate.LOST_CALL)
    return place(world)


def arrive(world: World) -> None:
    """What was lost arrives after all, when everybody had given it up."""
    first = next(iter(world.order().payment.operations), None)
    if first is not None:
        world.gateway.arrive(payment_call(world.order(), first))


# --- declines -----------------------------------------------------------------------------------


def place_refused(world: World) -> Request:
    """The card is declined, now and each time."""
    world.gateway.refuse(CARD.id)
    return place(world)


def pay_with_another_card(world: World) -> Request:
    """The client has another card, which is good."""
    world.gateway.accept(CARD.id)
    return RetryPayment(tender=CARD.id, instrument="another")


def overturn(world: World) -> None:
    """What was declined first has happened all the same: the bank is sorry."""
    rows = world.gateway.ledger(ORDER)
    declined = [row.key for row in rows if row.state is EntryState.DECLINED]
    for key in declined[:1]:
        world.gateway.overturn(key)


# --- what the bank does with what was captured --------------------------------------------------


def _captures(world: World) -> list[LedgerEntry]:
    """What the gateway has taken."""
    return [
        row
        for row in world.gateway.ledger()
        if row.operation is Operation.CAPTURE and row.state is EntryState.SUCCEEDED
    ]


def dispute(status: DisputeStatus) -> Step:
    """The payer's bank decides; the shop is told, or has to live without."""

    def happen(world: World) -> None:
        for row in _captures(world)[:1]:
            world.gateway.dispute(
                row.reference, reference=DISPUTE, status=status, amount=Money(1000, EUR)
            )

    return happen


def dispute_what_is_captured(status: DisputeStatus) -> Step:
    """The same; it waits until something was captured."""

    def happen(world: World) -> None:
        if not _captures(world):
            raise UnknownToSandboxError(NOTHING)
        dispute(status)(world)

    return happen


def take_back(world: World) -> None:
    """A capture that had succeeded fails: the bank returns it."""
    for row in _captures(world)[:1]:
        world.gateway.fail(row.reference)


# --- time ---------------------------------------------------------------------------------------


def dispatch_at_the_last_minute(world: World) -> Request:
    """The parcel goes just before what was set aside for it ends."""
    ends = [found.expires_at for found in world.order().payment.authorisations()]
    last = max((end for end in ends if end is not None), default=world.now)
    world.now = max(world.now, last - LAST_MINUTES)
    return Dispatch(parcel=PARCEL)


def wait_until_it_fades(world: World) -> None:
    """So long that an authorisation is soon over, by the terms, and the worker sees it."""
    world.now += FADING


def wait(world: World) -> None:
    """Longer than an authorisation lasts, and than an order may stay unconfirmed."""
    world.now += WEEK
