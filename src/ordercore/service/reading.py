"""An order as it is read back: folded from what is stored, and of the stream that was asked for."""

from __future__ import annotations

from ordercore.ids import StreamId
from ordercore.order.decide import replay
from ordercore.order.model import Order
from ordercore.ports.repositories import StoredStream
from ordercore.ports.unit_of_work import CorruptStreamError

__all__ = ["order_in"]


def order_in(stored: StoredStream, stream: StreamId) -> Order:
    """
    The order of a stream: its snapshot, and the facts since.

    Raises:
        CorruptStreamError: The facts do not follow from each other, or are of another order.
    """
    order = replay(stored.tail, stored.snapshot)
    if order.stream != stream:
        raise CorruptStreamError(stream, order.version, "its facts are of another order")
    return order
