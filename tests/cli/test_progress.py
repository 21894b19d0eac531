"""The progress bar: on a terminal, after two seconds, and nowhere else."""

import os
import pty
import re
import subprocess
import sys

import pytest

SLOW = """
import sys, time
from backtest.cli.progress import Progress
with Progress() as progress:
    for done in range({count}):
        progress(done, {count})
        time.sleep(0.05)
print("done")
"""


@pytest.fixture(autouse=True)
def compiled(tmp_path, monkeypatch):
    """A cache that looks filled: what a first run says is for one test only."""
    monkeypatch.setenv("BACKTEST_CACHE_DIR", str(tmp_path))
    fill = "import backtest.core.jit as j; (j.CACHE_FOLDER / 'one.nbi').write_text('')"
    subprocess.run([sys.executable, "-c", fill], check=True)


def stderr_on_a_terminal(program):
    """What a program writes to its standard error when that is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program], stderr=slave, stdout=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(slave)
    written = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # the terminal closes when the program ends
            break
        if not part:
            break
        written += part
    os.close(master)
    assert process.wait() == 0
    return written.decode()


def test_it_appears_after_two_seconds_and_goes_away():
    text = stderr_on_a_terminal(SLOW.format(count=56))
    assert "bars" in text
    assert "/56" in text
    first = int(re.findall(r"(\d+)/56", text)[0])
    assert first >= 35  # 2 s of 0.05 s each, less what starting takes


def test_quick_work_shows_none():
    assert stderr_on_a_terminal(SLOW.format(count=10)) == ""


def test_off_a_terminal_there_is_none():
    done = subprocess.run(
        [sys.executable, "-c", SLOW.format(count=50)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


QUICK = "from backtest.cli.progress import Progress\nwith Progress():\n    pass"


def test_a_first_run_says_why_it_stands_still(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKTEST_CACHE_DIR", str(tmp_path / "empty"))
    assert "compiling the core, once" in stderr_on_a_terminal(QUICK)
    off = subprocess.run([sys.executable, "-c", QUICK], check=True, capture_output=True)
    assert off.stderr == b""


def test_a_cache_that_cannot_be_written_is_said_to_compile_every_run(tmp_path, monkeypatch):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("BACKTEST_CACHE_DIR", str(blocked))
    text = stderr_on_a_terminal(QUICK)
    assert f"in every run, as {blocked} cannot be written: BACKTEST_CACHE_DIR names" in text


def test_a_later_run_says_nothing():
    assert stderr_on_a_terminal(QUICK) == ""
