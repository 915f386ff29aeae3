"""
What must hold between an order's parcels and the books of its carrier: one label for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ordercore.order.model import Order
from ordercore.testing._simulation_shop import Shop

__all__ = ["labels_bought_twice", "unknown_labels"]


def labels_bought_twice(shop: Shop) -> Iterator[str]:
    """A parcel that the carrier has booked more than once: each booking is paid."""
    if shop.terms.book_carrier:
        booked = Counter(
            (row.order, row.parcel) for row in shop.carrier.ledger() if not row.declined
        )
        yield from (f"{count} labels for {parcel}" for parcel, count in booked.items() if count > 1)


def unknown_labels(shop: Shop, order: Order) -> Iterator[str]:
    """A label that nobody put on its parcel, or a number that is of no label."""
    if shop.terms.book_carrier:
        bought = {
            (row.parcel, row.tracking_number)
            for row in shop.carrier.ledger()
            if row.order == order.id and not row.declined
        }
        known = {
            (parcel.id, parcel.tracking_number)
            for parcel in order.fulfilment.parcels.values()
            if parcel.tracking_number is not None
        }
        for parcel, number in sorted(bought ^ known):
            yield f"{number} of {parcel} is on one side only"
