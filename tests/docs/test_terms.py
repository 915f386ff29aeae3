from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Final

import attrs
import pytest

from ordercore.moment import Period
from ordercore.order.terms import Stage, Terms
from ordercore.payment.model import Tender
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.pricing.discounts import AmountOff, FixedPrice, OrderDiscount, PercentOff
from ordercore.pricing.draft import Charge, Draft, DraftLine, KitComponent, QuantityRule
from ordercore.pricing.policy import PricingPolicy
from ordercore.pricing.values import Tax
from ordercore.refund.policy import RefundPolicy
from ordercore.returns.policy import ReturnPolicy

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "terms.md"
CLASSES: Final[dict[str, type[attrs.AttrsInstance]]] = {
    each.__name__: each
    for each in (
        Terms,
        PaymentPolicy,
        Capabilities,
        RefundPolicy,
        ReturnPolicy,
        Stage,
        Draft,
        PricingPolicy,
        QuantityRule,
        DraftLine,
        KitComponent,
        Charge,
        Tax,
        PercentOff,
        AmountOff,
        FixedPrice,
        OrderDiscount,
        Tender,
    )
}
UNITS: Final = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def counted(count: int, unit: str) -> str:
    """So many days, hours or whatever; one of them without its ending."""
    return f"{count} {unit}" if count != 1 else f"1 {unit.removesuffix('s')}"


def told(seconds: int) -> str:
    """A duration in its largest whole unit."""
    unit = next(unit for unit, size in UNITS.items() if seconds % size == 0)
    return counted(seconds // UNITS[unit], unit)


def shown(value: object) -> str:
    """A default as a reader understands it."""
    match value:
        case "":
            return "empty"
        case timedelta():
            return told(int(value.total_seconds())) if value else "0"
        case Period():
            fields = attrs.asdict(value)
            return ", ".join(counted(count, unit) for unit, count in fields.items() if count)
        case tuple() | frozenset() | dict():
            parts: list[object] = [*value]
            few = ", ".join(map(shown, parts)) or "none"
            return few if len(parts) < 4 else f"{len(parts)} of them"
        case bool() | None:
            return f"`{value}`"
        case Enum():
            return f"`{value.name}`"
        case _ if attrs.has(type(value)):
            return f"`{type(value).__name__}(…)`"
        case _:
            return f"`{value}`"


def defaults(kind: type[attrs.AttrsInstance]) -> dict[str, str]:
    """The fields of a class, each with its default."""
    found: dict[str, str] = {}
    for each in attrs.fields(kind):
        default: object = each.default
        factory: Callable[[], object] | None = getattr(default, "factory", None)
        if default is attrs.NOTHING:
            found[each.name] = "must be given"
        else:
            found[each.name] = shown(default if factory is None else factory())
    return found


def tables(text: str) -> dict[str, dict[str, str]]:
    """Field and default of each row, by the class that the section's title ends with."""
    found: dict[str, dict[str, str]] = {}
    for section in text.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        name = next(word for word in re.findall(r"\w+", title)[::-1] if word in CLASSES)
        found[name] = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| ", section, re.MULTILINE))
    return found


@pytest.mark.parametrize("name", CLASSES)
def test_each_field_is_told_with_its_default(name: str) -> None:
    """The page has one row for each field, in order, with the default that the code has."""
    assert list(defaults(CLASSES[name]).items()) == list(
        tables(PAGE.read_text(encoding="utf-8"))[name].items()
    )


def test_a_planted_change_is_found() -> None:
    """Another default, or a field that the page does not have, is a difference."""
    row = "# X\n\n## Stage\n\n| field | default | effect |\n| `inside` | `True` | it |\n"
    (table,) = tables(row).values()
    assert {"inside": "`True`"} == table
    assert "must be given" == defaults(Stage)["inside"]
