"""
Old stored forms made new, one step at a time.

An event's stored form is never changed. When its class changes, its version here goes up by one
and a step says how the data of the version before becomes the data of the next. `Upcasters` checks
when it is made that no step is missing, so a release cannot forget an old version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from attrs import define, field, frozen

from ordercore.codec._leaves import Json
from ordercore.errors import BrokenContractError

__all__ = ["STEPS", "VERSIONS", "Data", "MissingStepError", "Step", "Upcasters"]

Data: TypeAlias = dict[str, Json]
Step: TypeAlias = Callable[[Data], Data]
"""A pure function from the data of one version to the data of the next."""


@define
class MissingStepError(BrokenContractError):
    """A stored version has no way to the present one, or a step leads nowhere."""

    sentence = "The steps of event {name} are broken at version {version}: {problem}."
    name: str
    version: int
    problem: str


VERSIONS: Final[Mapping[str, int]] = {}
"""The present version by stored name; 1 where it is not named."""

STEPS: Final[Mapping[tuple[str, int], Step]] = {}
"""By stored name and version: how its data become those of the next version."""


@frozen
class Upcasters:
    """
    The present versions and the steps that lead to them, checked for completeness.

    Raises:
        MissingStepError: A version below the present one has no step, or a step starts at or
            beyond the present version.
    """

    versions: Mapping[str, int] = field(factory=dict[str, int])
    steps: Mapping[tuple[str, int], Step] = field(factory=dict[tuple[str, int], Step])

    def __attrs_post_init__(self) -> None:
        for name, current in self.versions.items():
            if type(current) is not int or current < 1:
                raise MissingStepError(name, 0, "versions are whole numbers from 1")
            for version in range(1, current):
                if (name, version) not in self.steps:
                    raise MissingStepError(name, version, "no step leads on from here")
        for name, version in self.steps:
            if not 1 <= version < self.current(name):
                raise MissingStepError(name, version, "a step that no version needs")

    def current(self, name: str) -> int:
        """The present version of the event with this stored name."""
        return self.versions.get(name, 1)

    def upcast(self, name: str, version: int, data: Data) -> Data:
        """The data of *version* as the present version would have stored them."""
        for step in range(version, self.current(name)):
            data = self.steps[name, step](dict(data))
        return data
