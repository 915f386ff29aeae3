from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import ordercore
from ordercore.facts import Report, Request
from ordercore.payment import answers, store_value
from ordercore.ports import gateways, repositories, unit_of_work

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "where.md"
COMMANDS = ("order", "payment", "fulfilment", "inventory", "returns")


def imports(text: str) -> set[tuple[str, str]]:
    """Module and name of all that the Python blocks of a page import."""
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return {
        (node.module, alias.name)
        for block in blocks
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


def shown() -> set[tuple[str, str]]:
    """What the page shows."""
    return imports(PAGE.read_text(encoding="utf-8"))


def kinds(module: str, base: type) -> set[str]:
    """The public classes below *base* that a module defines."""
    found = importlib.import_module(module)
    return {
        name
        for name, value in vars(found).items()
        if inspect.isclass(value) and issubclass(value, base)
        if (module, name) == (value.__module__, value.__name__)
    }


def hidden(page: set[tuple[str, str]], module: str, wanted: set[str]) -> set[str]:
    """The names that the page shows neither in their module nor in the face."""
    return {name for name in wanted if not {(module, name), ("ordercore", name)}.intersection(page)}


@pytest.mark.parametrize(("module", "name"), sorted(shown()))
def test_each_name_is_offered_where_it_is_shown(module: str, name: str) -> None:
    """A name is in the ``__all__`` of the module that the page imports it from, or a module."""
    found = importlib.import_module(module)
    is_module = inspect.ismodule(getattr(found, name))
    assert is_module or name in vars(found)["__all__"]


@pytest.mark.parametrize("room", COMMANDS)
def test_each_request_and_report_is_shown(room: str) -> None:
    """Whoever looks for a command finds its import."""
    module = f"ordercore.{room}.commands"
    wanted = kinds(module, Request) | kinds(module, Report)
    assert wanted
    assert set() == hidden(shown(), module, wanted)


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        ("ordercore.payment.answers", set(answers.__all__)),
        ("ordercore.ports.gateways", set(gateways.__all__)),
        ("ordercore.ports.repositories", kinds(repositories.__name__, unit_of_work.UnitOfWork)),
        (
            store_value.__name__,
            kinds(store_value.__name__, Request) | kinds(store_value.__name__, Report),
        ),
        *(
            (f"ordercore.{room}.policy", kinds(f"ordercore.{room}.policy", object) - internal)
            for room, internal in (
                ("pricing", set[str]()),
                ("payment", set[str]()),
                ("refund", {"GoodsKept", "GoodsReturned"}),
                ("returns", {"Eligibility", "ReturnFacts"}),
            )
        ),
    ],
)
def test_each_answer_port_and_policy_is_shown(module: str, wanted: set[str]) -> None:
    """Whoever writes a gateway or terms finds the imports."""
    assert wanted
    assert set() == hidden(shown(), module, wanted)


def test_a_planted_gap_is_found() -> None:
    """A command that the page forgets is missed, and a block is read for what it imports."""
    page = imports("```python\nfrom ordercore.order.commands import (\n  Cancel, Place,\n)\n```\n")
    assert {("ordercore.order.commands", "Cancel"), ("ordercore.order.commands", "Place")} == page
    assert {"AddNote"} == hidden(page, "ordercore.order.commands", {"AddNote", "Cancel"})


def test_the_face_is_what_the_page_says() -> None:
    """The page imports from the face only what the face offers."""
    assert {name for module, name in shown() if module == "ordercore"} <= set(ordercore.__all__)
