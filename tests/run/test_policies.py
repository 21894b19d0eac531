"""Risk tools next to a strategy: the same strategy with and without them."""

from math import inf

import polars as pl
import pytest

import backtest as bt
from backtest.paths import history
from backtest.policies import NAMES, parse_policy
from backtest.verdict import verdict

from .market import BTC, ETH, HOUR, START, flat, steps

FALL = steps(100, 100, 100, 95, 91, 86, 80, 80)
"""A long of 10x from 100 falls at 90.4."""
LONG = {"leverage": 10, "cash": 1000.0}


def long(view):
    """Half the wallet's worth at 10x, once."""
    return 5.0


def fills(result, *columns):
    names = columns or ("reason", "size", "price")
    return result.fills.select(names).rows()


def hours(result, kind="fills"):
    return [(int(t.timestamp() * 1000) - START) // HOUR for t in result.frame(kind)["ts"]]


def test_without_a_tool_the_position_is_liquidated(market):
    result = market.add(FALL).run(long, **LONG)
    assert result.liquidations.height == 1
    assert hours(result, "liquidations") == [5]


def test_a_stop_loss_sells_before_that(market):
    result = market.add(FALL).run(long, **LONG, policies=["stop_loss:0.05"])
    assert result.liquidations.height == 0
    assert fills(result) == [("signal", 50.0, 100.0), ("stop", -50.0, 95.0)]


def test_a_stop_loss_protects_from_the_very_bar_of_the_entry(market):
    market.add([*flat(100, 1), (100.0, 100.0, 80.0, 85.0), *flat(85, 3)])
    for policies, count in (((), 1), (["stop_loss:0.05"], 0)):
        assert market.run(long, **LONG, policies=policies).liquidations.height == count


def test_a_stop_loss_of_ninety_nine_percent_saves_nothing(market):
    result = market.add(FALL).run(long, **LONG, policies=["stop_loss:0.99"])
    assert result.liquidations.height == 1
    assert [r for r, *_ in fills(result)] == ["signal", "liquidation"]
    assert result.liquidations["mark_price"][0] > 90.0


def test_a_stop_loss_follows_the_mean_entry_price(market):
    market.add(steps(100, 100, 110, 110, 110, 100, 100))
    answers = iter([bt.Order(BTC, size=2.0), None, bt.Order(BTC, size=2.0)])
    result = market.run(lambda view: next(answers, None), policies=["stop_loss:0.04"])
    assert fills(result)[-1] == ("stop", -4.0, pytest.approx(105 * 0.96))


def test_a_stop_loss_works_for_columns_of_targets_and_lists_of_orders(market, tmp_path):
    market.add(FALL)
    rows = [{"ts": "2024-01-01T01:00", "symbol": BTC, "size": 50.0}]
    pl.DataFrame(rows).write_csv(tmp_path / "orders.csv")

    def targets(bars):
        return bars.select("ts", "symbol", target=pl.lit(5.0))

    given = {**LONG, "policies": ["stop_loss:0.05"]}
    for result in (
        market.run(targets, **given),
        market.run(orders=str(tmp_path / "orders.csv"), **given),
    ):
        assert fills(result)[-1] == ("stop", -50.0, 95.0)
        assert result.liquidations.height == 0


def test_a_short_is_stopped_above_its_entry(market):
    market.add(steps(100, 100, 104, 108, 115))
    result = market.run(lambda view: -5.0, **LONG, policies=["stop_loss:0.05"])
    assert fills(result)[-1] == ("stop", 50.0, 105.0)


def test_a_profit_is_taken(market):
    market.add(steps(100, 100, 100, 104, 112))
    result = market.run(long, **LONG, policies=["take_profit:0.06"])
    assert fills(result)[-1] == ("take profit", -50.0, 106.0)


def test_stop_loss_and_take_profit_end_each_other(market):
    market.add(steps(100, 100, 100, 104, 112, 90))
    both = ["take_profit:0.06", "stop_loss:0.05"]
    result = market.run(long, **LONG, policies=both)
    assert [row[0] for row in fills(result)] == ["signal", "take profit"]


def test_a_trailing_stop_keeps_what_was_gained(market):
    market.add([*flat(100, 3), (100.0, 120.0, 100.0, 120.0), (120.0, 120.0, 105.0, 105.0)])
    result = market.run(long, **LONG, policies=["trailing_stop:0.1"], path="optimistic")
    assert fills(result)[-1] == ("stop", -50.0, pytest.approx(108.0))


def test_margin_is_topped_up_before_the_venue_takes_the_position(market):
    market.add(steps(100, 100, 100, 93, 91, 89, 89))
    bare = market.run(long, **LONG)
    topped = market.run(long, **LONG, policies=["top_up:over=0.1,to=0.05"])
    assert (bare.liquidations.height, topped.liquidations.height) == (1, 0)
    before, after = topped.margin["isolated_margin"].to_list()[2:4]
    # at 93: 500 of margin, 350 lost, 0.4 % of 4,650 needed (18.6): ratio 0.124, so 222 are missing
    assert after - before == pytest.approx(18.6 / 0.05 - 150.0, rel=0.02)


def test_a_wallet_that_is_short_draws_on_the_reserve(market):
    market.add(steps(100, 100, 100, 93, 93, 93))
    given = {"leverage": 10, "cash": 510.0, "policies": ["top_up:over=0.1,to=0.05"]}

    def all_in(view):
        return bt.Order(BTC, size=50.0) if view.size() == 0.0 and not view.state else None

    result = market.run(all_in, **given, reserve=1000.0)
    assert result.deposits["amount"].sum() == pytest.approx(215, rel=0.05)
    assert result.rejections.height == 0
    short = market.run(all_in, **given, reserve=100.0)
    # what there is goes into the position, what is missing is refused, at every close
    assert short.deposits["amount"].to_list() == [100.0]
    assert set(short.rejections["reason"]) == {"reserve exceeded"}
    assert short.margin["isolated_margin"][-1] > 600.0


def test_a_pool_is_topped_up_from_the_reserve(market):
    market.add(steps(100, 100, 100, 93, 93, 93))
    given = {"leverage": 10, "cash": 510.0, "margin": "cross", "exposure": 9.5 / 5.0}
    policies = ["top_up:over=0.1,to=0.05"]
    result = market.run(long, **given, policies=policies, reserve=1000.0)
    assert result.deposits["source"].to_list() == ["reserve"]
    (row,) = result.summary.iter_rows(named=True)
    assert (row["refills"], row["transfers"]) == (0, 1)
    assert ", 1 transfer with the reserve" in verdict(row)


def test_a_top_up_has_a_limit(market):
    market.add(steps(100, 100, 100, 93, 91, 89, 89))
    result = market.run(long, **LONG, policies=["top_up:over=0.1,to=0.05,limit=50"])
    margins = result.margin["isolated_margin"].to_list()
    assert max(margins) - min(margins) == pytest.approx(50.0)


def test_alerts_reach_the_strategy(market):
    market.add(steps(100, 100, 100, 95, 92, 91.5, 91.5, 99))
    seen = []

    def on_bar(view):
        seen.extend((view.ts, *alert) for alert in view.alerts)
        return 5.0

    market.run(on_bar, **LONG, alerts=(0.05, 0.15))
    rows = [((ts - START) // HOUR, symbol, threshold) for ts, symbol, _, threshold, _ in seen]
    assert rows == [(3, BTC, 0.05), (4, BTC, 0.15)]


def test_a_position_is_reduced_on_alert(market):
    market.add(steps(100, 100, 100, 93, 91, 89, 89))
    result = market.run(long, **LONG, policies=["reduce_on_alert:over=0.1,share=0.5"])
    assert fills(result)[:2] == [("signal", 50.0, 100.0), ("signal", -25.0, 93.0)]


def test_a_position_is_hedged_on_alert(market):
    market.add(steps(100, 100, 100, 93, 91, 89, 85))
    given = {**LONG, "leverage": 50, "margin": "cross", "position_mode": "hedge"}
    bare = market.run(lambda view: bt.Legs(9.0, 0.0), **given)
    hedged = market.run(
        lambda view: bt.Legs(9.0, None), **given, policies=["hedge_on_alert:over=0.05"]
    )
    assert (bare.liquidations.height > 0, hedged.liquidations.height) == (True, 0)
    sides = hedged.fills.select("position_side", "size").rows()
    assert sides == [("long", 90.0), ("short", -90.0)]


def test_a_hedge_in_one_way_mode_needs_another_symbol(market):
    market.add(FALL).add(FALL, ETH)
    given = {**LONG, "leverage": 50, "margin": "cross", "symbols": [BTC, ETH]}
    with pytest.raises(bt.UsageError, match="no other leg in one-way mode"):
        market.run(lambda view: {BTC: 9.0}, **given, policies=["hedge_on_alert:0.1"])
    other = [f"hedge_on_alert:over=0.05,with_symbol={ETH}"]
    result = market.run(lambda view: {BTC: 9.0}, **given, policies=other)
    # nobody knows that the two move together inside an hour: at worst they do not
    assert result.summary["best_liquidations"].item() == 0
    assert set(history(result.fills)["symbol"]) == {BTC, ETH}


WRONG = [
    ("stop_los:0.1", "unknown policy 'stop_los'; did you mean 'stop_loss'"),
    ("stop_loss", "needs at"),
    ("stop_loss:1.5", "the distance of stop is 1.5; give a fraction between 0 and 1"),
    ("stop_loss:0.1,by=index", "unknown price for stop 'index'"),
    ("stop_loss:much", "at of the policy 'stop_loss:much' is 'much'"),
    ("stop_loss:at=0.1,size=3", "unknown setting of the policy"),
    ("stop_loss:0.1,at=0.2", "gives at twice"),
    ("stop_loss:0.1,mark,0.2", "unknown setting of the policy .* '0.2'"),
    ("top_up:over=0.5,to=0.8", "top_up goes to 0.8, which is not under 0.5"),
    ("reduce_on_alert:share=2", "the share of reduce_on_alert is 2"),
    (3, "a policy is int; give text like stop_loss:0.05"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_a_wrong_policy_is_refused(given, message):
    with pytest.raises(bt.UsageError, match=message):
        bt.RunConfig(strategy="mine.py", policies=(given,))


def test_every_policy_is_known_by_its_name():
    for name in NAMES:
        assert type(parse_policy(f"{name}:0.6")).__name__.lower() == name.replace("_", "")


def test_a_policy_may_be_made_in_python(market):
    class CloseAtNoon:
        def at_fill(self, view):
            return ()

        def at_close(self, view):
            late = view.time.hour == 4 and view.size() != 0.0
            return [bt.Order(BTC, size=-inf)] if late else ()

    result = market.add(flat(100, 8)).run(long, **LONG, policies=[CloseAtNoon()])
    assert hours(result) == [1, 5]


def test_a_policy_sees_nothing_of_a_bar_but_its_open_when_orders_fill(market):
    seen = []

    class Looks:
        def at_fill(self, view):
            seen.append((view.open(), view.close(), view.high(), view.mark()))
            return ()

        def at_close(self, view):
            return ()

    market.add(steps(100, 100, 90, 80)).run(long, **LONG, policies=[Looks()])
    ((opened, *rest),) = seen
    assert opened == 100.0
    assert all(value != value for value in rest)


def test_the_command_line_takes_policies(market, strategy, cli, tmp_path):
    market.add(FALL)
    path = strategy("def on_bar(view):\n    return 5.0\n")
    flags = ["--policy", "stop_loss:0.05", "--policy", "take_profit:0.2", "--leverage", "10"]
    out = tmp_path / "one"
    assert cli("run", path, "--data", market.root, *flags, "--out", out) == 0, cli.err
    assert bt.open_result(out).manifest["config"]["policies"] == [
        "stop_loss:0.05", "take_profit:0.2",
    ]  # fmt: skip
    assert "survives" in cli.out
