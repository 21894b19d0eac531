"""A result appears whole or not at all, whatever happens while it is written."""

import os
import resource
import signal
import subprocess
import sys
import time

import pytest

import backtest as bt
from backtest.records import Recorder

from .market import flat

WAITS = """
from pathlib import Path
import time
def on_bar(view):
    Path(__file__).with_name("asked").touch()
    time.sleep(30)
"""
PROGRAM = "from backtest.cli.main import main; main()"


@pytest.fixture
def arguments(market, strategy, tmp_path):
    """A run that can be started, and the folder its results should appear in."""
    market.add(flat(100, 48))
    path = strategy("def on_bar(view):\n    return 1.0\n")
    return ["run", path, "--data", str(market.root), "--out", str(tmp_path / "runs" / "one")]


def visible(folder):
    return [name for name in everything(folder) if not name.startswith(".")]


def everything(folder):
    return [path.name for path in folder.iterdir()]


def start(arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


def wait_for(path):
    """Until the run has begun to ask its strategy."""
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    pytest.fail("the run never began")


@pytest.fixture
def waiting(arguments, strategy, tmp_path):
    """A run in the middle: its process."""
    arguments[1] = strategy(WAITS)
    process = start(arguments)
    wait_for(tmp_path / "asked")
    yield process
    process.kill()
    process.communicate()


def test_a_killed_run_leaves_no_visible_result_and_does_not_stand_in_the_way(
    waiting, arguments, strategy, cli, tmp_path
):
    waiting.send_signal(signal.SIGKILL)
    waiting.wait()
    assert visible(tmp_path / "runs") == []
    arguments[1] = strategy("def on_bar(view):\n    return 1.0\n", name="quick")
    assert cli(*arguments) == 0, cli.err
    assert visible(tmp_path / "runs") == ["one"]


def aged(folder, hours):
    """Make everything in a folder look as old as that."""
    then = time.time() - 3600 * hours
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


def test_what_a_killed_run_left_is_removed_a_day_later(waiting, arguments, strategy, cli, tmp_path):
    waiting.send_signal(signal.SIGKILL)
    waiting.wait()
    (left,) = (tmp_path / "runs").iterdir()
    foreign = tmp_path / "runs" / ".notes-of-mine"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    arguments[1] = strategy("def on_bar(view):\n    return 1.0\n", name="quick")
    aged(left, 23)
    aged(foreign, 1000)
    assert cli(*arguments) == 0, cli.err
    assert left.exists()
    aged(left, 25)
    assert cli(*arguments, "--force") == 0, cli.err
    assert sorted(everything(tmp_path / "runs")) == [".notes-of-mine", "one"]
    assert not list(tmp_path.glob("runs/one/*unfinished*"))


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_and_says_so(waiting, request_to_end, tmp_path):
    waiting.send_signal(request_to_end)
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 130
    assert out == ""
    assert err.strip() == "error: interrupted; no result was written."
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_one_sentence_and_leaves_nothing(arguments, tmp_path):
    # a limit on the size of files fails writes as a full disk does
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))  # noqa: E731
    process = start(arguments, preexec_fn=limit)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"error: the result cannot be written to {tmp_path / 'runs' / 'one'}: ")
    assert err.rstrip().endswith("nothing was kept, free some space or choose another --out.")
    assert not (tmp_path / "runs").exists()


def test_a_disk_that_fills_up_at_the_very_end_is_no_different(
    arguments, cli, tmp_path, monkeypatch
):
    def full(recorder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recorder, "finish", full)
    assert cli(*arguments) == 1
    assert "No space left on device; nothing was kept" in cli.sentence
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_keeps_the_earlier_result_and_says_so(arguments, cli, tmp_path, monkeypatch):
    assert cli(*arguments) == 0
    before = bt.open_result(tmp_path / "runs" / "one").hash

    def full(recorder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recorder, "finish", full)
    assert cli(*arguments, "--force") == 1
    assert "No space left on device; the earlier result is kept, free some" in cli.sentence
    assert bt.open_result(tmp_path / "runs" / "one").hash == before


def test_a_folder_that_cannot_be_made_is_one_sentence(arguments, cli, tmp_path):
    (tmp_path / "runs").write_text("a file is in the way")
    assert cli(*arguments) == 1
    assert "the result cannot be written to" in cli.sentence


def test_an_earlier_result_is_not_overwritten(arguments, cli, tmp_path):
    assert cli(*arguments) == 0
    before = bt.open_result(tmp_path / "runs" / "one").hash
    assert cli(*arguments, "--cash", "500") == 1
    assert cli.sentence.endswith("already exists; choose another --out or replace it with --force.")
    assert bt.open_result(tmp_path / "runs" / "one").hash == before


def test_a_folder_that_is_no_result_is_never_replaced(arguments, cli, tmp_path):
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "thesis.txt").write_text("years of work")
    assert cli(*arguments, "--force") == 1
    assert cli.sentence.endswith("already exists; choose another --out.")
    assert (tmp_path / "runs" / "one" / "thesis.txt").exists()


def test_force_replaces_an_earlier_result(arguments, cli, tmp_path):
    assert cli(*arguments) == 0
    assert cli(*arguments, "--cash", "500", "--force") == 0
    config = bt.open_result(tmp_path / "runs" / "one").manifest["config"]
    assert config["cash"] == 500.0
    assert everything(tmp_path / "runs") == ["one"]


def test_force_keeps_the_earlier_result_when_the_new_run_fails(arguments, cli, strategy, tmp_path):
    assert cli(*arguments) == 0
    before = bt.open_result(tmp_path / "runs" / "one").hash
    arguments[1] = strategy("def on_bar(view):\n    return 1 / 0\n", name="bad")
    assert cli(*arguments, "--force") == 1
    assert bt.open_result(tmp_path / "runs" / "one").hash == before
    assert everything(tmp_path / "runs") == ["one"]


def test_without_out_results_get_a_name_of_time_and_strategy(arguments, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli(*arguments[:-2]) == 0
    assert cli(*arguments[:-2]) == 0
    names = visible(tmp_path / "results")
    assert len(names) == 2
    assert all(name.endswith("-mine") for name in names)
