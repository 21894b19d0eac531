"""A run that was killed goes on where it was, and ends as if nobody had disturbed it."""

import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import backtest as bt
from backtest import crew, journal

from .market import BTC, ETH

PROGRAM = """
from backtest import crew, journal
journal.EVERY_SECONDS, crew.ASKED_BARS = 0.0, 16
from backtest.cli.main import main
main()
"""
STRATEGY = """
import time
def on_bar(view):
    time.sleep(0.001)
    view.state.setdefault("seen", []).append(round(view.equity(view.symbols[0]), 6))
    bars = len(view.state["seen"])
    if bars % 40 == 1:
        return dict.fromkeys(view.symbols, 6.0 if bars % 80 == 1 else -6.0)
    return None
"""
BARS, KILLS = 700, 20


@pytest.fixture
def arguments(market, strategy):
    """A run of two symbols in a cross pool that parts, is liquidated and refilled again and again;
    to be followed by the name of its result.
    """
    rng = np.random.default_rng(5)
    for symbol in (BTC, ETH):
        closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, BARS)))
        opens = np.concatenate([[100.0], closes[:-1]])
        high = np.maximum(opens, closes) * 1.01
        rows = np.column_stack([opens, high, np.minimum(opens, closes) * 0.985, closes])
        market.add([tuple(row) for row in rows.tolist()], symbol)
    flags = ["--margin", "cross", "--leverage", "20", "--on-liquidation", "refill"]
    symbols = ["--symbols", f"{BTC},{ETH}", "--venue", "binanceusdm,bybit"]
    data = ["--data", str(market.root), "--prices", "binanceusdm"]
    return ["run", strategy(STRATEGY), *data, *symbols, *flags, "--out"]


def start(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def kept_in(folder):
    return list(folder.glob(f".*/{journal.NAME}"))


def wait_for(found):
    for _ in range(600):
        if found():
            return
        time.sleep(0.02)
    pytest.fail("it never came")


def test_a_run_killed_twenty_times_ends_with_the_same_bytes(arguments, tmp_path):
    whole, torn = tmp_path / "runs" / "whole", tmp_path / "runs" / "torn"
    finish(start(*arguments, whole))
    rng, kills = random.Random(11), 0
    while kills < KILLS:
        process = start("resume", torn) if kept_in(torn.parent) else start(*arguments, torn)
        # an attempt gets some time to work, however slow the machine is
        wait_for(lambda ran=process: kept_in(torn.parent) or ran.poll() is not None)
        time.sleep(rng.uniform(0.0, 1.2))
        process.kill()
        process.communicate()
        if torn.exists():
            assert contents(torn) == contents(whole)
            torn.rename(tmp_path / f"done-{kills}")
        else:
            kills += 1
    if kept_in(torn.parent):
        finish(start("resume", torn))
        assert contents(torn) == contents(whole)
    result = bt.Result(whole)
    assert set(result.equity["path"]) == {"both", "pessimistic", "optimistic"}
    assert [p.name for p in whole.parent.iterdir() if p.name.startswith(".")] == []


@pytest.fixture
def eager(monkeypatch):
    """A journal that keeps every state, in this process."""
    monkeypatch.setattr(journal, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(crew, "ASKED_BARS", 16)


def test_an_interrupted_run_says_how_to_go_on(arguments, tmp_path):
    process = start(*arguments, tmp_path / "runs" / "one")
    wait_for(lambda: kept_in(tmp_path / "runs"))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    out = tmp_path / "runs" / "one"
    assert err.strip() == f"error: interrupted; go on with `backtest resume {out}`."
    assert "binanceusdm" in finish(start("resume", out))


def test_a_full_disk_keeps_what_was_done(arguments, tmp_path):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))  # noqa: E731
    out = tmp_path / "runs" / "one"
    process = start(*arguments, out, preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "what was done is kept, free some space or go on with `backtest resume" in err
    finish(start("resume", out))
    finish(start(*arguments, tmp_path / "runs" / "other"))
    assert contents(out) == contents(tmp_path / "runs" / "other")


def test_without_a_name_the_last_run_that_was_killed_goes_on(arguments, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    process = start(*arguments[:-1], cwd=folder)
    wait_for(lambda: kept_in(folder / "results"))
    process.kill()
    process.communicate()
    assert "result results/" in finish(start("resume", cwd=folder))
    (done,) = (folder / "results").iterdir()
    assert (done / "manifest.json").is_file()


def kill_one(arguments, out, later=0.0):
    process = start(*arguments, out)
    wait_for(lambda: kept_in(out.parent))
    time.sleep(later)
    process.kill()
    process.communicate()


def test_a_strategy_that_changed_is_refused(arguments, tmp_path, strategy, cli):
    out = tmp_path / "runs" / "one"
    kill_one(arguments, out)
    strategy(STRATEGY.replace("0.001", "0.002"))
    assert cli("resume", out) == 1
    assert cli.sentence.startswith("the strategy mine has changed since the run of ")
    assert kept_in(out.parent)


def test_data_that_changed_are_refused(arguments, tmp_path, market, cli):
    out = tmp_path / "runs" / "one"
    kill_one(arguments, out)
    market.write([(100.0, 100.0, 100.0, 100.0)] * BARS, "trade")
    assert cli("resume", out) == 1
    assert "the data file binanceusdm/BTC_USDT_USDT/trade/1h.parquet has changed" in cli.sentence


def test_a_torn_journal_goes_on_from_its_last_whole_state(arguments, tmp_path):
    out = tmp_path / "runs" / "one"
    kill_one(arguments, out, later=0.3)
    (path,) = kept_in(out.parent)
    path.write_bytes(path.read_bytes()[:-7])
    finish(start("resume", out))
    finish(start(*arguments, tmp_path / "runs" / "other"))
    assert contents(out) == contents(tmp_path / "runs" / "other")


def test_there_must_be_something_to_go_on_with(tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("resume", tmp_path / "nothing") == 1
    assert cli.sentence.startswith(f"there is no run of {tmp_path / 'nothing'} to go on with")
    assert cli("resume") == 1
    assert cli.sentence.startswith("no run in results was killed in the middle")


def test_a_complete_run_is_not_gone_on_with(arguments, tmp_path, cli):
    out = tmp_path / "runs" / "one"
    finish(start(*arguments, out))
    assert cli("resume", out) == 1
    assert cli.sentence.startswith(f"the run of {out} is complete")


def test_a_run_that_still_goes_on_is_left_alone(arguments, tmp_path, cli):
    out = tmp_path / "runs" / "one"
    process = start(*arguments, out)
    wait_for(lambda: kept_in(out.parent))
    assert cli("resume", out) == 1
    assert "is still going on; wait for it" in cli.sentence
    finish(process)


def test_a_strategy_whose_notebook_cannot_be_kept_runs_as_before(market, eager, tmp_path):
    market.add([(100.0, 101.0, 99.0, 100.0)] * 200)

    def on_bar(view):
        view.state["unpicklable"] = lambda: None
        return 1.0

    assert market.run(on_bar).fills.height == 1


def test_a_function_is_given_again_to_go_on(market, eager, tmp_path):
    market.add([(100.0, 101.0, 99.0, 100.0)] * 200)
    calls = []

    def on_bar(view):
        calls.append(view.ts)
        if len(calls) == 100:
            raise KeyboardInterrupt
        return 1.0

    out = tmp_path / "runs" / "one"
    with pytest.raises(KeyboardInterrupt, match="go on with"):
        bt.run(on_bar, out=out, data=str(market.root))
    assert bt.resume(out, strategy=on_bar).fills.height == 1
    assert len(calls) == 100 + 200 - 96
