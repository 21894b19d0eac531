"""The core is compiled once: one version of every function serves every venue."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench

ROOT = Path(__file__).resolve().parents[2]
COUNT = """
import importlib, pkgutil
import backtest.core
from tests.properties.scenarios import at_random, run
for seed in range({seeds}):
    run(at_random(seed))
made = {{}}
for module in pkgutil.iter_modules(backtest.core.__path__):
    for name, one in vars(importlib.import_module("backtest.core." + module.name)).items():
        if hasattr(one, "signatures"):
            made[one.py_func] = (name, len(one.signatures))
print(sorted(name for name, count in made.values() if count > 1))
print(sum(count for _, count in made.values()))
"""


def versions(cache: Path, seeds: int) -> tuple[str, int]:
    """(functions with several versions, versions in all) after accounts of many rules."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(seeds=seeds)], cwd=ROOT, check=True,
        env={**os.environ, "BACKTEST_CACHE_DIR": str(cache)}, capture_output=True, text=True,
    )  # fmt: skip
    several, total = done.stdout.split("\n")[:2]
    return several, int(total)


def test_accounts_of_any_rules_run_on_what_the_first_one_compiled(tmp_path):
    one = versions(tmp_path / "one", 1)
    assert one[0] == "[]"
    assert one[1] > 100
    assert versions(tmp_path / "many", 200) == one
