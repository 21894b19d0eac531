"""Wrong data, through the command line: one sentence, its exit code, and nothing left behind."""

import re

import numpy as np
import polars as pl
import pytest

from backtest import hashing

from .market import BTC, ETH, flat, steps

HOLD = "def on_bar(view):\n    return 1.0\n"
FRAME = "import polars as pl\ndef targets(bars):\n    return bars.select('ts', target={})\n"
TARGETS, VOLUME = FRAME.format("pl.lit(1.0)"), FRAME.format("pl.col('volume')")


@pytest.fixture
def fails(market, strategy, cli, tmp_path):
    """Runs on the market with these flags; gives the exit code and the sentence."""

    def run(*flags, source=HOLD):
        path = strategy(source)
        before = sorted(tmp_path.iterdir())
        code = cli("run", path, "--data", market.root, "--out", tmp_path / "a" / "out", *flags)
        assert code in (1, 2)
        assert cli.out == ""
        assert sorted(tmp_path.iterdir()) == before, "something was left behind"
        return code, cli.sentence

    return run


def test_a_missing_folder_is_named(fails, tmp_path):
    code, sentence = fails("--data", tmp_path / "absent")
    assert code == 1
    assert sentence.startswith("there is no folder ")
    assert "give one laid out as VENUE/SYMBOL/KIND/1h.parquet with --data" in sentence


def test_an_unknown_venue_gets_a_hint(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--venue", "binanceusd")
    assert code == 2
    assert "unknown venue 'binanceusd'; did you mean 'binanceusdm'" in sentence


def test_an_unknown_price_venue_gets_a_hint(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--prices", "binance")
    assert code == 2
    assert "'binance'; did you mean 'binanceusdm'?" in sentence


def test_a_venue_without_data_says_which_have_some(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--venue", "okx")
    assert code == 1
    assert "no prices of okx in " in sentence
    assert "; known: binanceusdm. Name one with --prices, or add the files." in sentence


def test_a_symbol_without_rules_lists_those_with(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--symbol", "XYZ/USDT:USDT")
    assert code == 2
    assert "binanceusdm has no tiers for 'XYZ/USDT:USDT'; known: " in sentence
    assert "BTC/USDT:USDT" in sentence


def test_a_symbol_without_data_lists_those_with(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--symbol", ETH)
    assert code == 1
    assert "no prices of ETH/USDT:USDT of binanceusdm in " in sentence
    assert BTC in sentence


def test_venues_that_all_lack_data_end_with_the_code_of_missing_data(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--venue", "okx,bybit", "--skip-refused")
    assert code == 1
    assert sentence.startswith("no venue can take this run; the first says: there are no prices")
    code, _ = fails("--venue", "okx,bybit", "--skip-refused", "--symbol", "XYZ")
    assert code == 2


MARKS_ONLY = ("--since", "2024-01-01T04:00", "--until", "2024-01-01T08:00")


@pytest.mark.parametrize("source", [HOLD, TARGETS], ids=["on_bar", "targets"])
def test_a_span_with_marks_and_no_trade_candle_is_missing_data(fails, market, source):
    market.add(flat(100, 3), mark=flat(100, 12))
    market.write(flat(100, 3), "trade", first=9, name="1h_b")
    code, sentence = fails(*MARKS_ONLY, source=source)
    assert code == 1
    assert sentence == (
        "there are no 1h trade candles of BTC/USDT:USDT on binanceusdm, only mark candles, "
        "from 2024-01-01 04:00 to 2024-01-01 08:00 (the last before opens at 2024-01-01 02:00 and "
        "the next at 2024-01-01 09:00); change --since and --until, or run on the prices of a "
        "venue that has them with --prices."
    )


def test_one_symbol_of_several_without_a_trade_candle_is_named(fails, market):
    market.add(flat(100, 12)).add(flat(100, 3), ETH, mark=flat(100, 12))
    code, sentence = fails(*MARKS_ONLY, "--symbol", f"{BTC},{ETH}")
    assert code == 1
    assert "no 1h trade candles of ETH/USDT:USDT on binanceusdm, only mark candles," in sentence


def test_a_single_trade_candle_in_the_span_is_enough(market, strategy, cli, tmp_path):
    market.add(flat(100, 5), mark=flat(100, 12))
    path, out = strategy(HOLD), tmp_path / "out"
    assert cli("run", path, "--data", market.root, "--out", out, *MARKS_ONLY) == 0, cli.err


@pytest.mark.parametrize("refused", [True, False])
def test_a_venue_without_trade_candles_can_be_left_out(market, strategy, cli, tmp_path, refused):
    market.add(flat(100, 12)).add(flat(100, 3), venue="okx", mark=flat(100, 12))
    market.write(flat(100, 3), "trade", venue="okx", first=9, name="1h_b")
    flags = ("--venue", "binanceusdm,okx", *MARKS_ONLY, *["--skip-refused"] * refused)
    code = cli("run", strategy(HOLD), "--data", market.root, "--out", tmp_path / "out", *flags)
    assert code == (0 if refused else 1)
    if refused:
        assert "left out: okx: there are no 1h trade candles" in cli.out
    else:
        assert cli.sentence.endswith("Or leave okx out with --skip-refused.")


def test_a_timeframe_without_data_lists_those_with(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--timeframe", "5m")
    assert code == 1
    assert "no 5m trade candles of BTC/USDT:USDT on binanceusdm" in sentence
    assert "it has trade in 1h" in sentence


def test_venues_without_a_common_span_say_what_each_has(fails, market):
    market.add(flat(100, 12)).add(flat(100, 12), venue="bybit", first=48)
    code, sentence = fails("--venue", "binanceusdm,bybit")
    assert code == 1
    assert "binanceusdm 2024-01-01 00:00 to 2024-01-01 12:00; bybit 2024-01-03 00:00" in sentence
    assert "with --prices" in sentence


def test_a_span_outside_the_data_says_what_there_is(fails, market):
    market.add(flat(100, 12))
    code, sentence = fails("--since", "2025-01-01")
    assert code == 1
    assert "2024-01-01 00:00 to 2024-01-01 12:00" in sentence


def spoil(path, change):
    change(pl.read_parquet(path)).write_parquet(path)


def in_one_row(**values):
    """Replaces values of one row in the middle."""
    here = pl.int_range(pl.len()) == 5
    changes = {name: pl.when(here).then(value).otherwise(name) for name, value in values.items()}
    return lambda frame: frame.with_columns(**changes)


SPOILT = {
    "nan": (in_one_row(high=float("nan")), "high nan is not a positive finite price"),
    "negative": (in_one_row(low=-1.0), "low -1.0 is not a positive finite price"),
    "high below low": (in_one_row(high=50.0), "high 50.0 is below low"),
    "unsorted": (lambda f: f.reverse(), "the file is not sorted; sort the file by ts"),
    "twice": (lambda f: pl.concat([f.head(6), f.tail(7)]), "the stamp occurs twice"),
    "a column is missing": (lambda f: f.drop("close"), "has no column 'close'"),
    "a column of text": (
        lambda f: f.with_columns(pl.col("open").cast(pl.String)),
        "column 'open' of .* is (large_)?string, expected double",
    ),
}


@pytest.mark.parametrize("source", [HOLD, TARGETS], ids=["on_bar", "targets"])
@pytest.mark.parametrize("kind", ["trade", "mark"])
@pytest.mark.parametrize(("change", "message"), SPOILT.values(), ids=SPOILT)
def test_rows_that_cannot_be_true_name_file_and_row(fails, market, kind, change, message, source):
    market.add(flat(100, 12))
    spoil(market.path(kind), change)
    code, sentence = fails(source=source)
    assert code == 1
    assert re.search(message, sentence)
    assert f"{kind}/1h.parquet" in sentence
    assert "strategy" not in sentence


def test_funding_off_schedule_names_file_and_row(fails, market):
    market.add(flat(100, 12))
    path = market.path("funding", "funding")
    spoil(path, lambda f: f.with_columns(pl.col("ts") + pl.duration(minutes=7)))
    code, sentence = fails()
    assert code == 1
    assert "a settlement is not on a whole hour; round it to the hour" in sentence


@pytest.mark.parametrize("source", [HOLD, TARGETS, VOLUME], ids=["on_bar", "targets", "volume"])
@pytest.mark.parametrize("where", ["middle", "end"])
def test_a_damaged_file_is_the_datas_fault_and_not_the_strategys(fails, market, where, source):
    noise = np.random.default_rng(1).uniform(1, 2, 40_000).cumsum() + 1000
    market.add(steps(*noise.tolist()))
    path = market.path("trade")
    content = bytearray(path.read_bytes())
    if where == "middle":
        content[4:-4000] = bytes(len(content) - 4004)
    if where == "end":
        del content[len(content) // 2 :]
    path.write_bytes(content)
    code, sentence = fails(source=source)
    assert code == 1
    assert f"{path} cannot be read as Parquet" in sentence


def test_data_that_go_away_during_a_run_are_named(fails, market, monkeypatch):
    def vanished(path):
        raise FileNotFoundError(2, "No such file or directory", str(path))

    market.add(flat(100, 12))
    monkeypatch.setattr(hashing, "file_hash", vanished)
    code, sentence = fails()
    assert code == 1
    assert "cannot be read any more: No such file or directory" in sentence
    assert "leave the data as they are during a run" in sentence


def test_a_traceback_is_shown_only_when_asked_for(market, strategy, cli):
    path = strategy(HOLD)
    assert cli("run", path, "--data", market.root) == 1
    assert "there is no folder" in cli.sentence
    assert cli("run", path, "--data", market.root, "--debug") == 1
    assert cli.err.startswith("Traceback")


def test_two_names_of_one_contract_are_refused(fails, market):
    market.add(flat(100, 12)).add(flat(100, 12), "BTC/USDC:USDC")
    code, sentence = fails(
        *("--venue", "hyperliquid", "--prices", "binanceusdm"),
        *("--symbol", f"{BTC},BTC/USDC:USDC"),
    )
    assert code == 2
    assert "BTC/USDT:USDT and BTC/USDC:USDC are both BTC/USDC:USDC on hyperliquid" in sentence
