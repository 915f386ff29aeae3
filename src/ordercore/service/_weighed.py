"""A command whose amount only the order knows: weighed against the limits before it is served."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.facts import Report, Request
from ordercore.ids import Actor, StreamId
from ordercore.money import Money, sum_money
from ordercore.order.decide import decide
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.service.effects import Now
from ordercore.service.engine import Engine, Receipt
from ordercore.service.permissions import Permissions
from ordercore.service.turn import Intention

__all__ = ["serve"]


async def serve(
    engine: Engine,
    permissions: Permissions,
    stream: StreamId,
    command: Request | Report,
    *,
    intention: Intention,
    approved_by: Actor | None,
) -> Receipt:
    """
    Check the rights of a request, then serve it.

    What was weighed is what is carried out: where another request came between, it is refused.

    Raises:
        NotPermittedError, ApprovalNeededError, VersionConflictError: Nothing was written.
    """
    if isinstance(command, Request):
        amount: Money | None = None
        if permissions.weighs(intention.by, command):
            order = await engine.load(stream)
            amount = let_go(order, command, await Now())
            if intention.expected_version is None:
                intention = evolve(intention, expected_version=order.version)
        permissions.check(intention.by, command, approved_by=approved_by, amount=amount)
    return await engine.execute(stream, command, intention)


def let_go(order: Order, command: Request, now: datetime) -> Money | None:
    """
    What a request would credit, with tax: the units, reductions and charges that it takes away.

    None where that is nothing, and where the order refuses it: then the order says why.
    """
    try:
        after = replay(decide(order, command, now), order)
    except OrderCoreError:
        return None
    new = after.credits[len(order.credits) :]
    amount = sum_money((credit.amount for credit in new), order.priced.currency)
    return amount if amount.is_positive else None
