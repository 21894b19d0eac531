"""A stream over eight years of minutes needs no more memory than one over two."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backtest.market.sample import SYMBOLS, SampleMarket, generate

pytestmark = pytest.mark.bench

YEAR_OF_MINUTES = 365 * 24 * 60
STATUS = Path("/proc/self/status")
MOST_GROWTH_MB, MOST_MB = 5.0, 100.0
DRAIN = """
import json, re, sys
from pathlib import Path
from backtest.market.store import Store
from backtest.market.stream import Stream, SymbolData

def peak_mb():
    # getrusage would give the peak of the process that started this one, if that was higher.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024

store, symbol = Store(sys.argv[1]), "BTC/USDT:USDT"
data = SymbolData(
    store.series("binanceusdm", symbol, "trade", "1m"),
    store.series("binanceusdm", symbol, "mark", "1m"),
    store.series("binanceusdm", symbol, "funding"),
)
before = peak_mb()
bars = sum(len(block.ts) for block in Stream([data], 60_000).blocks())
print(json.dumps({"bars": bars, "peak_mb": peak_mb(), "stream_mb": peak_mb() - before}))
"""


def drained(root: Path):
    """Bars and peak memory of a fresh process that draws a whole stream."""
    command = [sys.executable, "-c", DRAIN, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(not STATUS.is_file(), reason="peak memory is read from /proc")
def test_the_memory_of_a_stream_does_not_grow_with_history(tmp_path):
    minutes = SampleMarket(symbols=SYMBOLS[:1], timeframe="1m")
    found = {}
    for years in (2, 8):
        root = tmp_path / str(years)
        generate(root, replace(minutes, bars=years * YEAR_OF_MINUTES))
        found[years] = drained(root)
        assert found[years]["bars"] == years * YEAR_OF_MINUTES
    print(found)
    assert found[8]["peak_mb"] - found[2]["peak_mb"] < MOST_GROWTH_MB, found
    assert 0 < found[8]["stream_mb"] < MOST_MB, found
