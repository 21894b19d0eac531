"""Several venues in one run: on their common span, or all on one venue's prices."""

import json
from math import isnan

import polars as pl
import pytest

import backtest as bt
from backtest import venues

from .market import BTC, ETH, flat, steps

ETH_QUANTO = "ETH/USD:BTC"
FOUR = ("binanceusdm", "bybit", "okx", "hyperliquid")


def test_each_venue_runs_on_its_own_prices_over_the_common_span(market):
    market.add(flat(100, 30)).add(flat(200, 30), venue="bybit", first=6)
    result = market.run("strategies/hold.py", venues="binanceusdm,bybit")
    rows = result.summary.select("venue", "prices", "since", "until").rows()
    assert rows == [
        ("binanceusdm", "binanceusdm", "2024-01-01 06:00", "2024-01-02 06:00"),
        ("bybit", "bybit", "2024-01-01 06:00", "2024-01-02 06:00"),
    ]
    assert result.fills["price"].to_list() == [100.0, 200.0]


def test_on_one_venues_prices_only_the_rules_differ(market):
    market.add(flat(100, 30)).add(flat(200, 30), venue="bybit")
    result = market.run("strategies/hold.py", venues=FOUR, prices="bybit")
    assert result.summary["prices"].to_list() == ["bybit"] * 4
    assert result.fills["price"].to_list() == [200.0] * 4
    assert result.fills["fee"].n_unique() > 1


def test_prices_may_come_from_a_venue_that_has_no_rulebook(market):
    market.add(flat(100, 30), venue="ftx")
    result = market.run("strategies/hold.py", venues="okx", prices="ftx")
    assert result.summary.select("venue", "prices").rows() == [("okx", "ftx")]


def test_a_venue_that_settles_in_another_coin_runs_its_own_symbol(market):
    market.add(flat(100, 30))
    result = market.run("strategies/hold.py", venues="hyperliquid", prices="binanceusdm")
    assert result.summary["symbols"].to_list() == ["BTC/USDC:USDC"]
    assert result.equity["asset"].unique().to_list() == ["USDC"]


def test_one_venue_alone_and_among_others_gives_the_same_records(market, tmp_path):
    settings = {"exposure": 8, "leverage": 20, "on_liquidation": "refill", "until": "2023-06-01"}
    settings["prices"] = "binanceusdm"
    together = bt.run("strategies/sma_cross.py", venues=FOUR, out=tmp_path / "all", **settings)
    for venue in FOUR:
        alone = bt.run("strategies/sma_cross.py", venues=venue, out=tmp_path / venue, **settings)
        for kind in ("liquidations", "fills", "equity", "margin"):
            assert alone.frame(kind).equals(together.frame(kind).filter(venue=venue))


def test_an_account_of_two_settle_assets_has_a_pool_for_each(market):
    usdc = "BTC/USDC:USDC"
    market.add(flat(100, 12)).add(flat(100, 12), usdc)
    book = bt.load_venue("binanceusdm")
    other = usdc if usdc in book.symbols() else ETH
    market.add(flat(50, 12), other)
    result = market.run("strategies/hold.py", symbols=[BTC, other], exposure=0.5)
    pools = result.equity["asset"].n_unique()
    assert pools == (2 if other == usdc else 1)
    assert result.manifest["accounts"][0]["totals"]["deposits"] == pools * 10_000


ALL = tuple(venues.known())
COSTS = ("fees", "funding", "liquidation_fees", "forfeited")
FALL = [*flat(100, 12), *steps(100, 95, 88, 70, 70), *flat(70, 12)]


@pytest.fixture
def twelve(market):
    """A long of a coin alone, ten times its money, on every venue through a fall of 30 %."""
    market.add(FALL, funding=[0.0, 0.001])
    return market.run(
        "strategies/hold.py", venues=ALL, symbols="BTC", prices="binanceusdm",
        exposure=8, leverage=10, margin="cross", on_liquidation="refill", cash=1_000,
    )  # fmt: skip


def test_a_coin_alone_runs_on_every_venue(twelve):
    own = {row["venue"]: row for row in twelve.summary.iter_rows(named=True)}
    assert list(own) == list(ALL)
    assert {row["symbols"].split("/")[0] for row in own.values()} == {"BTC"}
    assert own["bitmex"]["symbols"] == "BTC/USD:BTC"
    assert own["bybit"]["symbols"] == "BTC/USDT:USDT"
    assert twelve.summary["liquidations"].min() >= 1


def test_every_account_begins_with_the_same_dollars(twelve):
    first = twelve.equity.group_by("venue").agg(pl.all().sort_by("ts").first())
    assert first["equity_usd"].to_list() == pytest.approx([1_000] * len(ALL))
    coin = twelve.equity.filter(venue="bitmex").row(0, named=True)
    assert coin["asset"] == "BTC"
    assert coin["equity_usd"] == pytest.approx(coin["equity"] * 100)


def test_money_is_conserved_in_dollars_and_in_every_settle_asset(twelve):
    for account in twelve.manifest["accounts"]:
        totals = account["totals"]
        for one in (totals, *totals["assets"].values()):
            flows = one["deposits"] + one["realized"] + one["unrealized"] + one["shortfall"]
            flows += one.get("revaluation", 0.0) - sum(one[name] for name in COSTS)
            assert flows == pytest.approx(one["equity"], rel=1e-9, abs=1e-9)
        if "BTC" not in totals["assets"]:
            assert totals["revaluation"] == 0.0


def test_what_a_coin_account_lost_is_counted_at_the_mark_of_each_record(twelve):
    for venue in ("bitmex", "binancecoinm"):
        (row,) = twelve.summary.filter(venue=venue).iter_rows(named=True)
        own = twelve.liquidations.filter(venue=venue)
        assert (own["usd_price"] == own["mark_price"]).all()
        lost = (own["fee"] + own["forfeited"] + own["slippage"]) * own["mark_price"]
        assert row["liquidation_loss"] == pytest.approx(lost.sum())
        totals = twelve.manifest["accounts"][ALL.index(venue)]["totals"]
        assert row["liquidation_fees"] == pytest.approx(totals["liquidation_fees"])
        assert row["forfeited"] == pytest.approx(totals["forfeited"])


def test_a_refill_brings_a_coin_account_back_to_the_first_dollars(twelve):
    deposit = twelve.deposits.filter(venue="bitmex").row(0, named=True)
    after = twelve.equity.filter(pl.col("venue") == "bitmex", pl.col("ts") == deposit["ts"])
    assert after["equity"][0] * deposit["usd_price"] == pytest.approx(1_000)


def test_cash_may_be_given_in_the_settle_asset(market):
    market.add(flat(100, 12))
    result = market.run(
        "strategies/hold.py", venues="bitmex", symbols="BTC", prices="binanceusdm",
        cash=2, cash_in="settle", exposure=0.5,
    )  # fmt: skip
    assert result.equity["equity"][-1] == pytest.approx(2.0, abs=0.01)
    assert result.summary["deposits"][0] == pytest.approx(200)


QUANTO = {"venues": "bitmex", "symbols": ETH_QUANTO, "prices": "binanceusdm", "exposure": 0.5}


def test_a_coin_that_no_symbol_prices_cannot_be_bought(market):
    market.add(flat(100, 12), ETH).add(flat(1_000, 12))
    with pytest.raises(bt.UsageError, match=r"settles in BTC .* add BTC to --symbol"):
        market.run("strategies/hold.py", **QUANTO)
    result = market.run("strategies/hold.py", **QUANTO, cash=1, cash_in="settle")
    assert isnan(result.equity["equity_usd"][0])
    assert isnan(result.summary["equity_final"][0])
    assert result.summary["equity_settle"][0] == pytest.approx(1.0, abs=0.01)
    assert "survives" in str(result)
    both = market.run("strategies/hold.py", **{**QUANTO, "symbols": [ETH_QUANTO, "BTC"]})
    assert both.equity["equity_usd"][0] == pytest.approx(10_000, rel=0.01)


def test_a_venue_that_cannot_take_the_run_stops_it_and_says_how_to_go_on(market):
    market.add(flat(100, 12))
    settings = {"symbols": BTC, "prices": "binanceusdm", "leverage": 110, "exposure": 0.5}
    with pytest.raises(bt.UsageError, match=r"over the maximum of 50 .* out with --skip-refused\."):
        market.run("strategies/hold.py", venues="binanceusdm,hyperliquid", **settings)
    with pytest.raises(bt.UsageError, match=r"lower --leverage\.$"):
        market.run("strategies/hold.py", venues="hyperliquid", skip_refused=True, **settings)


def test_a_venue_that_cannot_take_the_run_may_be_left_out(market):
    market.add(flat(100, 12)).add(flat(200, 12), venue="bybit", first=40)
    settings = {"symbols": "BTC", "skip_refused": True, "exposure": 0.5}
    result = market.run("strategies/hold.py", venues="binanceusdm,okx,bitmex", **settings)
    assert result.summary["venue"].to_list() == ["binanceusdm"]
    assert list(result.manifest["left_out"]) == ["okx", "bitmex"]
    assert result.manifest["left_out"]["okx"].startswith("there are no prices of okx in ")
    with pytest.raises(bt.DataError, match="no venue can take this run; the first"):
        market.run("strategies/hold.py", venues="okx,bitmex", **settings)


def test_without_those_left_out_the_common_span_is_that_of_the_rest(market):
    market.add(flat(100, 30)).add(flat(200, 20), venue="hyperliquid", symbol="BTC/USDC:USDC")
    result = market.run(
        "strategies/hold.py", venues="binanceusdm,hyperliquid", symbols="BTC",
        leverage=100, exposure=0.5, skip_refused=True,
    )  # fmt: skip
    assert result.summary.select("venue", "bars").rows() == [("binanceusdm", 30)]


def test_rules_held_before_their_first_date_are_named(market):
    market.add(flat(100, 12))
    path = {"rules_as_of": "2015-01-01", "prices": "binanceusdm"}
    with pytest.raises(bt.UsageError, match="rules of dydx begin on 2023-10-26, and --rules-as-of"):
        market.run("strategies/hold.py", venues="dydx", **path)


def test_a_dated_future_has_its_own_prices_and_no_funding(market):
    dated = "BTC/USD:BTC-240329"
    market.add(flat(100, 20), "BTC/USD:BTC", venue="deribit", funding=[0.01, 0.01, 0.01])
    settings = {"venues": "deribit", "symbols": dated, "exposure": 0.5, "leverage": 2}
    with pytest.raises(bt.DataError, match="no prices of BTC/USD:BTC-240329 of deribit in"):
        market.run("strategies/hold.py", **settings)
    market.add(flat(110, 20), dated, venue="deribit", funding=[0.01, 0.01, 0.01])
    result = market.run("strategies/hold.py", **settings)
    assert result.fills["price"].to_list() == [110.0]
    assert result.funding.height == 0
    assert result.summary["funding_events"].to_list() == [0]


def test_missing_settlements_fall_on_the_venues_own_hours(market):
    market.add(flat(100, 24), "BTC/USD:BTC", venue="bitmex")
    path = market.path("funding", "funding", "BTC/USD:BTC", "bitmex")
    path.unlink()
    result = market.run(
        "strategies/hold.py", venues="bitmex", symbols="BTC", missing_funding=0.0001, exposure=0.5
    )
    assert [ts.hour for ts in result.funding["ts"]] == [4, 12, 20]


def test_the_table_of_twelve_venues_fits_a_terminal_and_names_who_is_left_out(
    market, cli, tmp_path
):
    market.add(FALL)
    flags = ("--symbols", "BTC", "--venue", ",".join(ALL), "--data", market.root)
    flags += ("--prices", "binanceusdm", "--margin", "cross", "--leverage", "60")
    flags += ("--cash", "1e6", "--on-liquidation", "refill", "--exposure", "15")
    out = tmp_path / "out"
    assert cli("run", "strategies/hold.py", *flags, "--skip-refused", "--out", out) == 0, cli.err
    lines = [line for line in cli.out.splitlines() if not line.startswith("result ")]
    assert max(map(len, lines)) <= 80
    head = next(n for n, line in enumerate(lines) if line.startswith("venue") and "liq" in line)
    shown = [line.split()[0] for line in lines[head + 2 : head + 2 + len(ALL)]]
    left_out = bt.open_result(out).manifest["left_out"]
    assert set(shown) - {"USD;", "left"} >= set(ALL) - set(left_out)
    assert "hyperliquid" in left_out
    assert any(line.startswith("left out: hyperliquid: leverage 60") for line in lines)
    assert cli("show", out, "--json") == 0
    assert json.loads(cli.out)["left_out"] == left_out
