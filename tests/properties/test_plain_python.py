"""The compiled core and the same source run as plain Python agree to the last bit."""

import os
import subprocess
import sys
from pathlib import Path

from .plain_python import digests, short

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(300)
MOST_STEPS = 250
"""A few scenarios are liquidated thousands of times, which takes minutes in plain Python."""


def test_plain_python_writes_the_same_bytes():
    seeds = short(SEEDS, MOST_STEPS)
    assert len(seeds) > 0.9 * len(SEEDS)
    done = subprocess.run(
        [sys.executable, "-m", "tests.properties.plain_python", *map(str, seeds)],
        cwd=ROOT, env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == digests(seeds)
