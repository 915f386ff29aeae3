"""Fulfilments: what was sent, with which tracking numbers, in neutral words."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.codec.strict_json import Reader
from ordercore.fulfilment.model import ParcelStatus
from ordercore.fulfilment.tracking import CarrierMap
from ordercore.ids import LineId
from ordercore.integrations.people import plain
from ordercore.integrations.shopify._payload import objects

__all__ = ["SHIPMENT_STATUSES", "FulfilmentState", "Shipment", "ShippedLine", "read_fulfilments"]


@unique
class FulfilmentState(StrEnum):
    """How far a fulfilment is."""

    PENDING = "pending"
    DISPATCHED = "dispatched"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNKNOWN = "unknown"


STATES: Final = {
    "pending": FulfilmentState.PENDING,
    "open": FulfilmentState.PENDING,
    "success": FulfilmentState.DISPATCHED,
    "cancelled": FulfilmentState.CANCELLED,
    "error": FulfilmentState.FAILED,
    "failure": FulfilmentState.FAILED,
}

SHIPMENT_STATUSES: Final = CarrierMap(
    "shopify",
    {
        "label_printed": ParcelStatus.PACKED,
        "label_purchased": ParcelStatus.PACKED,
        "confirmed": ParcelStatus.DISPATCHED,
        "carrier_picked_up": ParcelStatus.DISPATCHED,
        "in_transit": ParcelStatus.IN_TRANSIT,
        "delayed": ParcelStatus.IN_TRANSIT,
        "out_for_delivery": ParcelStatus.OUT_FOR_DELIVERY,
        "attempted_delivery": ParcelStatus.FAILED_ATTEMPT,
        "ready_for_pickup": ParcelStatus.AVAILABLE_FOR_PICKUP,
        "delivered": ParcelStatus.DELIVERED,
    },
)
"""``failure`` is left out: it says that something went wrong, but not what."""


@frozen
class ShippedLine:
    """How many units of an order's line a fulfilment has."""

    line: LineId
    quantity: int


@frozen(kw_only=True)
class Shipment:
    """
    One fulfilment: what was sent, and how it can be followed.

    Tracking numbers and companies are free text that people type in: on one line, without control
    characters, never an identifier.
    """

    id: str
    order: str
    name: str
    state: FulfilmentState
    raw_state: str
    parcel: ParcelStatus | None
    """Where the parcel is; ``None`` when Shopify does not say."""
    raw_parcel: str | None
    lines: tuple[ShippedLine, ...]
    tracking_company: str
    tracking_numbers: tuple[str, ...]
    tracking_urls: tuple[str, ...]
    location: str | None
    created_at: datetime
    updated_at: datetime | None


def read_fulfilments(raw: bytes | str) -> tuple[Shipment, ...]:
    """
    The fulfilments of a response: ``{"fulfillment": {…}}`` or ``{"fulfillments": […]}``.

    An order's own list is read too, from ``{"order": {"fulfillments": […]}}``.

    Raises:
        PayloadError: A payload of another shape.

    Source:
        RULES X-1, F-5; Shopify REST Admin API 2024-01, Fulfillment.
    """
    return tuple(_shipment(owner) for owner in objects(raw, "fulfillment", "fulfillments"))


def _shipment(owner: Reader) -> Shipment:
    raw_state = owner.text("status", longest=100)
    raw_parcel = owner.optional_text("shipment_status", longest=100)
    return Shipment(
        id=owner.identifier("id"),
        order=owner.identifier("order_id"),
        name=plain(owner.optional_text("name")),
        state=STATES.get(raw_state, FulfilmentState.UNKNOWN),
        raw_state=raw_state,
        parcel=None if raw_parcel is None else SHIPMENT_STATUSES.status(raw_parcel),
        raw_parcel=raw_parcel,
        lines=tuple(
            ShippedLine(LineId(line.identifier("id")), line.integer("quantity"))
            for line in owner.items("line_items")
        ),
        tracking_company=plain(owner.optional_text("tracking_company")),
        tracking_numbers=_texts(owner, "tracking_number"),
        tracking_urls=_texts(owner, "tracking_url"),
        location=owner.optional_identifier("location_id"),
        created_at=owner.instant("created_at"),
        updated_at=owner.optional_instant("updated_at"),
    )


def _texts(owner: Reader, name: str) -> tuple[str, ...]:
    """The texts of a field and of its plural, each once."""
    single = owner.optional_text(name)
    texts = (*owner.optional_texts(f"{name}s", most=1_000), *([single] if single else []))
    cleaned = (plain(text, longest=2_000) for text in texts)
    return tuple(dict.fromkeys(text for text in cleaned if text))
