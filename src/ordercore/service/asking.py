"""How an engine asks the pure core: each time anew, or by somebody who remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

__all__ = ["Ask", "plainly"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Ask(Protocol):
    """
    A function of the pure core and what it is asked about in, its answer out.

    The answer depends on nothing else, so that who asks the same often may remember it: the
    simulation does.
    """

    def __call__(
        self, question: Callable[_P, _T], /, *about: _P.args, **further: _P.kwargs
    ) -> _T: ...


def plainly(question: Callable[_P, _T], /, *about: _P.args, **further: _P.kwargs) -> _T:
    """
    Ask each time anew.

    >>> plainly(max, 1, 2)
    2
    """
    return question(*about, **further)
