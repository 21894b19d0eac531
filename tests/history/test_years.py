"""The main job on years of real hours under four venues' rules: facts about the whole run."""

import polars as pl
import pytest

import backtest as bt

pytestmark = pytest.mark.market_data
VENUES = ("binanceusdm", "bybit", "okx", "hyperliquid")
COSTS = ("fees", "funding", "liquidation_fees", "forfeited")


@pytest.fixture(scope="module")
def result(market_data, tmp_path_factory):
    return bt.run(
        "strategies/sma_cross.py", data=market_data, venues=VENUES, prices="binanceusdm",
        symbols="BTC/USDT:USDT", timeframe="1h", since="2022-03-01", exposure=5, leverage=20,
        margin="isolated", on_liquidation="refill", out=tmp_path_factory.mktemp("run") / "years",
    )  # fmt: skip


def test_every_venue_liquidates_about_as_often_as_an_outside_check_found(result):
    rows = {row["venue"]: row for row in result.summary.iter_rows(named=True)}
    assert list(rows) == list(VENUES)
    assert 55 <= rows["binanceusdm"]["full"] <= 65
    assert rows["binanceusdm"]["partial"] == 0
    for venue in ("bybit", "okx"):
        assert abs(rows[venue]["full"] - rows["binanceusdm"]["full"]) <= 3
    # a market liquidation closes a fifth first, so there are more and they cost less
    assert rows["hyperliquid"]["partial"] > 20
    lost = {venue: row["liquidation_loss"] for venue, row in rows.items()}
    assert lost["hyperliquid"] < 0.2 * min(lost[v] for v in VENUES[:3])


def test_the_four_rows_speak_of_the_same_prices(result):
    assert set(result.summary["prices"]) == {"binanceusdm"}
    assert result.summary["bars"].n_unique() == 1
    # one bar in 36,000: the mark series ends an hour before the trade series
    assert result.summary["proxy_share"].max() < 1e-4
    assert result.summary["since"].n_unique() == 1


def test_money_is_conserved_on_every_venue(result):
    for account in result.manifest["accounts"]:
        totals = account["totals"]
        flows = totals["deposits"] + totals["realized"] + totals["unrealized"]
        flows += totals["shortfall"] - sum(totals[name] for name in COSTS)
        assert flows == pytest.approx(totals["equity"], rel=1e-9)


def test_every_step_balances(result):
    steps = result.liquidations
    right = pl.col("slippage") + pl.col("fee") + pl.col("forfeited") + pl.col("residual")
    gap = (pl.col("equity_before") - right + pl.col("shortfall")).abs()
    scale = pl.max_horizontal(
        pl.col("equity_before").abs(), pl.col("size_closed") * pl.col("mark_price")
    )
    assert steps.select((gap / scale).max()).item() < 1e-9
    fund = steps.filter(pl.col("venue") == "binanceusdm")
    assert (fund["insurance"] - fund["fee"] + fund["shortfall"]).abs().max() < 1e-9


def test_a_takeover_forfeits_the_margin_and_a_market_close_returns_the_rest(result):
    by_venue = {v: result.liquidations.filter(pl.col("venue") == v) for v in VENUES}
    assert by_venue["bybit"]["residual"].max() == 0.0
    assert (
        by_venue["bybit"]["exit_price"] - by_venue["bybit"]["bankruptcy_price"]
    ).abs().max() < 1e-6
    assert by_venue["okx"]["residual"].max() == 0.0
    assert by_venue["hyperliquid"].filter(pl.col("residual") > 0).height > 90
    market = by_venue["binanceusdm"]
    assert (market["exit_price"] == market["mark_price"]).all()


def test_nothing_is_liquidated_where_the_mark_did_not_go(result, market_data):
    folder = market_data / "binanceusdm" / "BTC_USDT_USDT" / "mark" / "1h.parquet"
    marks = pl.read_parquet(folder).select("ts", "low", "high")
    seen = result.liquidations.join(marks, on="ts", how="left")
    assert seen["low"].null_count() == 0
    assert seen.filter(pl.col("mark_price") < pl.col("low") * (1 - 1e-12)).height == 0
    assert seen.filter(pl.col("mark_price") > pl.col("high") * (1 + 1e-12)).height == 0
