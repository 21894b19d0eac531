"""Hedge mode: a long and a short leg of one symbol, from the strategy to the records."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import backtest as bt

from .market import BTC, ETH, START, flat, stamps, steps

HEDGE = {"position_mode": "hedge"}
FEE = 0.0005
RISE = steps(100, 100, 102, 102, 104, 104)
KINDS = ("liquidations", "fills", "funding", "trades", "rejections", "margin")
SWING = [100 + 12 * ((n * 7) % 5 - 2) * (n % 3) / 2 for n in range(120)]


def replay(*answers):
    """An `on_bar` that gives these answers, one a bar, and then none."""
    left = list(answers)
    return lambda view: left.pop(0) if left else None


def order(size=None, side="long", **more):
    return bt.Order(BTC, size=size, position_side=side, **more)


def legs(frame, column):
    """Values of a column by leg."""
    return dict(frame.select("position_side", column).iter_rows())


# --- both legs at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("margin", ["isolated", "cross"])
def test_both_legs_are_held_at_once_and_each_is_a_trade(market, margin):
    market.add(RISE, funding=[0.001])
    result = market.run(replay(bt.Legs(2.0, -1.0)), margin=margin, **HEDGE)
    assert legs(result.fills, "size") == {"long": 200.0, "short": -100.0}
    assert set(result.fills["symbol"]) == {BTC}
    trades = {row["position_side"]: row for row in result.trades.iter_rows(named=True)}
    assert {side: trade["side"] for side, trade in trades.items()} == {
        "long": "long",
        "short": "short",
    }
    assert trades["long"]["pnl"] == pytest.approx(200 * 4 - 200 * 100 * FEE)
    assert trades["short"]["pnl"] == pytest.approx(-100 * 4 - 100 * 100 * FEE)


def test_a_sample_of_a_pool_counts_both_legs_and_shows_each(market):
    result = market.add(flat(100, 4)).run(replay(bt.Legs(2.0, -1.0)), margin="cross", **HEDGE)
    rows = result.margin.filter(ts=pl.col("ts").max())
    assert legs(rows, "size") == {"long": 200.0, "short": -100.0}
    assert legs(rows, "maintenance_margin") == pytest.approx({"long": 80.0, "short": 40.0})
    pool = result.equity.row(-1, named=True)
    assert pool["maintenance_margin"] == pytest.approx(120.0)
    assert pool["notional"] == pytest.approx(30_000.0)
    assert set(rows["equity"]) == {pool["equity"]}
    assert set(rows["margin_ratio"]) == {pool["margin_ratio"]}


def test_isolated_legs_have_a_bucket_each_and_one_can_fall_alone(market):
    market.add(steps(100, 100, 88, 88))
    result = market.run(replay(bt.Legs(1.0, -1.0)), leverage=10, **HEDGE)
    assert result.liquidations["position_side"].to_list() == ["long"]
    assert result.trades.filter(exit_reason="liquidation")["side"].to_list() == ["long"]
    assert result.margin.row(-1, named=True)["position_side"] == "short"


def test_equal_legs_of_a_pool_outlive_a_fall_that_ends_a_single_one(market):
    market.add(steps(100, 100, 70, 70))
    both = market.run(replay(bt.Legs(3.5, -3.5)), margin="cross", **HEDGE)
    assert both.liquidations.height == 0
    single = market.run(replay(bt.Legs(3.5)), margin="cross", **HEDGE)
    assert single.liquidations["position_side"].to_list() == ["long"]


@pytest.mark.parametrize(("venue", "short"), [("binanceusdm", 0), ("bitget", 1), ("gate", 1)])
def test_a_smaller_leg_costs_no_margin_where_the_larger_one_is_enough(market, venue, short):
    # 9 of 10 times the equity are taken by the long leg: 5 more are free or refused
    market.add(flat(100, 4))
    settings = {"venues": venue, "prices": "binanceusdm", "margin": "cross", "cash": 1000}
    result = market.run(replay(bt.Legs(9.0), bt.Legs(9.0, -5.0)), **settings, **HEDGE)
    assert result.fills.filter(position_side="short").height == short
    assert result.rejections.height == 1 - short
    if short:
        pool = result.equity.row(-1, named=True)
        assert pool["initial_margin"] == pytest.approx(90 * 100 / 10, rel=0.01)
    else:
        refused = result.rejections.row(0, named=True)
        assert refused["required"] == pytest.approx(140 * 100 / 10, rel=0.01)


def test_a_leg_that_outgrows_the_other_is_the_one_that_counts(market):
    market.add(flat(100, 5))
    settings = {"venues": "bitget", "prices": "binanceusdm", "margin": "cross", "cash": 1000}
    answers = [bt.Legs(9.0, -5.0), bt.Legs(short=-9.5), bt.Legs(short=-12.0)]
    result = market.run(replay(*answers), **settings, **HEDGE)
    held = legs(result.margin.filter(ts=pl.col("ts").max()), "size")
    assert held == pytest.approx({"long": 90.0, "short": -94.4}, abs=0.5)
    refused = result.rejections.row(0, named=True)
    assert (refused["position_side"], refused["reason"]) == ("short", "insufficient margin")


def test_funding_is_paid_by_one_leg_and_received_by_the_other(market):
    market.add(flat(100, 10), funding=[0.0, 0.001])
    result = market.run(replay(bt.Legs(1.0, -0.5)), **HEDGE)
    assert legs(result.funding, "amount") == pytest.approx({"long": 10.0, "short": -5.0})


def test_legs_of_several_symbols_keep_their_names(market):
    market.add(flat(100, 4)).add(flat(50, 4), ETH)
    answer = {BTC: bt.Legs(long=0.5), ETH: bt.Legs(long=0.2, short=-0.4)}
    result = market.run(replay(answer), symbols=[BTC, ETH], margin="cross", **HEDGE)
    found = result.fills.select("symbol", "position_side", "size").rows()
    assert sorted(found) == [(BTC, "long", 50.0), (ETH, "long", 40.0), (ETH, "short", -80.0)]
    last = result.margin.filter(ts=pl.col("ts").max())
    assert last.select("symbol", "position_side").rows() == [
        (BTC, "long"),
        (ETH, "long"),
        (ETH, "short"),
    ]


# --- a signed target -----------------------------------------------------------------------------


@pytest.mark.parametrize("margin", ["isolated", "cross"])
@pytest.mark.parametrize("settings", [{}, {"rebalance": "always"}, {"reenter": True}], ids=str)
def test_a_signed_target_gives_in_hedge_mode_the_money_of_one_way_mode(market, margin, settings):
    market.add(steps(*SWING), funding=[0.0003] * 15)

    def targets(bars):
        above = pl.col("close") > 100
        return bars.select("ts", "symbol", target=pl.when(above).then(3.0).otherwise(-2.0))

    settings |= {"margin": margin, "on_liquidation": "refill", "exposure": 3, "leverage": 20}
    one, two = market.run(targets, **settings), market.run(targets, **settings, **HEDGE)
    assert one.liquidations.height > 3
    for kind in KINDS:
        named = two.frame(kind)
        assert set(named["position_side"]) <= {"long", "short"}
        assert set(one.frame(kind)["position_side"]) <= {"both"}
        same = one.frame(kind).drop("position_side"), named.drop("position_side")
        assert_same_rows(*same)
    assert_same_rows(one.equity, two.equity)


def assert_same_rows(one, other):
    """Equal rows, whatever the order of those of one time; numbers may differ by rounding."""
    keys = [name for name in ("ts", "exit_time", "step", "size", "price") if name in one.columns]
    assert_frame_equal(one.sort(keys), other.sort(keys), rel_tol=1e-9, abs_tol=1e-9)


def test_a_signed_target_that_turns_closes_one_leg_and_opens_the_other(market):
    result = market.add(RISE).run(replay(1.0, -1.0, 0.0), **HEDGE)
    assert result.fills["position_side"].to_list() == ["long", "long", "short", "short"]
    assert result.fills["position_after"].to_list()[1::2] == [0.0, 0.0]


# --- targets in columns --------------------------------------------------------------------------


def columns(**values):
    """A `targets` that returns these columns."""
    count = len(next(iter(values.values())))
    frame = pl.DataFrame({"ts": stamps(count), **values})
    return lambda bars: frame.lazy()


def test_a_column_for_each_leg_moves_that_leg(market):
    market.add(RISE)
    strategy = columns(target_long=[1.0, None, 0.0, None], target_short=[None, -0.5, None, None])
    result = market.run(strategy, **HEDGE)
    assert [
        (int(ts.timestamp() * 1000 - START) // 3_600_000, side, after > 0, after < 0)
        for ts, side, after in result.fills.select("ts", "position_side", "position_after").rows()
    ] == [(1, "long", True, False), (2, "short", False, True), (3, "long", False, False)]


def test_one_column_of_a_leg_leaves_the_other_alone(market):
    result = market.add(RISE).run(columns(target_short=[-1.0, -1.0, 0.0]), **HEDGE)
    assert result.fills["position_side"].to_list() == ["short", "short"]


def test_columns_of_legs_and_answers_of_legs_give_the_same_records(market):
    market.add(steps(*SWING), funding=[0.0003] * 15)

    def targets(bars):
        above = pl.col("close") > 100
        return bars.select(
            "ts",
            "symbol",
            target_long=pl.when(above).then(3.0).otherwise(1.0),
            target_short=pl.when(above).then(-1.0).otherwise(-4.0),
        )

    def on_bar(view):
        return bt.Legs(3.0, -1.0) if view.close() > 100 else bt.Legs(1.0, -4.0)

    settings = {"margin": "cross", "on_liquidation": "refill", "exposure": 3, "leverage": 20}
    one, other = (market.run(s, **settings, **HEDGE) for s in (targets, on_bar))
    assert one.liquidations.height > 2
    assert one.hash == other.hash


def test_the_example_holds_one_leg_and_takes_the_other_below_its_average(market):
    market.add(steps(*[100 + 4 * ((n // 6) % 2) for n in range(40)]))
    result = market.run("strategies/both_legs.py", params={"slow": 4}, **HEDGE)
    sides = result.fills["position_side"].to_list()
    assert sides.count("long") == 1
    assert sides.count("short") > 4


WRONG_COLUMNS = {
    "both kinds": ({"target": [1.0], "target_long": [1.0]}, HEDGE, "target and target_long"),
    "one-way": ({"target_long": [1.0]}, {}, "in one-way mode; add --position-mode hedge"),
    "short above 0": ({"target_short": [0.5]}, HEDGE, "that of a short leg is negative, or 0"),
    "long below 0": ({"target_long": [-0.5]}, HEDGE, "that of a long leg is positive, or 0"),
    "nothing": ({"exposure": [1.0]}, HEDGE, "'target' is missing"),
    "text": ({"target_long": ["a"]}, HEDGE, "target_long of type String"),
}


@pytest.mark.parametrize(("given", "mode", "message"), WRONG_COLUMNS.values(), ids=WRONG_COLUMNS)
def test_wrong_columns_are_refused(market, given, mode, message):
    with pytest.raises(bt.StrategyError, match=message):
        market.add(flat(100, 4)).run(columns(**given), **mode)


# --- orders --------------------------------------------------------------------------------------


def test_an_order_names_its_leg_and_its_sign_buys_or_sells(market):
    answers = [[order(5.0), order(-3.0, "SHORT")], [order(-2.0), order(1.0, "short")]]
    result = market.add(RISE).run(replay(*answers), **HEDGE)
    assert result.fills.select("position_side", "size", "position_after").rows() == [
        ("long", 5.0, 5.0),
        ("short", -3.0, -3.0),
        ("long", -2.0, 3.0),
        ("short", 1.0, -2.0),
    ]


def test_an_order_never_turns_a_leg_and_says_why(market):
    result = market.add(RISE).run(replay(order(2.0), order(-5.0), order(3.0, "short")), **HEDGE)
    assert result.fills["position_after"].to_list() == [2.0, 0.0]
    refused = result.rejections.select("position_side", "size", "reason").rows()
    assert refused == [("long", -3.0, "wrong leg"), ("short", 3.0, "wrong leg")]


def test_an_order_with_an_exposure_and_no_leg_is_a_signed_target(market):
    result = market.add(RISE).run(replay(bt.Order(BTC, exposure=-1.0)), **HEDGE)
    assert legs(result.fills, "size") == {"short": -100.0}


WRONG_ANSWERS = {
    "size without a leg": (bt.Order(BTC, size=1.0), HEDGE, "give it a position_side"),
    "leg in one-way mode": (order(1.0), {}, "names the long leg, .* add --position-mode hedge"),
    "legs in one-way mode": (bt.Legs(1.0), {}, "names the long leg, .* add --position-mode hedge"),
    "wrong sign": (bt.Legs(short=1.0), HEDGE, "that of a short leg is negative, or 0"),
    "not a number": (bt.Legs(long="a"), HEDGE, "ordered 'a' of BTC/USDT:USDT"),
}


@pytest.mark.parametrize(("answer", "mode", "message"), WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_wrong_answer_is_refused(market, answer, mode, message):
    with pytest.raises(bt.StrategyError, match=message):
        market.add(flat(100, 4)).run(replay(answer), **mode)


def test_an_unknown_side_gets_a_hint():
    with pytest.raises(bt.UsageError, match="'shrot'; did you mean 'short'"):
        order(1.0, "shrot")


# --- the view ------------------------------------------------------------------------------------


def test_the_view_shows_each_leg_and_their_sum(market):
    market.add(RISE)
    seen = []

    def on_bar(view):
        long, short = (view.size(position_side=side) for side in ("long", "short"))
        entries = [view.entry_price(BTC, side) for side in ("long", "short")]
        seen.append((long, short, view.size(), entries, view.margin()))
        return bt.Legs(2.0, -1.0)

    market.run(on_bar, **HEDGE)
    assert seen[0] == (0.0, 0.0, 0.0, [0.0, 0.0], 0.0)
    assert seen[1][:4] == (200.0, -100.0, 100.0, [100.0, 100.0])
    assert seen[1][4] == pytest.approx(300 * 100 / 10 - 300 * 100 * FEE)


def test_the_view_asks_which_leg_where_it_matters(market):
    market.add(flat(100, 3))
    with pytest.raises(bt.StrategyError, match="name a position_side"):
        market.run(lambda view: view.entry_price(), **HEDGE)
    with pytest.raises(bt.StrategyError, match="no long leg in one-way mode"):
        market.run(lambda view: view.size(position_side="long"))


# --- files, venues -------------------------------------------------------------------------------


def write(tmp_path, text):
    path = tmp_path / "orders.csv"
    path.write_text(text.replace("BTC", BTC), "utf-8")
    return path


def test_a_file_of_orders_names_the_legs(market, tmp_path):
    text = "ts,symbol,size,position_side\n2024-01-01T01,BTC,2,LONG\n2024-01-01T01,BTC,-1,short\n"
    result = market.add(RISE).run(orders=write(tmp_path, text), **HEDGE)
    assert legs(result.fills, "size") == {"long": 2.0, "short": -1.0}


def test_an_exposure_in_a_file_is_a_signed_target_unless_it_names_a_leg(market, tmp_path):
    rows = ("01,BTC,1,long", "02,BTC,-1,short", "03,BTC,-0.5,", "04,BTC,0,both")
    text = "ts,symbol,exposure,position_side\n" + "".join(f"2024-01-01T{r}\n" for r in rows)
    result = market.add(flat(100, 6)).run(orders=write(tmp_path, text), **HEDGE)
    found = result.fills.select("position_side", "position_after").rows()
    assert [(side, round(after)) for side, after in found] == [
        ("long", 100), ("short", -100), ("long", 0), ("short", -50), ("short", 0),
    ]  # fmt: skip


WRONG_FILES = {
    "size without a leg": ("size\n2024-01-01T01,BTC,2\n", HEDGE, "row 1 .*give it a position_side"),
    "leg in one-way mode": (
        "size,position_side\n2024-01-01T01,BTC,2,both\n2024-01-01T02,BTC,2,long\n", {},
        "row 2 .* names the long leg",
    ),
    "wrong sign": (
        "exposure,position_side\n2024-01-01T01,BTC,2,long\n2024-01-01T02,BTC,2,short\n", HEDGE,
        "row 2 .* that of a short leg is negative",
    ),
    "unknown side": (
        "size,position_side\n2024-01-01T01,BTC,2,buy\n", HEDGE, "unknown position_side .*'buy'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "mode", "message"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_file_is_refused_by_its_row(market, tmp_path, rows, mode, message):
    path = write(tmp_path, "ts,symbol," + rows)
    with pytest.raises(bt.UsageError, match=message):
        market.add(flat(100, 4)).run(orders=path, **mode)


def test_a_venue_without_hedge_mode_is_refused(market):
    with pytest.raises(bt.UsageError, match="hyperliquid has no hedge mode: it holds one position"):
        market.add(flat(100, 4)).run(
            "strategies/hold.py", venues="binanceusdm,hyperliquid", prices="binanceusdm", **HEDGE
        )


def test_the_command_line_takes_it_and_shows_both_legs(market, cli, strategy, tmp_path):
    market.add(steps(100, 100, 88, 112, 112))
    path = strategy("import backtest as bt\ndef on_bar(view):\n    return bt.Legs(1.0, -1.0)\n")
    flags = ("--data", market.root, "--out", tmp_path / "run", "--position-mode", "hedge")
    assert cli("run", path, *flags) == 0
    assert "close" in cli.out
    assert all(len(line) <= 80 for line in cli.out.splitlines() if "result" not in line)
    result = bt.open_result(tmp_path / "run")
    assert result.liquidations["position_side"].to_list() == ["long", "short"]
    assert result.manifest["config"]["position_mode"] == "hedge"


# --- liquidation ---------------------------------------------------------------------------------


def test_two_legs_of_a_pool_share_the_price_at_which_both_are_liquidated(market):
    market.add(steps(100, 100, 95, 75, 75))
    result = market.run(replay(bt.Legs(8.0, -3.0)), margin="cross", cash=100, leverage=20, **HEDGE)
    wallet = 100 - 11 * 100 * FEE
    # wallet + 5 (p − 100) = 0.4 % of 11 p: the long and the short leg each by itself
    level = (500 - wallet) / (5 - 0.004 * 11)
    before = result.margin.filter(pl.col("mark_price") == 95)
    assert legs(before, "liquidation_price") == pytest.approx({"long": level, "short": level})
    away = (95 - level) / 95
    assert legs(before, "distance_to_liquidation") == pytest.approx({"long": away, "short": away})
    first = result.liquidations.row(0, named=True)
    assert first["mark_price"] == pytest.approx(level, rel=1e-9)
    assert first["liquidation_price"] == pytest.approx(level, rel=1e-9)


def test_equal_legs_fall_where_what_they_need_has_outgrown_the_wallet(market):
    market.add(flat(100, 4))
    result = market.run(replay(bt.Legs(9.0, -9.0)), margin="cross", cash=100, leverage=20, **HEDGE)
    # a price that rises moves no money, but the requirement of both: 0.4 % of 18 p
    level = (100 - 18 * 100 * FEE) / (0.004 * 18)
    last = result.margin.filter(ts=pl.col("ts").max())
    assert legs(last, "liquidation_price") == pytest.approx({"long": level, "short": level})


def test_the_shared_price_of_a_net_short_lies_above_and_moves_with_the_rest_of_the_pool(market):
    market.add(flat(100, 4)).add(flat(50, 4), ETH)
    answer = {BTC: bt.Legs(1.0, -4.0), ETH: 1.0}
    result = market.run(
        replay(answer), symbols=[BTC, ETH], margin="cross", cash=1000, leverage=20, **HEDGE
    )
    wallet = 1000 - 6 * 1000 * FEE
    needed = result.margin.filter(symbol=ETH)["maintenance_margin"][-1]
    level = (wallet - needed + 30 * 100) / (30 + 0.004 * 50)
    last = result.margin.filter(symbol=BTC, ts=pl.col("ts").max())
    assert legs(last, "liquidation_price") == pytest.approx({"long": level, "short": level})


def test_netting_is_two_records_of_one_step(market):
    market.add(steps(100, 100, 85, 75, 75))
    result = market.run(
        replay(bt.Legs(8.0, -3.0)), venues="okx", prices="binanceusdm", margin="cross",
        leverage=20, cash=100, **HEDGE,
    )  # fmt: skip
    long, short, rest = result.liquidations.iter_rows(named=True)
    assert (long["step_name"], short["step_name"]) == ("net legs", "net legs")
    assert (long["position_side"], short["position_side"]) == ("long", "short")
    assert (long["event"], long["step"]) == (short["event"], short["step"])
    assert long["size_closed"] == short["size_closed"] == pytest.approx(3.0)
    assert long["exit_price"] == short["exit_price"] == long["mark_price"]
    assert (rest["position_side"], rest["step_name"]) == ("long", "takeover")
    assert rest["size_closed"] == pytest.approx(5.0)
