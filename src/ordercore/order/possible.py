"""
What may be asked of an order now: for each kind of request whether any of it would be accepted.

First the status, the holds and the host's stage are asked (`ordercore.order.guards`): they refuse
a kind whatever it says. Then `decide` itself is asked about requests that name what the order
really has. So a *yes* was tried, and a *no* gives the reason of the rule that refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Final

from attrs import define

from ordercore.errors import ConflictError, InvalidValueError, NotFoundError, RefusedError
from ordercore.facts import Request
from ordercore.moment import utc
from ordercore.order._witnesses import WITNESSES
from ordercore.order.decide import decide
from ordercore.order.guards import REQUESTS, refusal
from ordercore.order.model import Order, checked_order

__all__ = ["NothingThereError", "allowed"]

MOST_TRIED: Final = 100
"""How many requests of one kind are tried before the first refusal is the answer."""


@define
class NothingThereError(RefusedError):
    """The order has nothing that a request of this kind could be about."""

    sentence = "{command} is not possible: there is no {what} for it."
    command: str
    what: str


def allowed(order: Order, now: datetime) -> Mapping[type[Request], RefusedError | None]:
    """
    Per kind of request, why it would be refused now; None where some request of it is accepted.

    A kind of which an order has more than `MOST_TRIED` things, and of which the likeliest are all
    refused, counts as refused.

    Raises:
        NaiveDatetimeError: *now* has no time zone.
        NotAnOrderError: It is no order.

    Source:
        RULES O-2.
    """
    at = utc(now)
    checked_order(order)
    return {kind: refusal(order, kind) or _tried(order, kind, at) for kind in REQUESTS}


def _tried(order: Order, kind: type[Request], now: datetime) -> RefusedError | None:
    """None when one of the witnesses adds facts; else why the first of them does not."""
    what, witnesses = WITNESSES[kind]
    why: RefusedError | None = None
    for request in islice(witnesses(order, now), MOST_TRIED):
        try:
            if decide(order, request, now):
                return None
        except RefusedError as error:
            why = why or error
        except (NotFoundError, ConflictError, InvalidValueError):
            continue
    return why or NothingThereError(kind.__name__, what)
