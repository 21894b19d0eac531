"""The examples in strategies/ show what their docstrings say, on the sample and on history."""

import polars as pl
import pytest

import backtest as bt

from .market import steps

MARTINGALE, CARRY = "strategies/martingale.py", "strategies/funding_carry.py"
THREE = ["BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"]
BTC = THREE[0]


def run(folder, name, strategy, **settings):
    return bt.run(strategy, out=folder / name, leverage=10, **settings)


def worst(frame):
    """Rows of the account that takes the worst way of every bar."""
    return frame.filter(pl.col("path") != "optimistic")


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    """The martingale on the sample, without and with a stop-loss."""
    folder = tmp_path_factory.mktemp("martingale")
    given = {"on_liquidation": "refill"}
    return [
        run(folder, "bare", MARTINGALE, **given),
        run(folder, "stopped", MARTINGALE, **given, policies=["stop_loss:0.05"]),
    ]


def test_a_martingale_wins_nearly_always_and_dies_of_a_few_falls(doubled):
    trades = worst(doubled[0].trades)
    won = trades.filter(pl.col("pnl") > 0)
    lost = trades.filter(pl.col("exit_reason") == "liquidation")
    assert won.height > 0.9 * trades.height
    assert 5 <= lost.height <= 10
    assert won["pnl"].sum() < -trades.filter(pl.col("pnl") < 0)["pnl"].sum()
    assert -lost["pnl"].mean() > 20 * won["pnl"].mean()


def test_a_martingale_buys_twice_as_much_at_every_step(market):
    falls = [100.0 * 0.98**n for n in range(5)]
    market.add(steps(100, 100, *falls[1:], falls[-1]))
    result = market.run(MARTINGALE, params={"steps": 3}, leverage=10)
    # 10,000 of equity at 100: a tenth, then two, four and eight of it at 98, 96.04 and 94.12
    sizes, prices = result.fills["size"].to_list(), result.fills["price"].to_list()
    assert prices == pytest.approx([100.0, 98.0, 96.04, 94.1192])
    assert sizes == pytest.approx([10.0, 2000 / 98, 4000 / 96.04, 8000 / 94.1192], abs=0.001)


def test_a_martingale_sells_all_a_percent_over_its_mean_entry(market):
    market.add(steps(100, 100, 98, 98, 104, 104))
    result = market.run(MARTINGALE, params={"steps": 1}, leverage=10)
    first, second, last = result.fills.rows(named=True)[:3]
    cost = first["size"] * first["price"] + second["size"] * second["price"]
    size = first["size"] + second["size"]
    assert (last["reason"], last["size"]) == ("limit", pytest.approx(-size))
    assert last["price"] == pytest.approx(1.01 * cost / size)


def test_a_stop_loss_ends_most_of_the_martingales_liquidations(doubled):
    bare, stopped = (worst(result.liquidations).height for result in doubled)
    assert stopped < bare / 2
    # what is left is a fall of 21 % in an hour: the steps below the stop buy on without it
    reasons = worst(doubled[1].rejections)["reason"].unique()
    assert not {"would trigger", "unknown order"} & set(reasons)


def test_no_order_of_the_martingale_is_refused(doubled):
    assert set(doubled[0].rejections["reason"]) <= {"cancelled by liquidation", "position closed"}


@pytest.mark.parametrize(("margin", "few", "many"), [("cross", 0, 0), ("isolated", 20, 60)])
def test_a_carry_lives_on_one_wallet_and_falls_leg_by_leg_on_two(tmp_path, margin, few, many):
    result = run(tmp_path, margin, CARRY, margin=margin, symbols=THREE)
    assert few <= result.liquidations.height <= many
    legs = result.margin.group_by("ts").agg(
        pl.col("size").sign().sum().alias("net"), pl.len().alias("legs")
    )
    both = legs.filter(pl.col("legs") == 2)
    assert both.height > 0.5 * legs.height
    assert both["net"].unique().to_list() == [0]


def test_a_carry_is_paid_more_than_it_pays(tmp_path):
    """On the sample: what its shorts receive and what its longs pay."""
    result = run(tmp_path, "carry", CARRY, margin="cross", symbols=THREE)
    paid = result.funding.with_columns(short=pl.col("size") < 0).group_by("short")
    amounts = dict(paid.agg(pl.col("amount").sum()).iter_rows())
    assert amounts[True] < 0.0
    assert sum(amounts.values()) < 0.0


def test_a_carry_asks_for_funding_and_says_so_where_there_is_none(market):
    market.add([(100.0, 100.0, 100.0, 100.0)] * 30, BTC)
    market.path("funding", "funding").unlink()
    with pytest.raises(bt.DataError, match="asks for funding, but there is none of BTC/USDT:USDT"):
        market.run(CARRY)


@pytest.mark.market_data
def test_the_martingale_through_the_crash_of_may_2021(market_data, tmp_path):
    """In the hour of 2021-05-19 13:00 Bitcoin fell from 37,640 to 30,000 and came back."""
    given = {"data": market_data, "symbols": BTC, "since": "2021-05-01", "until": "2021-06-01"}
    bare = run(tmp_path, "bare", MARTINGALE, **given, timeframe_detail="off")
    falls = worst(bare.liquidations)
    assert falls.height >= 1
    assert "2021-05-19" in {str(moment)[:10] for moment in falls["ts"]}
    topped = run(
        tmp_path, "topped", MARTINGALE, **given, timeframe_detail="off",
        policies=["top_up:over=0.5,to=0.2"], reserve=10_000,
    )  # fmt: skip
    assert worst(topped.liquidations).height <= falls.height


@pytest.mark.market_data
def test_the_carry_on_three_years_of_history(market_data, tmp_path):
    """It earns 8,700 of funding on 10,000, and dies as SOL doubles in six weeks."""
    given = {"data": market_data, "symbols": THREE, "since": "2022-05-01", "until": "2025-01-01"}
    cross, isolated = (
        run(tmp_path, margin, CARRY, **given, margin=margin, timeframe_detail="off")
        for margin in ("cross", "isolated")
    )
    assert cross.funding["amount"].sum() < -8_000
    assert cross.summary["liquidations"].item() == 1
    last = cross.liquidations.row(-1, named=True)
    assert (last["symbol"], last["side"], str(last["ts"])[:10]) == (THREE[2], "short", "2023-12-21")
    assert isolated.summary["liquidations"].item() > 30
