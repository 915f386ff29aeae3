"""
Contract suites: what each port promises, as tests that a host runs against its own adapter.

They are written for pytest and touch an adapter through its port only. `store.StoreContract` is
the whole suite of a store; `orders`, `stock`, `people`, `outbox` and `unit_of_work` hold its parts
for hosts that implement some of them, and `gateway` tells whether a payment gateway can be used.
A promise that is broken is shown with its values, as in the host's own tests.

Raises:
    LibraryMissingError: pytest is not installed; nothing else of the library needs it.
"""

from __future__ import annotations

from pkgutil import iter_modules

from ordercore.testing._missing import LibraryMissingError

try:
    import pytest
except ModuleNotFoundError as error:
    raise LibraryMissingError("contracts", "pytest") from error

# Before they are imported: what is imported already keeps its bare assertions.
pytest.register_assert_rewrite(*(f"{__name__}.{found.name}" for found in iter_modules(__path__)))
