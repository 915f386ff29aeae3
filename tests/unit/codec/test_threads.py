"""The codec in a process that has just started, with all its threads asking at once."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

COLD: Final = """
import sys
from threading import Barrier, Thread
from ordercore.codec.converter import decode, encode, fingerprint
from ordercore.order.terms import Terms

sys.setswitchinterval(1e-5)
barrier, marks, errors = Barrier(8), [], []

def ask():
    barrier.wait()
    try:
        assert decode(encode(Terms()), Terms) == Terms()
        marks.append(fingerprint(Terms()))
    except BaseException as error:
        errors.append(repr(error))

threads = [Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(marks), len(set(marks)), errors)
"""


def test_a_cold_start_serves_all_threads() -> None:
    """Types are compiled when first asked for; whoever asks meanwhile waits (RULES O-10)."""
    found = subprocess.run(
        [sys.executable, "-c", COLD], capture_output=True, text=True, timeout=60, check=True
    )
    assert "8 1 []" == found.stdout.strip()
