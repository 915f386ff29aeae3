"""A table of rights says at once what is wrong with it, and a refusal what to do."""

from __future__ import annotations

import pytest

from ordercore.order import commands as oc
from ordercore.service.engine import SYSTEM
from ordercore.service.permissions import Grant, InvalidGrantError, Permissions

TABLE = Permissions(grants=(Grant(role="staff", command="AddNote"),))


@pytest.mark.parametrize(
    ("command", "hint"),
    [("Cancell", "did you mean 'Cancel'"), ("cancel", "did you mean 'Cancel'"), ("Qqq", "or '*'")],
)
def test_a_right_to_nothing_is_refused(command: str, hint: str) -> None:
    """A misspelt command would silently give no right."""
    with pytest.raises(InvalidGrantError, match=f"no request is called '{command}'") as caught:
        Grant(role="staff", command=command)
    assert hint in str(caught.value)


def test_a_right_of_one_actor_is_refused() -> None:
    """Rights belong to roles, the part before the colon: this one would match nobody."""
    with pytest.raises(InvalidGrantError, match="what stands before the colon"):
        Grant(role="clerk:ann", command="Cancel")


@pytest.mark.parametrize("command", ["Place", "Cancel", "ReceiveStock", "IssueValue", "*"])
def test_every_request_can_be_granted(command: str) -> None:
    """Of orders, of stock, of store value, or all."""
    assert command == Grant(role="staff", command=command).command


def test_who_forgets_who_asks_is_told_so() -> None:
    """Without `by` it is the system that asks."""
    assert "system may not Cancel; ask somebody who may, or say with by= who asks." == str(
        TABLE.refusal(SYSTEM, oc.Cancel)
    )
