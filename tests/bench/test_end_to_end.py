"""From Parquet on disk to results on disk: time as a ratio to decoding alone, and memory.

Five years of one-minute bars with trade, mark and funding, from the project's generator. Both
sides of a ratio are timed in the same process, best of several: others use this machine too. Run
with `-s` to read the numbers.
"""

import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import backtest as bt
from backtest.market.sample import SYMBOLS, SampleMarket, generate

pytestmark = pytest.mark.bench

YEAR = 365 * 24 * 60
CANDLES = ["ts", "open", "high", "low", "close"]
COLUMNS = {"trade": CANDLES, "mark": CANDLES, "funding": ["ts", "funding_rate"]}
RATIO = 2.5
PEAK_BYTES = 400e6
BYTES_PER_BAR = 32
BARS_PER_SECOND = 270_000


@pytest.fixture(scope="module")
def minutes(tmp_path_factory):
    """Gives a store of some years of minutes; each is made once."""
    made: dict[int, Path] = {}

    def store(years: int) -> Path:
        if years not in made:
            root = tmp_path_factory.mktemp(f"minutes{years}")
            generate(root, SampleMarket(symbols=SYMBOLS[:1], timeframe="1m", bars=years * YEAR))
            made[years] = root
        return made[years]

    return store


def decode(root):
    """Read the columns a run needs, and do nothing with them."""
    rows = 0
    for kind, columns in COLUMNS.items():
        path = next(root.glob(f"*/*/{kind}/*.parquet"))
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(columns=columns, use_threads=False):
                rows += batch.num_rows
    return rows


def best(work, repeats=5):
    """Wall seconds and CPU seconds of the fastest of several."""
    found = [spent(work) for _ in range(repeats)]
    return min(wall for wall, _ in found), min(cpu for _, cpu in found)


def spent(work):
    """Wall seconds and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def least_ratio(work, reference, rounds=(7, 30)):
    """The least ratio of wall or CPU times over pairs measured right after one another.

    Another process slows both of a pair alike, and now and then one of them: the least of many
    pairs is what the work itself takes. While it is over the limit, more pairs are measured.
    """
    least, (few, many) = float("inf"), rounds
    for number in range(many):
        if number >= few and least <= RATIO:
            break
        theirs, mine = spent(reference), spent(work)
        least = min(least, mine[0] / theirs[0], mine[1] / theirs[1])
    return least


def settings(root, out):
    more = {"timeframe": "1m", "exposure": 5, "leverage": 20, "on_liquidation": "refill"}
    return {"data": root, "out": out, "force": True, **more}


def test_a_run_takes_at_most_two_and_a_half_times_what_decoding_takes(minutes, tmp_path):
    root, results = minutes(5), []

    def run():
        results.append(bt.run("strategies/sma_cross.py", **settings(root, tmp_path / "run")))

    run()
    ratio = least_ratio(run, lambda: decode(root))
    print(f"\na run takes {ratio:.2f} times what decoding takes")
    assert results[-1].manifest["accounts"][0]["bars"] == 5 * YEAR
    assert results[-1].fills.height > 10_000
    assert decode(root) > 10 * YEAR
    assert ratio <= RATIO


MEMORY = """
import sys
import backtest as bt
bt.run("strategies/sma_cross.py", data=sys.argv[1], out=sys.argv[2], timeframe="1m", exposure=5,
       leverage=20, on_liquidation="refill")
lines = open("/proc/self/status").read().splitlines()
print(*[line.split()[1] for line in lines if line.startswith("VmHWM")])
"""


def peak_bytes(root, out):
    """Peak memory of a process that does one run; the least of two, as allocators vary."""
    peaks = []
    for number in range(2):
        command = [sys.executable, "-c", MEMORY, str(root), str(out / str(number))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * 1024)
    return min(peaks)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_memory_stays_small_and_grows_by_the_targets_alone(minutes, tmp_path):
    short, long = (peak_bytes(minutes(years), tmp_path / str(years)) for years in (2, 5))
    growth = (long - short) / (3 * YEAR)
    print(f"\npeak {long / 1e6:.0f} MB for 5 years, {growth:.1f} bytes per bar more than for 2")
    assert long < PEAK_BYTES
    assert growth <= BYTES_PER_BAR


def test_a_python_callback_per_bar_keeps_its_speed(minutes, tmp_path):
    root = minutes(5)

    def on_bar(view):
        return 1.0 if view.close() > 0.0 else -1.0

    def run():
        span = {"until": "2024-01-01"}
        results.append(bt.run(on_bar, **settings(root, tmp_path / "bars"), **span))

    results = []
    _, cpu = best(run, 3)
    bars = results[-1].manifest["accounts"][0]["bars"]
    print(f"\n{bars / cpu:,.0f} bars per CPU second with a callback")
    assert bars == YEAR
    assert bars / cpu >= BARS_PER_SECOND
