"""The disk cache of compiled code serves what has not changed, and only that."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backtest.core import jit

CALL = """
from backtest.core.price import liquidation_price
from tests_rules import make_rules
print(liquidation_price(make_rules()[0], 10.0, 100.0, 100.0, 100.0))
print(sum(liquidation_price.stats.cache_hits.values()))
"""
EDITED = (
    "requirement.py",
    'rate, units = rules["rate"][row]',
    'rate, units = 2.0 * rules["rate"][row]',
)


@pytest.fixture
def package(tmp_path):
    """A copy of the core, and the helper that makes rules, outside the project."""
    core = Path(jit.__file__).parent
    shutil.copytree(core, tmp_path / "backtest" / "core", ignore=shutil.ignore_patterns("__pyc*"))
    (tmp_path / "backtest" / "__init__.py").touch()
    shutil.copy(Path(__file__).with_name("accounts.py"), tmp_path / "tests_rules.py")
    return tmp_path


def ask(package):
    """(liquidation price, calls served from the cache) in a process of its own."""
    environment = {
        **os.environ, "PYTHONPATH": str(package), "BACKTEST_CACHE_DIR": str(package / "cache"),
    }  # fmt: skip
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run(
        [sys.executable, "-c", CALL], cwd=package, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    price, hits = done.stdout.split()
    return float(price), int(hits)


def test_a_rule_edited_in_another_file_than_its_caller_changes_the_result(package):
    assert ask(package) == (pytest.approx(90 / 0.996), 0)
    assert ask(package) == (pytest.approx(90 / 0.996), 1)
    name, old, new = EDITED
    path = package / "backtest" / "core" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert ask(package) == (pytest.approx(90 / 0.992), 0)


@pytest.mark.parametrize("age", [60.0, 7200.0])
def test_only_the_latest_caches_are_kept_and_those_of_the_last_day(package, age):
    marker = package / "backtest" / "core" / "contracts.py"
    edits = jit.KEPT_CACHES + 2
    for edit in range(edits):
        marker.write_text(marker.read_text() + f"# {edit}\n")
        folder = jit.source_hash(marker.parent)
        subprocess.run(
            [sys.executable, "-c", "import backtest.core.jit"], cwd=package, check=True,
            env={**os.environ, "PYTHONPATH": str(package),
                 "BACKTEST_CACHE_DIR": str(package / "cache")},
        )  # fmt: skip
        cache = package / "cache" / f"core-{folder}"
        assert cache.is_dir()
        then = time.time() - age
        os.utime(cache, (then, then))
    kept = edits if age < jit.IN_USE_SECONDS else jit.KEPT_CACHES
    assert len(list((package / "cache").iterdir())) == kept


def test_without_a_writable_folder_everything_still_runs(package):
    blocked = package / "cache"
    blocked.write_text("a file where the folder should be")
    assert ask(package) == (pytest.approx(90 / 0.996), 0)
