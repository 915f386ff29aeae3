from __future__ import annotations

import importlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TypeAlias, cast

import ordercore
from ordercore.machine import Conditions, StateMachine

Table: TypeAlias = StateMachine[StrEnum, object] | Conditions[StrEnum, object]

SOURCE = Path(ordercore.__file__).parent
NO_MACHINE = {
    "EntryState": "a book of the sandbox, which stands for a foreign system",
    "FulfilmentState": "a word of Shopify's",
    "TransactionStatus": "a word of Shopify's",
}
"""Enumerations that are called so, with the reason why no table moves them."""


def modules() -> Iterator[ModuleType]:
    """Every module that needs no extra."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        if "sqlalchemy" not in name and "strategies" not in name:
            yield importlib.import_module(name.removesuffix(".__init__"))


def tables_of(module: ModuleType) -> Iterator[tuple[str, Table]]:
    """The machines and conditions of one module, with their names."""
    for name, value in vars(module).items():
        if isinstance(value, StateMachine | Conditions):
            yield name, cast("Table", value)


def tables() -> dict[type[StrEnum], Table]:
    """Every machine and every list of conditions, by its states."""
    return {table.states: table for module in modules() for _, table in tables_of(module)}


def called_status(names: Iterator[ModuleType]) -> set[type[StrEnum]]:
    """The enumerations whose name says that something can be in one of them."""
    return {
        value
        for module in names
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, StrEnum)
        and name.endswith(("Status", "State"))
    }


def test_every_status_is_a_table() -> None:
    """Whatever is in a status is moved by a machine, or read off by conditions."""
    without = {kind.__name__ for kind in called_status(modules()) - {*tables()}}
    assert {*NO_MACHINE} == without


def test_every_table_is_drawn() -> None:
    """The page of the machines is made of public names, so that none is left out of it."""
    public = {
        table.states
        for module in modules()
        if "._" not in module.__name__
        for name, table in tables_of(module)
        if not name.startswith("_")
    }
    assert {*tables()} == public
    for table in tables().values():
        assert table.to_table().startswith("| ")
