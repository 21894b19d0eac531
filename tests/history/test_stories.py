"""Stories of liquidations on real history, with what moved them reckoned from the raw candles."""

import polars as pl
import pytest

import backtest as bt

SOL, BTC = "SOL/USDT:USDT", "BTC/USDT:USDT"
SIZE, LEVERAGE = 2000, 40
ENTRY, CHANGE = "2022-11-25T07:00", "2022-11-25T10:00"


def candles(market_data, symbol, kind):
    folder = market_data / "binanceusdm" / symbol.replace("/", "_").replace(":", "_")
    return pl.read_parquet(
        folder / kind / ("funding.parquet" if kind == "funding" else "1h.parquet")
    )


def between(frame, first, last):
    stamps = [pl.lit(one).str.to_datetime(time_unit="ms", time_zone="UTC") for one in (first, last)]
    return frame.filter(pl.col("ts").is_between(*stamps)).sort("ts")


def tier(result, symbol, moment):
    """The first tier's rate, and the taker fee, in force at a moment."""
    periods = result.manifest["accounts"][0]["rules"][symbol]
    now = [one for one in periods if (one["valid_from"] or "") <= moment.replace("T", " ")][-1]
    return now["tiers"][0]["rate"], now["taker_fee"]


def test_new_tiers_are_named_as_what_moved_the_ratio(market_data, tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text(f"ts,symbol,size\n{ENTRY},{SOL},{SIZE}\n2022-11-26T12:00,{SOL},-{SIZE}\n")
    result = bt.run(
        orders=orders, data=market_data, venues="binanceusdm", symbols=SOL, since="2022-11-01",
        until="2022-12-01", leverage=LEVERAGE, out=tmp_path / "result",
    )  # fmt: skip
    hours = between(candles(market_data, SOL, "trade"), ENTRY, CHANGE)["open"]
    entry, at = hours[0], hours[-1]
    (before, fee), (after, _) = tier(result, SOL, ENTRY), tier(result, SOL, CHANGE)
    assert before < after
    margin = SIZE * entry / LEVERAGE - SIZE * entry * fee
    paid = between(candles(market_data, SOL, "funding"), "2022-11-25T08:00", CHANGE)
    rate, eight = paid["funding_rate"][0], hours[1]

    story = bt.why(result, 1)
    assert story.start.equity == pytest.approx(margin, rel=1e-12)
    assert story.start.maintenance == pytest.approx(SIZE * entry * before, rel=1e-12)
    told = {part.kind: (part.equity, part.maintenance) for part in story.parts}
    assert list(told) == ["funding", "price", "rules"]
    assert told["funding"] == (pytest.approx(-SIZE * eight * rate), 0.0)
    assert told["price"] == pytest.approx((SIZE * (at - entry), SIZE * (at - entry) * before))
    assert told["rules"] == (0.0, pytest.approx(SIZE * at * (after - before)))
    assert story.end.equity == pytest.approx(margin - SIZE * eight * rate + SIZE * (at - entry))
    assert story.end.ratio > 1.0
    assert "by a change of tiers" in repr(story)


def test_the_fall_of_19_may_2021_is_told_from_the_candles(market_data, tmp_path):
    result = bt.run(
        "strategies/hold.py", data=market_data, venues="binanceusdm", symbols=BTC,
        since="2021-05-18", until="2021-05-22", exposure=4, leverage=5, out=tmp_path / "result",
    )  # fmt: skip
    story = bt.why(result, 1)
    first = story.fall.first
    mark = between(candles(market_data, BTC, "mark"), "2021-05-18T01:00", "2021-05-20T00:00")
    trade = between(candles(market_data, BTC, "trade"), "2021-05-18T01:00", "2021-05-18T01:00")
    entry = trade["open"][0]
    size = round(4 * 10_000 / candles_close(market_data, "2021-05-18T00:00") - 0.0005, 3)
    assert (first["entry_price"], first["size_before"]) == (entry, size)
    fell = mark.filter(pl.col("ts") == first["ts"]).row(0, named=True)
    assert fell["low"] <= first["mark_price"] <= fell["open"]
    assert mark.filter(pl.col("ts") < first["ts"])["low"].min() > first["mark_price"]
    price = next(part for part in story.parts if part.kind == "price")
    assert price.before == mark["open"][0]
    assert price.equity == pytest.approx(size * (first["mark_price"] - mark["open"][0]))
    found = {f"{one.kind} {one.by}".strip(): one for one in story.remedies}
    assert found["stop mark"].value == pytest.approx(first["mark_price"], rel=1e-4)
    assert found["stop last"].value >= found["stop mark"].value
    lowest = mark["low"].min()
    rate = story.end.maintenance / (size * first["mark_price"])
    missing = (first["mark_price"] - lowest) * size * (1 - rate)
    assert found["margin"].fails <= missing * 1.001
    assert found["margin"].value == pytest.approx(missing, rel=0.01)


def candles_close(market_data, moment):
    return between(candles(market_data, BTC, "trade"), moment, moment)["close"][0]
