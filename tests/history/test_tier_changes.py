"""Binance SOL over the tier changes of 2022-11 to 2023-02: dated rules against frozen ones.

From 2022-11-25 09:42 the first tier of SOL needs 2 % instead of 1 % and allows 12x instead of
50x, from 2023-02-16 05:42 again 1 % and 50x (tables of the freqtrade repository, dated by its
commits). The figures are typed in, the arithmetic uses nothing of the engine. The marks of SOL
begin in 2024, so the trade price stands in for them.
"""

import polars as pl
import pytest

import backtest as bt

from .rows import only, stamp

pytestmark = pytest.mark.market_data
SOL = "SOL/USDT:USDT"
FEE, EXACT = 0.0004, 1e-9
BEFORE, AFTER = 0.01, 0.02
SIZE, LEVERAGE = 2000, 40
ENTRY_TIME, CHANGE = "2022-11-25T07:00", "2022-11-25T10:00"
FROZEN = {"rules_as_of": "2022-10-01"}


def replay(market_data, tmp_path, orders, **settings):
    """Run a list of (time, size) of SOL over the whole of the four months."""
    path = tmp_path / "orders.csv"
    lines = [f"{time},{SOL},{size}" for time, size in orders]
    path.write_text("\n".join(["ts,symbol,size", *lines]), "utf-8")
    return bt.run(
        orders=path, data=market_data, venues="binanceusdm", symbols=SOL, since="2022-11-01",
        until="2023-03-01", leverage=LEVERAGE, out=tmp_path / "result", force=True, **settings,
    )  # fmt: skip


@pytest.fixture
def history(market_data):
    """Trade candles by time, and the funding rates settled at some of them."""
    folder = market_data / "binanceusdm" / "SOL_USDT_USDT"
    trade = pl.read_parquet(folder / "trade" / "1h.parquet").sort("ts")
    funding = pl.read_parquet(folder / "funding" / "funding.parquet")
    return trade, dict(zip(funding["ts"], funding["funding_rate"], strict=True))


def traced(history):
    """(entry, margin left, open at the change): a long through the hours before it."""
    trade, rates = history
    held = trade.filter(pl.col("ts").is_between(stamp(ENTRY_TIME), stamp(CHANGE)))
    *hours, change = held.iter_rows(named=True)
    entry = hours[0]["open"]
    margin = SIZE * entry / LEVERAGE - SIZE * entry * FEE
    for hour in hours:
        if hour["ts"] in rates and hour is not hours[0]:
            margin -= SIZE * hour["open"] * rates[hour["ts"]]
        assert hour["low"] > (SIZE * entry - margin) / (SIZE * (1 - BEFORE))
    assert change["ts"] not in rates
    return entry, margin, change["open"]


def test_a_long_that_the_old_tiers_keep_falls_at_the_change(market_data, tmp_path, history):
    result = replay(market_data, tmp_path, [(ENTRY_TIME, SIZE), ("2022-11-26T12:00", -SIZE)])
    entry, margin, at = traced(history)
    assert (entry, at) == (14.118, 14.033)
    assert SIZE * at < 50_000
    left = margin + SIZE * (at - entry)
    assert SIZE * at * BEFORE < left < SIZE * at * AFTER

    got = only(result.liquidations)
    assert (got["ts"], got["cause"]) == (stamp(CHANGE), "tier change")
    assert (got["tier_before"], got["tier_after"], got["bars_held"]) == (1, 0, 3)
    assert (got["mark_price"], got["exit_price"]) == (at, at)
    assert got["equity_before"] == pytest.approx(left, rel=EXACT)
    assert got["maintenance_margin"] == pytest.approx(SIZE * at * AFTER, rel=EXACT)
    level = (SIZE * entry - margin) / (SIZE * (1 - AFTER))
    assert got["liquidation_price"] == pytest.approx(level, rel=EXACT)
    # 1.25 % of the position, less than the 1.8 % that is left
    assert got["fee"] == pytest.approx(SIZE * at * 0.0125, rel=EXACT)
    assert got["residual"] == pytest.approx(left - SIZE * at * 0.0125, rel=EXACT)
    assert got["mark_is_proxy"]


def test_the_same_long_under_the_rules_of_october_is_sold_a_day_later(
    market_data, tmp_path, history
):
    orders = [(ENTRY_TIME, SIZE), ("2022-11-26T12:00", -SIZE)]
    result = replay(market_data, tmp_path, orders, **FROZEN)
    trade, rates = history
    entry, _, _ = traced(history)
    sold = only(trade.filter(ts=stamp("2022-11-26T12:00")))["open"]
    held = trade.filter(pl.col("ts").is_between(stamp("2022-11-25T08:00"), stamp("2022-11-26T12")))
    paid = sum(
        SIZE * hour["open"] * rates.get(hour["ts"], 0.0) for hour in held.iter_rows(named=True)
    )
    assert result.liquidations.height == 0
    trade = only(result.trades)
    assert trade["exit_reason"] == "signal"
    fees = SIZE * (entry + sold) * FEE
    assert trade["pnl"] == pytest.approx(SIZE * (sold - entry) - fees - paid, rel=EXACT)
    account = result.manifest["accounts"][0]
    assert result.manifest["config"]["rules_as_of"] == "2022-10-01 00:00"
    assert [len(period["tiers"]) for period in account["rules"][SOL]] == [7]
    assert account["rules"][SOL][0]["tiers"][0]["rate"] == BEFORE


def test_a_leverage_that_the_new_tiers_forbid_is_rejected_until_they_allow_it(
    market_data, tmp_path, history
):
    orders = [("2022-11-03T00:00", 500), ("2022-11-03T01:00", -500), ("2022-12-05T00:00", 500)]
    orders += [("2023-02-22T00:00", 500), ("2023-02-22T01:00", -500)]
    dated = replay(market_data, tmp_path, orders)
    refused = only(dated.rejections)
    assert (refused["ts"], refused["reason"]) == (stamp("2022-12-05"), "max leverage")
    price = only(history[0].filter(ts=stamp("2022-12-05")))["open"]
    assert (refused["size"], refused["price"]) == (500, price)
    assert refused["required"] == pytest.approx(500 * price, rel=EXACT)
    assert refused["available"] == 0.0  # no tier of the 12x table allows 40x
    assert [ts.month for ts in dated.fills["ts"]] == [11, 11, 2, 2]
    orders.insert(3, ("2022-12-05T01:00", -500))
    frozen = replay(market_data, tmp_path, orders, **FROZEN)
    assert frozen.rejections.height == 0
    assert [ts.month for ts in frozen.fills["ts"]] == [11, 11, 12, 12, 2, 2]


def test_the_command_line_takes_the_date(market_data, tmp_path, monkeypatch, capsys):
    from backtest.cli.main import main

    flags = ["--data", str(market_data), "--symbol", SOL, "--out", str(tmp_path / "run")]
    flags += ["--since", "2022-11-24", "--until", "2022-11-26", "--rules-as-of", "2022-10-01"]
    monkeypatch.setattr("sys.argv", ["backtest", "run", "strategies/hold.py", *flags])
    main()
    assert "binanceusdm" in capsys.readouterr().out
    config = bt.open_result(tmp_path / "run").manifest["config"]
    assert config["rules_as_of"] == "2022-10-01 00:00"
