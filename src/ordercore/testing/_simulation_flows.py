"""
Flows: lives of an order, and what each comes to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve

from ordercore.ids import HoldKind
from ordercore.inventory.reserve import BackorderRule
from ordercore.order.terms import Terms
from ordercore.payment.model import DisputeStatus
from ordercore.payment.policy import CaptureWhen
from ordercore.testing import _simulation_bank as bank
from ordercore.testing import _simulation_steps as do
from ordercore.testing._simulation_steps import SECOND
from ordercore.testing._simulation_world import Elsewhere, Flow

__all__ = ["FLOWS", "NAMED"]

# --- terms --------------------------------------------------------------------------------------


def _at_placement(terms: Terms) -> Terms:
    return evolve(terms, payment=evolve(terms.payment, capture=CaptureWhen.PLACEMENT))


def _by_hand_only(terms: Terms) -> Terms:
    return evolve(terms, payment=evolve(terms.payment, capture=CaptureWhen.MANUAL))


def _once(terms: Terms) -> Terms:
    """The gateway captures once for each authorisation."""
    return evolve(terms, capabilities=evolve(terms.capabilities, multiple_capture=False))


def _once_for_all(terms: Terms) -> Terms:
    return _once(evolve(terms, payment=evolve(terms.payment, capture_whole=True)))


def _at_placement_unreleased(terms: Terms) -> Terms:
    return _at_placement(_by_hand(terms))


def _twice_more(terms: Terms) -> Terms:
    """What is declined is tried twice more: a void that is lost twice is not given up, either."""
    return evolve(terms, payment=evolve(terms.payment, soft_retries=2))


def _retried_in_days(terms: Terms) -> Terms:
    """So that the client is asked for another card before what is declined is tried again."""
    return evolve(terms, payment=evolve(terms.payment, soft_retry_after=timedelta(days=3)))


def _never_resent(terms: Terms) -> Terms:
    """Who asks what became of a call may not send it again, even by a clock that is behind."""
    return evolve(terms, payment=evolve(terms.payment, send_window=timedelta(minutes=3)))


def _voiding(terms: Terms) -> Terms:
    """The gateway lets go of a part of what it has set aside."""
    able = evolve(terms.capabilities, partial_void=True)
    return evolve(terms, release_automatically=False, capabilities=able)


def _queueing(terms: Terms) -> Terms:
    return evolve(terms, backorder=BackorderRule.ALLOW)


def _raising(terms: Terms) -> Terms:
    return evolve(terms, capabilities=evolve(terms.capabilities, incremental=True))


def _extending(terms: Terms) -> Terms:
    terms = evolve(terms, capabilities=evolve(terms.capabilities, extend=True))
    return evolve(terms, payment=evolve(terms.payment, renew_before=timedelta(days=2)))


def _by_hand(terms: Terms) -> Terms:
    return evolve(terms, release_automatically=False)


def _booked(terms: Terms) -> Terms:
    return evolve(terms, book_carrier=True)


def _reviewed(terms: Terms) -> Terms:
    return evolve(terms, holds_at_placement=(HoldKind("review"),))


# --- flows --------------------------------------------------------------------------------------

_PACKED: Final = (do.place, do.pick, do.packing(2))
_SENT: Final = (*_PACKED, do.dispatch)
_ONE_SENT: Final = (do.place, do.pick_one, do.packing(1), do.dispatch)

_TWO_PARCELS: Final = (
    do.place,
    do.packing(1),
    do.dispatch,
    do.packing(1, parcel=SECOND),
    do.dispatching(SECOND),
)
_EXCHANGED: Final = (
    do.place,
    do.packing(2),
    do.dispatch,
    do.ask_exchange,
    do.approve_exchange,
    do.receive,
    do.inspect,
    do.exchange,
)
_DISPUTED: Final = (
    do.place,
    bank.dispute_what_is_captured(DisputeStatus.OPENED),
    do.cancel_one,
)

FLOWS: Final = (
    Flow(name="place", steps=(do.place,), live=2000),
    Flow(name="place, dispatch, capture", steps=_SENT, captured=2000),
    Flow(name="two parcels", steps=_TWO_PARCELS, captured=2000),
    Flow(name="two parcels, one capture each", steps=_TWO_PARCELS, captured=2000, terms=_once),
    Flow(name="two parcels, one capture", steps=_TWO_PARCELS, captured=2000, terms=_once_for_all),
    Flow(
        name="capture by hand",
        steps=(do.place, do.capture, do.capture_what_is_left, do.capture_what_is_left),
        captured=2000,
        terms=_by_hand_only,
    ),
    Flow(name="void by hand", steps=(do.place, do.let_go)),
    Flow(
        name="backorder",
        steps=(do.sell_out, do.place, do.goods_arrive, do.pick),
        live=2000,
        terms=_queueing,
        others=do.goods_arrive,
    ),
    Flow(
        name="backorder, looked at before",
        steps=(do.sell_out, do.place, do.stumble, do.goods_arrive, do.pick),
        live=2000,
        terms=_queueing,
        others=do.goods_arrive,
    ),
    Flow(
        name="amend up, undone",
        steps=(do.place, do.propose_more, do.confirm_change, do.undo_change),
        live=2000,
        terms=_voiding,
    ),
    Flow(name="split", steps=(do.place, do.split), live=3000, terms=_by_hand),
    Flow(name="exchange", steps=_EXCHANGED, live=500, captured=2000),
    Flow(
        name="exchange, cancelled",
        steps=(
            *_EXCHANGED,
            Elsewhere(do.OTHER, do.cancel),
            Elsewhere(do.OTHER, do.agree_other),
        ),
        captured=2000,
        refunded=1000,
    ),
    Flow(
        name="book a carrier",
        steps=(do.place, do.packing(2, carrier="post"), do.dispatch),
        captured=2000,
        terms=_booked,
    ),
    Flow(name="capture at placement", steps=(do.place,), captured=2000, terms=_at_placement),
    Flow(name="cancel at once", steps=(do.place, do.cancel, do.agree)),
    Flow(name="cancel what is picked", steps=(do.place, do.pick, do.cancel, do.agree)),
    Flow(name="cancel what is packed", steps=(*_PACKED, do.unpack, do.cancel, do.agree)),
    Flow(name="cancel the rest", steps=(*_ONE_SENT, do.cancel, do.agree), captured=1000),
    Flow(name="cancel one unit", steps=(do.place, do.cancel_one, do.agree), live=2000),
    Flow(
        name="cancel what is captured",
        steps=(do.place, do.cancel, do.agree),
        captured=2000,
        refunded=2000,
        terms=_at_placement,
    ),
    Flow(name="amend up", steps=(do.place, do.propose_more, do.confirm_change), live=2500),
    Flow(
        name="amend up, increased",
        steps=(do.place, do.propose_more, do.confirm_change),
        live=2500,
        terms=_raising,
    ),
    Flow(
        name="amend down",
        steps=(do.place, do.propose_less, do.confirm_change),
        live=2000,
        terms=_by_hand,
    ),
    Flow(
        name="return and refund",
        steps=(*_SENT, do.receive, do.inspect, do.refund),
        captured=2000,
        refunded=1000,
    ),
    Flow(name="goodwill", steps=(*_SENT, do.refund), captured=2000, refunded=1000),
    Flow(
        name="dispute lost",
        steps=(*_SENT, bank.dispute(DisputeStatus.OPENED), bank.dispute(DisputeStatus.LOST)),
        captured=2000,
        must_hear=True,
    ),
    Flow(
        name="dispute won",
        steps=(*_SENT, bank.dispute(DisputeStatus.OPENED), bank.dispute(DisputeStatus.WON)),
        captured=2000,
        must_hear=True,
    ),
    Flow(
        name="cancelled in a dispute that is lost",
        steps=(*_DISPUTED, bank.dispute_what_is_captured(DisputeStatus.LOST)),
        captured=2000,
        terms=_at_placement_unreleased,
        must_hear=True,
    ),
    Flow(
        name="cancelled in a dispute that is won",
        steps=(*_DISPUTED, bank.dispute_what_is_captured(DisputeStatus.WON)),
        captured=2000,
        refunded=1000,
        terms=_at_placement_unreleased,
        must_hear=True,
    ),
    Flow(
        name="declined, another card, and not declined after all",
        steps=(bank.place_refused, bank.pay_with_another_card, bank.overturn),
        live=2000,
        terms=_retried_in_days,
        must_hear=True,
    ),
    Flow(
        name="declined, cancelled, and not declined after all",
        steps=(bank.place_refused, do.cancel, bank.overturn),
        terms=_twice_more,
        must_hear=True,
    ),
    Flow(
        name="never arrived, and arrives after all",
        steps=(bank.place_lost, bank.arrive),
        live=2000,
        terms=_never_resent,
        must_hear=True,
    ),
    Flow(
        name="captured at the last minute",
        steps=(do.place, do.packing(2), bank.dispatch_at_the_last_minute),
        captured=2000,
    ),
    Flow(
        name="capture taken back",
        steps=(*_SENT, bank.take_back),
        captured=2000,
        must_hear=True,
    ),
    Flow(name="expire", steps=(do.place, bank.wait), terms=_reviewed),
    Flow(name="authorise anew", steps=(*_PACKED, bank.wait, do.dispatch), captured=2000),
    Flow(
        name="fading, extended",
        steps=(*_PACKED, bank.wait_until_it_fades, bank.wait_until_it_fades, do.dispatch),
        captured=2000,
        terms=_extending,
    ),
    Flow(name="in doubt", steps=(bank.place_unheard,), live=2000),
    Flow(name="late", steps=(bank.place_late,), live=2000),
    Flow(
        name="store value with card",
        steps=(do.issue, do.place_with_value),
        captured=700,
        live=1300,
    ),
    Flow(
        name="store value with card, cancelled",
        steps=(do.issue, do.place_with_value, do.cancel, do.agree),
        captured=700,
        refunded=700,
    ),
    Flow(
        name="store value with card, refunded",
        steps=(do.issue, do.place_with_value, do.pick, do.packing(2), do.dispatch, do.refund),
        captured=2000,
        refunded=1000,
    ),
    Flow(name="gift card with card", steps=(do.place_with_gift_card,), captured=700, live=1300),
    Flow(
        name="gift card with card, cancelled",
        steps=(do.place_with_gift_card, do.cancel, do.agree),
        captured=700,
        refunded=700,
    ),
    Flow(
        name="gift card with card, refunded",
        steps=(do.place_with_gift_card, do.pick, do.packing(2), do.dispatch, do.refund),
        captured=2000,
        refunded=1000,
    ),
)
NAMED: Final = {flow.name: flow for flow in FLOWS}
