from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BROKEN = """
from datetime import timedelta

from ordercore.payment.policy import Capabilities
from ordercore.testing.contracts.gateway import PaymentGatewayContract
from ordercore.testing.sandbox import SandboxGateway


class Hasty(SandboxGateway):
    @property
    def capabilities(self):
        return Capabilities(call_timeout=timedelta(0))


class TestHasty(PaymentGatewayContract):
    def make_gateway(self):
        return Hasty(":memory:")
"""


def run(folder: Path, *command: str) -> str:
    """What a fresh interpreter prints in a folder of its own."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stdout


def test_a_broken_promise_is_shown_with_its_values(tmp_path: Path) -> None:
    """A host reads what was compared, as in its own tests."""
    (tmp_path / "test_hasty.py").write_text(BROKEN, encoding="utf-8")
    shown = run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "-k", "declares", "-W", "error")
    assert "assert datetime.timedelta(0) > datetime.timedelta(0)" in shown


def test_without_pytest_it_is_said_what_is_missing(tmp_path: Path) -> None:
    """The suites name the library that they need."""
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from ordercore.errors import OrderCoreError\n"
        "try:\n"
        "    import ordercore.testing.contracts.gateway\n"
        "except OrderCoreError as error:\n"
        "    print(error)\n"
    )
    expected = "ordercore.testing.contracts needs pytest; install it beside your tests.\n"
    assert expected == run(tmp_path, "-c", code)
