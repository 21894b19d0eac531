"""docs/comparison.md and docs/crashes.md say what their commands print and the data hold."""

import re
import runpy
import subprocess
from datetime import timedelta

import polars as pl
import pytest

import backtest as bt

from ..run.market import Cli
from .docs import ROOT, SHARED, Page
from .rows import stamp

pytestmark = pytest.mark.market_data
COMPARISON, CRASHES = Page("comparison.md"), Page("crashes.md")
DRAW = ROOT / "docs" / "crashes" / "draw.py"


@pytest.fixture
def cli(monkeypatch, capsys):
    """The command line in a terminal of 80 columns, called from the repository."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    return Cli(monkeypatch, capsys)


@pytest.fixture(scope="session")
def folders(market_data, tmp_path_factory):
    """The data folders that the pages name: the real one, and that without mark candles."""
    root = tmp_path_factory.mktemp("docs")
    copy = CRASHES.block("last price").replace(SHARED, str(market_data))
    subprocess.run(["bash", "-euc", copy], cwd=root, check=True)
    return {SHARED: market_data, "last-price": root / "last-price"}


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in (COMPARISON, CRASHES) for name in page.commands()],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_output_shown_is_what_the_command_prints(page, name, folders, tmp_path, cli):
    assert cli(*page.words(name, folders, tmp_path / "out")) == 0, cli.err
    printed = cli.out.splitlines()
    # sentences about a venue left out wrap by the length of the path
    shown = [line for line in page.block(f"{name} output").splitlines() if line]
    cut = next((n for n, line in enumerate(shown) if line.startswith("left out: ")), len(shown))
    assert [line for line in shown[:cut] if line not in printed] == []
    assert cut > 3


@pytest.mark.parametrize("row", CRASHES.table("longs"), ids=" ".join)
def test_a_long_of_the_crashes_fares_as_the_table_says(row, folders, tmp_path, cli):
    entered, long, *told = row
    coin, leverage = long.split()
    for folder, said in zip(folders.values(), told, strict=True):
        out = tmp_path / folder.name
        assert cli(
            "run", "strategies/hold.py", "--symbols", f"{coin}/USDT:USDT", "--leverage", leverage,
            "--venue", "binanceusdm", "--data", folder, "--out", out,
            "--since", f"{stamp(entered) - timedelta(hours=1):%Y-%m-%d %H:%M}",
            "--until", f"{stamp(entered) + timedelta(days=1):%Y-%m-%d %H:%M}",
        ) == 0, cli.err  # fmt: skip
        result = bt.open_result(out)
        assert f"{result.fills['ts'][0]:%Y-%m-%d %H:%M}" == entered
        assert fate(result) == said


def fate(result):
    """When and at which price a position was liquidated, as the table writes it."""
    if result.liquidations.is_empty():
        return "stands"
    first = result.liquidations.row(0, named=True)
    return f"{first['ts']:%m-%d %H:%M} at {digits(first['liquidation_price'])}"


@pytest.mark.parametrize("venue", ["binanceusdm", "bybit"])
def test_the_lows_are_those_of_the_data(venue, market_data):
    for hour, coin, *told in CRASHES.table(f"lows {venue}"):
        trade, mark = (bar(market_data / venue, coin, kind, hour) for kind in ("trade", "mark"))
        above = f"{100 * (mark['low'] / trade['low'] - 1):.1f} %"
        prices = (trade["open"], trade["low"], mark["low"])
        assert told == [*(f"{price:.6g}" for price in prices), above], (hour, coin)


def bar(venue, coin, kind, hour):
    """One real hour."""
    files = (venue / f"{coin}_USDT_USDT" / kind).glob("1h*.parquet")
    found = [pl.read_parquet(path).filter(pl.col("ts") == stamp(hour)) for path in files]
    return next(frame.row(0, named=True) for frame in found if frame.height)


def digits(price):
    """Six digits, but no more than five behind the point; trailing zeros stay."""
    return f"{price:#.6g}" if price >= 1 else f"{price:.5f}"


def test_each_price_in_the_text_of_the_crashes_stands_in_a_table_or_an_output():
    checked = " ".join(re.findall(r"^\|.*$|```[^`]*```", CRASHES.text, flags=re.M)).replace(",", "")
    numbers = CRASHES.numbers()
    assert len(numbers) > 5
    assert [n for n in numbers if n.replace(",", "") not in checked] == []


def test_the_pictures_are_what_the_script_draws_and_show_levels_of_the_page(market_data):
    script = runpy.run_path(str(DRAW))
    for picture in script["PICTURES"]:
        drawn = script["draw"](picture, market_data)
        assert drawn == DRAW.with_name(f"{picture.name}.svg").read_text("utf-8")
        assert f"crashes/{picture.name}.svg" in CRASHES.text
        assert all(f"{level:g}" in CRASHES.text for _, level in picture.levels)
