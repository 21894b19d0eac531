"""`--orders FILE`: a user's own list, replayed through the same account."""

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

import backtest as bt

from .market import BTC, ETH, HOUR, START, flat, steps

PATH = [(100, 102, 99, 101), (101, 104, 100, 103), (103, 105, 102, 104), (104, 104, 101, 102)] * 8


def write(tmp_path, columns, name="orders.csv"):
    path = tmp_path / name
    frame = pl.DataFrame(columns)
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return str(path)


def at(hour):
    return datetime.fromtimestamp((START + hour * HOUR) / 1000, UTC)


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet"])
def test_sizes_fill_at_the_open_of_their_bar(market, tmp_path, name):
    columns = {"ts": [at(1), at(3)], "symbol": [BTC, BTC], "size": [2.0, -2.0]}
    result = market.add(PATH).run(orders=write(tmp_path, columns, name))
    assert result.fills["ts"].to_list() == [at(1), at(3)]
    assert result.fills["price"].to_list() == [101.0, 104.0]
    assert result.fills["size"].to_list() == [2.0, -2.0]
    assert result.fills["fee"].to_list() == pytest.approx([2 * 101 * 0.0005, 2 * 104 * 0.0005])


def test_an_own_price_fills_exactly_there_when_the_bar_traded_it(market, tmp_path):
    columns = {
        "ts": [at(1), at(2)],
        "symbol": [BTC] * 2,
        "size": [2.0, -2.0],
        "price": [100.5, 104.5],
    }
    result = market.add(PATH).run(orders=write(tmp_path, columns))
    assert result.fills["price"].to_list() == [100.5, 104.5]
    assert result.trades["pnl"][0] == pytest.approx(2 * 4.0 - 2 * (100.5 + 104.5) * 0.0005)


def test_a_price_the_bar_did_not_trade_is_rejected_with_that_reason(market, tmp_path):
    columns = {"ts": [at(1)], "symbol": [BTC], "size": [2.0], "price": [110.0]}
    result = market.add(PATH).run(orders=write(tmp_path, columns))
    assert result.fills.height == 0
    assert result.rejections["reason"].to_list() == ["price not traded"]


def test_an_empty_price_means_the_open(market, tmp_path):
    columns = {
        "ts": [at(1), at(2)],
        "symbol": [BTC] * 2,
        "size": [2.0, -2.0],
        "price": [None, 104.5],
    }
    result = market.add(PATH).run(orders=write(tmp_path, columns))
    assert result.fills["price"].to_list() == [101.0, 104.5]


def test_target_exposures_are_taken_too_and_multiplied(market, tmp_path):
    columns = {"ts": [at(1), at(3)], "symbol": [BTC] * 2, "exposure": [1, 0]}
    result = market.add(PATH).run(orders=write(tmp_path, columns), exposure=2)
    # judged by the close before (101) and filled at the next open (101)
    assert result.fills["size"][0] == pytest.approx(2 * 10_000 / 101, abs=0.001)
    assert result.fills["position_after"][-1] == 0.0


def test_a_time_between_two_bars_fills_at_the_next_open(market, tmp_path):
    columns = {"ts": [at(1) + timedelta(minutes=20)], "symbol": [BTC], "size": [1.0]}
    result = market.add(PATH).run(orders=write(tmp_path, columns))
    assert result.fills["ts"].to_list() == [at(2)]


TIMES = {
    "iso text": ["2024-01-01T03:00:00", "2024-01-01 05:00"],
    "iso text with zones": ["2024-01-01T05:00:00+02:00", "2024-01-01T05:00:00Z"],
    "milliseconds": [START + 3 * HOUR, START + 5 * HOUR],
    "datetimes without a zone": [at(3).replace(tzinfo=None), at(5).replace(tzinfo=None)],
    "datetimes in a zone": [at(hour).astimezone(timezone(timedelta(hours=-5))) for hour in (3, 5)],
}


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet"])
@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_times_may_be_written_in_any_usual_way(market, tmp_path, times, name):
    columns = {"ts": times, "symbol": [BTC] * 2, "size": [1.0, 1.0]}
    result = market.add(PATH).run(orders=write(tmp_path, columns, name))
    assert result.fills["ts"].to_list() == [at(3), at(5)]


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet"])
def test_a_date_is_its_first_moment_in_utc(market, tmp_path, name):
    columns = {"ts": [date(2024, 1, 2)], "symbol": [BTC], "size": [1.0]}
    result = market.add(PATH).run(orders=write(tmp_path, columns, name))
    assert result.fills["ts"].to_list() == [at(24)]


def test_orders_outside_the_span_are_recorded_and_do_not_fill(market, tmp_path):
    market.add(flat(100, 6))
    rows = {"ts": [at(0), at(3), at(30)], "symbol": [BTC] * 3, "size": [1.0, 2.0, 3.0]}
    since = "2024-01-01T02:00"
    result = market.run(orders=write(tmp_path, rows), since=since, until="2024-01-01T05:00")
    assert result.fills["size"].to_list() == [2.0]
    left = result.rejections
    assert left["reason"].to_list() == ["outside span", "outside span"]
    assert left["size"].to_list() == [1.0, 3.0]
    assert result.summary["rejections"].to_list() == [2]


def test_rows_may_come_in_any_order_and_for_several_symbols(market, tmp_path):
    market.add(PATH).add(flat(50, 32), ETH)
    columns = {"ts": [at(3), at(1), at(2)], "symbol": [BTC, ETH, BTC], "size": [1.0, -2.0, 1.0]}
    result = market.run(orders=write(tmp_path, columns), symbols=[BTC, ETH])
    assert result.fills.select("ts", "symbol", "size").rows() == [
        (at(1), ETH, -2.0),
        (at(2), BTC, 1.0),
        (at(3), BTC, 1.0),
    ]


def test_an_order_file_and_on_bar_orders_give_the_same_records(market, tmp_path):
    market.add(steps(*[100 - n for n in range(32)]))
    columns = {"ts": [at(1), at(4)], "symbol": [BTC] * 2, "size": [600.0, -100.0]}
    sizes = iter([600.0, None, None, -100.0])

    def on_bar(view):
        size = next(sizes, None)
        return None if size is None else bt.Order(BTC, size=size)

    one = market.run(orders=write(tmp_path, columns))
    assert one.liquidations.height > 0
    assert one.hash == market.run(on_bar).hash


@pytest.mark.parametrize(
    ("run", "file"), [("BTC", BTC), (BTC, "BTC"), (BTC, "BTC/USDC:USDC"), ("BTC", "BTC")]
)
def test_symbols_may_be_written_in_any_way_that_the_run_takes_them(market, tmp_path, run, file):
    columns = {"ts": [at(1)], "symbol": [file], "size": [2.0]}
    settings = {"venues": "bybit,hyperliquid", "prices": "binanceusdm", "symbols": run}
    if file == "BTC/USDC:USDC":
        settings["venues"] = "hyperliquid"
    result = market.add(PATH).run(orders=write(tmp_path, columns), **settings)
    own = {"bybit": BTC, "hyperliquid": "BTC/USDC:USDC"}
    shown = result.fills.select("venue", "symbol", "size").rows()
    assert shown == [(v, own[v], 2.0) for v in sorted(own) if v in settings["venues"]]


def test_a_coin_in_the_file_is_each_venues_own_main_contract(market, tmp_path):
    """Of two contracts of one coin, the coin alone means the one it means with --symbol."""
    coin = "BTC/USD:BTC"
    market.add(PATH, coin, venue="deribit").add(PATH, "BTC/USDC:USDC", venue="deribit")
    columns = {"ts": [at(1)], "symbol": ["BTC"], "size": [2.0]}
    settings = {"venues": "deribit", "symbols": [coin, "BTC/USDC:USDC"], "leverage": 2}
    result = market.run(orders=write(tmp_path, columns), **settings)
    assert result.fills["symbol"].to_list() == ["BTC/USDC:USDC"]
    settings["symbols"] = coin
    with pytest.raises(bt.UsageError, match=r"BTC, which is BTC/USDC:USDC, in .* not in the run"):
        market.run(orders=write(tmp_path, columns), **settings)


def test_a_venue_without_the_contract_of_the_file_can_be_left_out(market, tmp_path):
    columns = {"ts": [at(1)], "symbol": [BTC], "size": [2.0]}
    settings = {"venues": "binancecoinm,okx", "prices": "binanceusdm", "symbols": "BTC"}
    path = write(tmp_path, columns)
    market.add(PATH)
    why = "unknown symbol of binancecoinm in .* 'BTC/USDT:USDT'; known: BTC. Write one of these, or"
    with pytest.raises(bt.UsageError, match=f"{why} .* leave binancecoinm out with --skip-refused"):
        market.run(orders=path, **settings)
    result = market.run(orders=path, **settings, skip_refused=True)
    assert result.summary["venue"].to_list() == ["okx"]
    assert list(result.manifest["left_out"]) == ["binancecoinm"]


BAD = {
    "no ts": ({"symbol": [BTC], "size": [1.0]}, "has no column 'ts'"),
    "neither size nor exposure": ({"ts": [at(1)], "symbol": [BTC]}, "a column size or a column"),
    "both": (
        {"ts": [at(1)], "symbol": [BTC], "size": [1.0], "exposure": [1.0]},
        "a column size or a column exposure, and only one",
    ),
    "mistyped column": (
        {"ts": [at(1)], "symbol": [BTC], "sizes": [1.0]},
        "'sizes'; did you mean 'size'",
    ),
    "unknown symbol": (
        {"ts": [at(1)], "symbol": ["BTC/USDT"], "size": [1.0]},
        "'BTC/USDT'; did you mean 'BTC/USDT:USDT'",
    ),
    "symbol that is not in the run": (
        {"ts": [at(1)], "symbol": [ETH], "size": [1.0]},
        "ETH/USDT:USDT in .* is not in the run on binanceusdm; write BTC/USDT:USDT there, or add",
    ),
    "text for a size": (
        {"ts": [at(1), at(2)], "symbol": [BTC] * 2, "size": ["1.5", "lots"]},
        "size in .* is 'lots' in row 2; every row needs a number there",
    ),
    "truth for a size": (
        {"ts": [at(1)], "symbol": [BTC], "size": [True]},
        "size in .* is True in row 1",
    ),
    "nan for a size": (
        {"ts": [at(1), at(2)], "symbol": [BTC] * 2, "size": ["1.5", "nan"]},
        "row 2 of .*, the order at 2024-01-01 02:00, has size nan; give a finite one",
    ),
    "only a header": ({"ts": [], "symbol": [], "size": []}, "has no rows; give it a row for"),
    "empty size": (
        {"ts": [at(1), at(2)], "symbol": [BTC] * 2, "size": [1.0, None]},
        "size in .* is empty in row 2; fill it in",
    ),
    "size of zero": ({"ts": [at(1)], "symbol": [BTC], "size": [0.0]}, "has size 0.0; give a"),
    "endless size": ({"ts": [at(1)], "symbol": [BTC], "size": [float("inf")]}, "has size inf"),
    "negative price": (
        {"ts": [at(1)], "symbol": [BTC], "size": [1.0], "price": [-5.0]},
        "has price -5.0; give a positive one",
    ),
    "time that is none": ({"ts": ["soon"], "symbol": [BTC], "size": [1.0]}, "'soon' is not a time"),
    "seconds": (
        {"ts": [START // 1000], "symbol": [BTC], "size": [1.0]},
        "is not a time in milliseconds; multiply seconds by 1000",
    ),
    "fractions": ({"ts": [1.5], "symbol": [BTC], "size": [1.0]}, "ts in .* is Float64; use ISO"),
}


@pytest.mark.parametrize(("columns", "message"), BAD.values(), ids=BAD)
def test_a_wrong_order_file_is_refused_in_one_sentence(market, tmp_path, columns, message):
    market.add(PATH)
    with pytest.raises(bt.UsageError, match=message):
        market.run(orders=write(tmp_path, columns))


def test_text_after_a_thousand_numbers_is_found_too(market, tmp_path):
    path = tmp_path / "orders.csv"
    rows = [f"2024-01-01,{BTC},{size}" for size in [1] * 1000 + [1.5, "lots"]]
    path.write_text("\n".join(["ts,symbol,size", *rows]))
    with pytest.raises(bt.UsageError, match="is 'lots' in row 1002"):
        market.add(PATH).run(orders=str(path))


def test_a_missing_or_broken_order_file_says_so(market, tmp_path):
    market.add(PATH)
    with pytest.raises(bt.UsageError, match="cannot read orders from"):
        market.run(orders=str(tmp_path / "absent.csv"))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 is not enough")
    with pytest.raises(bt.UsageError, match="give a Parquet or a"):
        market.run(orders=str(broken))


def test_a_frame_in_place_of_a_path_is_named_by_its_type_only(market):
    frame = pl.DataFrame({"ts": [at(1)], "symbol": [BTC], "size": [1.0]})
    with pytest.raises(bt.UsageError) as caught:
        market.add(PATH).run(orders=frame)
    assert str(caught.value) == (
        "orders is a DataFrame; it takes the path of a file, "
        "so write the orders to Parquet or CSV first."
    )
