"""What a user reads: verdict first, nothing wider than 80 columns, JSON that is JSON."""

import json
from datetime import datetime

import polars as pl
import pytest

import backtest as bt
from backtest.cli.text import amount, price, table

from ..run.market import BTC, ETH, flat, steps

FOUR = ("binanceusdm", "bybit", "okx", "hyperliquid")
SWINGS = steps(*[100 + (n * 7) % 13 for n in range(200)])
FLIP = "def on_bar(view):\n    return 6.0 if view.close() > 106 else -6.0\n"


@pytest.fixture
def shown(market, strategy, cli, tmp_path):
    """Runs a strategy and gives the lines it printed, with the folder of the result."""

    def run(source, *flags, candles=SWINGS):
        market.add(candles)
        out = tmp_path / "out"
        path = strategy(source)
        assert cli("run", path, "--data", market.root, "--out", out, *flags) == 0, cli.err
        return cli.out.splitlines(), out

    return run


FOUR_VENUES = ("--venue", ",".join(FOUR), "--prices", "binanceusdm", "--leverage", "20")


def width(lines):
    """Of the widest line, but for the path of the result, which may be any length."""
    return max(len(line) for line in lines if not line.startswith("result "))


def test_the_verdict_comes_first_and_nothing_is_too_wide(shown):
    lines, _ = shown(FLIP, *FOUR_VENUES, "--on-liquidation", "refill")
    for line, venue in zip(lines, FOUR, strict=False):
        assert line.split()[:2] == [venue, "liquidated"]
    assert width(lines) <= 80


def test_a_row_says_span_price_source_and_share_of_proxy_bars(shown):
    lines, _ = shown(FLIP, *FOUR_VENUES)
    rows = [line.split() for line in lines if line.startswith("hyperliquid") and "2024" in line]
    span = ["hyperliquid", "BTC/USDC:USDC", "binanceusdm", "2024-01-01", "2024-01-09"]
    assert [*span, "0.0%"] in [row[:6] for row in rows]


def test_what_the_data_lack_has_lines_of_its_own(market, strategy, cli, tmp_path):
    market.add(SWINGS[:100], funding=[0.0, 0.0])
    for kind in ("trade", "mark"):
        market.write(SWINGS[110:], kind, first=110, name="1h_b")
    out = tmp_path / "out"
    assert cli("run", strategy(FLIP), "--data", market.root, "--out", out) == 0, cli.err
    assert "binanceusdm: 10 bars missing (5.0%)" in cli.out.splitlines()  # of 200
    # of one settlement every eight hours of 200 two are known, and one falls into the hole
    assert "binanceusdm: 22 of 24 funding settlements missing, charged at zero" in cli.out
    assert "22 of 24 funding settlements missing" in repr(bt.open_result(out))


@pytest.fixture
def with_holes(market):
    """200 hours: nothing from 100 to 109, a mark alone from 110 to 129."""
    market.add(SWINGS[:100])
    market.write(SWINGS[130:], "trade", first=130, name="1h_b")
    market.write(SWINGS[110:], "mark", first=110, name="1h_b")
    return market


def test_the_share_of_missing_bars_is_of_all_that_were_expected(with_holes):
    result = with_holes.run("strategies/hold.py", exposure=0.5)
    row = result.summary.row(0, named=True)
    assert (row["bars"], row["missing_bars"], row["expected_bars"]) == (190, 30, 200)
    assert "30 bars missing (15.0%)" in str(result)


def test_of_a_part_of_the_span_only_its_own_bars_are_expected(with_holes):
    result = with_holes.run("strategies/hold.py", since="2024-01-04", until="2024-01-05T20:00")
    row = result.summary.row(0, named=True)
    # hours 72 to 115: 28 whole ones, 10 without anything, 6 with a mark alone
    assert (row["missing_bars"], row["expected_bars"]) == (16, 44)


def test_an_account_that_stopped_expected_nothing_afterwards(with_holes):
    falling = [(99.0, 99.0, 80.0, 80.0)]
    with_holes.write([*SWINGS[:50], *falling, *flat(80, 49)], "mark")
    settings = {"exposure": 15, "leverage": 20, "on_liquidation": "stop"}
    row = with_holes.run("strategies/hold.py", **settings).summary.row(0, named=True)
    assert (row["stopped"], row["bars"]) == (True, 51)
    assert (row["missing_bars"], row["expected_bars"]) == (0, 51)


def test_a_survivor_that_was_refilled_says_so(shown):
    falling = steps(*[100.0 - 0.25 * n for n in range(200)])
    hold = "def on_bar(view):\n    return 1.5\n"
    flags = ("--leverage", "2", "--margin", "cross", "--on-liquidation", "refill")
    lines, _ = shown(hold, *flags, "--refill-below", "0.8", candles=falling)
    assert lines[0].startswith("binanceusdm  survives (-")
    assert lines[0].endswith(", refilled 3 times")


def test_liquidations_stand_in_order_of_time_across_venues(shown):
    lines, _ = shown(FLIP, *FOUR_VENUES, "--on-liquidation", "refill")
    start = next(n for n, line in enumerate(lines) if line.startswith(" #  time"))
    end = lines.index("the cause is the price where no other is named")
    rows = [line.split() for line in lines[start + 2 : end] if " 2024-" in line]
    assert len(rows) == 20
    times = [f"{row[1]} {row[2]}" for row in rows]
    assert times == sorted(times)
    numbers = [int(row[0]) for row in rows]
    assert set(numbers) == set(range(1, max(numbers) + 1))
    assert {row[3] for row in rows} == set(FOUR)
    assert any(line.startswith("… and ") and "--rows" in line for line in lines)


def test_steps_have_the_venues_name_for_them(shown):
    lines, _ = shown(FLIP, *FOUR_VENUES)
    rows = {line.split()[3]: line for line in lines if "  2024-" in line}
    assert rows["binanceusdm"].endswith("  close")
    assert rows["bybit"].endswith("  takeover")


def test_a_cause_other_than_the_price_is_shown(market, strategy, cli, tmp_path):
    market.add(flat(100, 12), funding=[0.0, 0.2])
    path = strategy("def on_bar(view):\n    return 1.0\n")
    out = tmp_path / "out"
    assert cli("run", path, "--data", market.root, "--out", out, "--leverage", "10") == 0
    assert "close (funding)" in cli.out
    assert "the cause is the price where no other is named" in cli.out


def test_a_cause_is_shown_whole_where_a_table_is_tight(market, strategy, cli, tmp_path):
    market.add(flat(100, 12), funding=[0.0, 0.2]).add(flat(50, 12), ETH, funding=[0.0, 0.2])
    path, out = (
        strategy("def on_bar(v):\n    return {s: 0.9 for s in v.symbols}\n"),
        tmp_path / "out",
    )
    flags = ("--symbol", f"{BTC},{ETH}", "--leverage", "10", *FOUR_VENUES)
    assert cli("run", path, "--data", market.root, "--out", out, *flags) == 0, cli.err
    taken = bt.open_result(out).liquidations
    assert set(taken["cause"]) == {"funding"}
    assert width(cli.out.splitlines()) <= 80
    words = " ".join(cli.out.split())
    assert words.count("(funding)") == taken.height == 6
    assert "…" not in words.partition("step, cause")[2].partition("the cause is")[0]


def test_steps_of_a_bar_that_differ_in_numbers_only_share_a_line(market, cli, tmp_path):
    market.add([*flat(100, 2), *steps(100, 97, 95, 93, 92), *flat(92, 3)])
    flags = ("--venue", "dydx", "--symbol", "BTC", "--prices", "binanceusdm", "--margin", "cross")
    flags += ("--exposure", "15", "--leverage", "20", "--out", tmp_path / "out")
    assert cli("run", "strategies/hold.py", "--data", market.root, *flags) == 0, cli.err
    taken = bt.open_result(tmp_path / "out").liquidations
    lines = [line for line in cli.out.splitlines() if "a tenth at the limit" in line]
    assert len(lines) == taken["ts"].n_unique()
    times = [int(line.rpartition("×")[2]) if "×" in line else 1 for line in lines]
    assert sum(times) == taken.height
    first = taken.filter(pl.col("ts") == taken["ts"][0])
    assert lines[0].split()[3] == f"{first['size_closed'].sum():.4g}*"


DATED = ("BTC/USD:BTC-240329", "BTC/USD:BTC-240628")


def test_dates_of_futures_can_be_read_in_every_table(market, strategy, cli, tmp_path):
    for symbol in DATED:
        market.add(SWINGS, symbol, venue="deribit")
    path = strategy("def on_bar(v):\n    return {s: -5.0 for s in v.symbols}\n")
    flags = ("--venue", "deribit", "--leverage", "20", "--data", market.root)
    out = tmp_path / "out"
    assert cli("run", path, "--symbol", ",".join(DATED), *flags, "--out", out) == 0, cli.err
    lines = cli.out.splitlines()
    assert width(lines) <= 80
    spans = [line.split() for line in lines if "2024-01-09" in line or "+1" in line]
    assert spans[0][:2] == ["deribit", "BTC/USD:BTC"]
    assert spans[1] == ["-240329", "+1"]
    assert {"-240329", "-240628"} <= set(cli.out.split())
    assert cli("run", path, "--symbol", DATED[1], *flags, "--out", tmp_path / "one") == 0, cli.err
    assert ["-240628"] in [line.split() for line in cli.out.splitlines()]


def test_rejections_are_grouped_by_reason_with_counts(market, strategy, cli, tmp_path):
    market.add(SWINGS)
    path, venues_ = strategy(FLIP), ("--venue", "binanceusdm,okx", "--prices", "binanceusdm")
    flags = (*venues_, "--leverage", "2", "--data", market.root, "--out", tmp_path / "out")
    assert cli("run", path, *flags) == 0, cli.err
    refused = bt.open_result(tmp_path / "out").rejections
    each = refused.filter(venue="okx").height
    lines = cli.out.splitlines()
    start = lines.index("orders rejected or dropped")
    said = f"  insufficient margin: {2 * each} orders (binanceusdm {each}, okx {each})"
    assert lines[start + 1] == said
    assert lines[start + 2] == "backtest show RESULT --records rejections --rows N lists them"


@pytest.mark.parametrize("venue", ["okx", "bybit", "bitmex"])
def test_an_order_that_lacked_the_fee_only_says_so(market, cli, tmp_path, venue):
    market.add(flat(100, 12))
    flags = ("--venue", venue, "--symbol", "BTC", "--prices", "binanceusdm", "--leverage", "10")
    flags += ("--data", market.root, "--exposure", "10", "--out", tmp_path / "out")
    assert cli("run", "strategies/hold.py", *flags) == 0, cli.err
    lines = cli.out.splitlines()
    assert lines[0].endswith("never traded: 1 order rejected (the opening fee does not fit)")
    start = lines.index("orders rejected or dropped")
    assert lines[start + 1 : start + 3] == [
        "  insufficient margin: 1 order",
        "    1 of them: the opening fee does not fit; lower --exposure, raise --leverage",
    ]


def test_a_run_that_never_traded_does_not_survive(shown):
    lines, out = shown(FLIP, "--leverage", "2")
    assert lines[0].startswith("binanceusdm  never traded: ")
    assert lines[0].endswith(" orders rejected (insufficient margin)")
    assert not any("survives" in line for line in lines)
    assert "never traded" in str(bt.open_result(out))


def test_a_strategy_without_orders_never_traded_either(shown):
    lines, _ = shown("def on_bar(view):\n    return None\n")
    assert lines[0] == "binanceusdm  never traded: no order came up"


def test_an_account_without_liquidations_survives(shown):
    lines, _ = shown("def on_bar(view):\n    return 0.5\n")
    assert lines[0].startswith("binanceusdm  survives (+")
    assert "no liquidations" in lines


def test_an_account_that_stopped_says_so(shown):
    lines, _ = shown(FLIP, "--on-liquidation", "stop", "--leverage", "20")
    assert lines[0].startswith("binanceusdm  liquidated once, first on 2024-01-0")
    assert lines[0].endswith("; stopped there")


def test_several_symbols_are_told_apart(market, strategy, cli, tmp_path):
    market.add(SWINGS).add(SWINGS, ETH)
    path = strategy("def on_bar(view):\n    return {s: -9.0 for s in view.symbols}\n")
    flags = ("--symbol", f"{BTC},{ETH}", "--margin", "cross", "--leverage", "20")
    code = cli("run", path, "--data", market.root, "--out", tmp_path / "out", *flags, *FOUR_VENUES)
    assert code == 0, cli.err
    assert width(cli.out.splitlines()) <= 80
    assert "  BTC  " in cli.out
    assert "  ETH  " in cli.out


def test_json_is_complete_and_valid(shown, cli):
    lines, out = shown(FLIP, *FOUR_VENUES, "--json")
    content = json.loads("\n".join(lines), parse_constant=pytest.fail)
    assert [row["venue"] for row in content["venues"]] == list(FOUR)
    assert content["result_hash"] == bt.open_result(out).hash
    assert content["synthetic"] is False
    first = content["venues"][0]
    assert first["verdict"].startswith("liquidated")
    assert datetime.fromisoformat(first["first_liquidation"]).year == 2024
    assert set(first) == {"verdict", *bt.open_result(out).summary.columns}


def test_json_of_records_has_no_numbers_that_are_none(shown, cli):
    _, out = shown(FLIP, *FOUR_VENUES, "--on-liquidation", "refill")
    rows = bt.open_result(out).liquidations.height
    assert cli("show", out, "--records", "liquidations", "--json", "--rows", "100000") == 0
    content = json.loads(cli.out, parse_constant=pytest.fail)
    assert len(content) == rows
    assert {row["venue"] for row in content} == set(FOUR)


def test_show_prints_what_the_run_printed(shown, cli):
    lines, out = shown(FLIP, *FOUR_VENUES)
    assert cli("show", out) == 0
    assert cli.out.splitlines() == lines
    assert cli("show", out, "--json") == 0
    assert json.loads(cli.out)["path"] == str(out)


def test_show_lists_any_kind_of_record(shown, cli):
    _, out = shown(FLIP)
    for kind in ("fills", "trades", "equity", "margin", "funding", "gaps", "rejections"):
        assert cli("show", out, "--records", kind, "--rows", "2") == 0
        assert cli.out
        assert max(map(len, cli.out.splitlines())) <= 80


def test_show_refuses_what_is_no_run(cli, tmp_path):
    assert cli("show", tmp_path / "nothing") == 1
    assert cli.sentence.startswith("there is no run at ")
    for rows in ("many", "-3"):
        assert cli("show", tmp_path, "--rows", rows) == 2
        assert len(cli.err.splitlines()) == 1


def test_show_refuses_an_unknown_kind_with_a_hint(shown, cli):
    _, out = shown(FLIP)
    assert cli("show", out, "--records", "liquidation") == 2
    assert cli.sentence == "unknown kind of record 'liquidation'; did you mean 'liquidations'?"


def test_the_demo_is_synthetic_and_says_so(cli, tmp_path):
    assert cli("demo", "--out", tmp_path / "demo") == 0
    lines = cli.out.splitlines()
    assert [line.split()[1] for line in lines[:4]] == ["liquidated"] * 4
    assert lines[4] == "(synthetic data: made by a generator, no market had these prices)"
    assert width(lines) <= 80
    assert cli("demo", "--out", tmp_path / "again", "--json") == 0
    content = json.loads(cli.out, parse_constant=pytest.fail)
    assert content["synthetic"] is True
    assert content["result_hash"] == bt.open_result(tmp_path / "demo").hash


def test_a_result_prints_itself(shown):
    _, out = shown(FLIP, "--leverage", "20")
    text = str(bt.open_result(out))
    assert text.startswith("binanceusdm: liquidated ")
    assert text.splitlines()[-1].startswith(f"result {out}, hash ")
    assert repr(bt.open_result(out)) == text


AMOUNTS = {
    **{0: "0.00", -12.345: "-12.35", 999.994: "999.99", 1234.5: "1,234", -999_999: "-999,999"},
    **{1.5e6: "1.5M", -123_456_789: "-123.5M", 2.5e9: "2.5B", 1e12: "1000B"},
}


@pytest.mark.parametrize(("value", "text"), AMOUNTS.items())
def test_amounts_fit_eight_characters(value, text):
    assert amount(value) == text
    assert len(text) <= 8


def test_prices_keep_six_digits():
    assert [price(p) for p in (40366.4567, 0.00012345678, 1.5)] == ["40366.5", "0.000123457", "1.5"]


def test_a_table_cuts_its_last_column_to_fit():
    text = table(("a", "b"), [("x" * 60, "y" * 60)], "ll")
    assert [len(line) for line in text.splitlines()] == [63, 80, 80]
    assert text.endswith("…")
