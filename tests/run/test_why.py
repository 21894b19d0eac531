"""The story of a liquidation: what led to it, and what would have saved it, found by running."""

import json

import polars as pl
import pytest

import backtest as bt
from backtest.paths import history

from .market import BTC, ETH, flat, steps

HOLD = """
    import polars as pl
    def targets(bars, *, exposure=1.0):
        return bars.select("ts", "symbol", target=pl.lit(exposure))
"""
ON_BAR = """
    import backtest as bt
    def on_bar(view, *, size=500.0):
        return bt.Order("BTC/USDT:USDT", size=size) if view.state.setdefault("n", 0) == 0 and (
            view.state.update(n=1) is None) else None
"""
SLIDE = [*flat(100.0, 10), (100.0, 100.0, 85.0, 90.0), *flat(90.0, 30)]
TICK = 0.1
PAID = [0.0, 0.001, 0.0, 0.0, 0.0, 0.0]
"""Funding of 0.1 % at 08:00, while the position is open."""


@pytest.fixture
def slide(market, strategy):
    """A long of 500 from 100 at 10x in an isolated bucket; the mark falls to 85 in one bar."""
    market.add(SLIDE, funding=PAID)
    return market.run(strategy(HOLD), exposure=5, leverage=10)


def terms(result, symbol=BTC):
    """(maintenance rate of tier 1, taker fee) as the run had them."""
    rules = result.manifest["accounts"][0]["rules"][symbol][0]
    return rules["tiers"][0]["rate"], rules["taker_fee"]


def remedies(story):
    return {f"{one.kind} {one.by}".strip(): one for one in story.remedies}


def total(parts, name):
    return sum(getattr(part, name) for part in parts)


def assert_adds_up(story):
    start, end = story.start, story.end
    moved = start.equity + total(story.parts, "equity")
    needs = start.maintenance + total(story.parts, "maintenance")
    assert moved == pytest.approx(end.equity, rel=1e-9, abs=1e-9)
    assert needs == pytest.approx(end.maintenance, rel=1e-9, abs=1e-9)
    assert story.parts[-1].ratio == pytest.approx(end.ratio, rel=1e-9)


def test_an_isolated_slide_is_traced_by_hand(slide):
    rate, fee = terms(slide)
    margin = 50_000 / 10 - 50_000 * fee
    paid = 50_000 * 0.001
    level = (50_000 - (margin - paid)) / (500 * (1 - rate))
    story = bt.why(slide, 1)
    assert (story.start.equity, story.start.maintenance) == pytest.approx(
        (margin, rate * 50_000), rel=1e-12
    )
    assert [(part.kind, part.times) for part in story.parts] == [("funding", 1), ("price", 0)]
    funding, price = story.parts
    assert (funding.equity, funding.maintenance) == (pytest.approx(-paid), 0.0)
    assert price.equity == pytest.approx(500 * (level - 100))
    assert price.maintenance == pytest.approx(rate * 500 * (level - 100))
    assert (price.before, price.after) == (100.0, pytest.approx(level))
    assert_adds_up(story)
    assert story.end.ratio == pytest.approx(1.0)
    step = story.steps.row(0, named=True)
    assert step["step_name"] == "close"
    assert step["exit_price"] == pytest.approx(level)
    assert step["equity_before"] == pytest.approx(step["fee"] + step["residual"])


def test_what_saves_the_slide_is_what_the_formulas_say(slide):
    rate, fee = terms(slide)
    margin, paid = 50_000 / 10 - 50_000 * fee, 50_000 * 0.001
    level = (50_000 - (margin - paid)) / (500 * (1 - rate))
    found = remedies(bt.why(slide, 1))
    missing = rate * 500 * 85 + 500 * 15 + paid - margin
    more = found["margin"]
    assert more.fails < missing < more.value <= more.fails + 10
    for by in ("last", "mark"):
        stop = found[f"stop {by}"]
        assert level < stop.value <= level + TICK
    assert (found["leverage"].value, found["leverage"].fails) == (6.0, 7.0)
    assert (found["exposure"].value, found["exposure"].reason) == (None, "never")
    assert "both" not in found


def test_what_the_account_is_worth_is_what_is_left_of_it(slide):
    fee = terms(slide)[1]
    story = bt.why(slide, 1)
    found = remedies(story)
    margin = 50_000 / 10
    assert story.worth == pytest.approx(10_000 - margin)
    stop = found["stop last"]
    out = 500 * stop.value
    assert stop.worth == pytest.approx(10_000 - 50_000 * fee - 50 - (50_000 - out) - out * fee)
    assert found["margin"].worth == pytest.approx(10_000 - 50_000 * fee - 50 - 5_000)


@pytest.mark.parametrize("setting", ["leverage", "policies"])
def test_a_setting_that_saves_does_so_in_a_run_of_its_own(slide, market, strategy, setting):
    one = remedies(bt.why(slide, 1))["stop_loss" if setting == "policies" else setting]
    as_given = {"leverage": lambda x: x, "policies": lambda x: (f"stop_loss:{x}",)}[setting]
    settings = {"exposure": 5, "leverage": 10}
    saved, fell = (
        market.run(strategy(HOLD), **{**settings, setting: as_given(value)})
        for value in (one.value, one.fails)
    )
    assert (saved.liquidations.height, fell.liquidations.height) == (0, 1)
    assert saved.fills["reason"].to_list() == ["signal", "stop"][: saved.fills.height]


def test_a_pool_of_two_is_traced_by_hand(market, strategy):
    wide = [*flat(100.0, 3), (100.0, 104.0, 92.5, 100.0), *flat(100.0, 30)]
    market.add(wide).add(wide, ETH)
    result = market.run(
        strategy(HOLD), exposure=6.5, leverage=20, margin="cross", symbols=[BTC, ETH]
    )
    story = bt.why(result, 1)
    (rate, fee), (eth_rate, _) = terms(result), terms(result, ETH)
    assert rate != eth_rate
    assert story.start.equity == pytest.approx(10_000 - 2 * 65_000 * fee)
    assert [part.symbol for part in story.parts if part.kind == "price"] == [BTC, ETH]
    for part in story.parts[:2]:
        mark = story.end.positions[(part.symbol, "both")].mark
        assert part.equity == pytest.approx(650.0 * (mark - 100.0))
    assert_adds_up(story)
    assert story.fall.first["certainty"] == "possible"
    smaller = remedies(story)["exposure"]
    rules = result.manifest["accounts"][0]["rules"]
    deduction = sum(rules[s][0]["tiers"][t - 1]["deduction"] for s, t in tiers(story))
    slope = sum(rules[s][0]["tiers"][t - 1]["rate"] for s, t in tiers(story))
    value = (10_000 + deduction) / (2 * fee + 2 * 0.075 + 0.925 * slope)
    assert smaller.value < value / 10_000 <= smaller.fails * 1.001


def tiers(story):
    return [(key[0], held.tier) for key, held in story.end.positions.items()]


def test_the_exposure_that_saves_a_pool_does_so_in_a_run_of_its_own(market, strategy):
    wide = [*flat(100.0, 3), (100.0, 104.0, 92.5, 100.0), *flat(100.0, 30)]
    market.add(wide).add(wide, ETH)
    path, pool = strategy(HOLD), {"leverage": 20, "margin": "cross", "symbols": [BTC, ETH]}
    result = market.run(path, exposure=6.5, **pool)
    one = remedies(bt.why(result, 1))["exposure"]
    falls = [
        history(market.run(path, exposure=value, **pool).liquidations).height
        for value in (one.value, one.fails)
    ]
    assert falls[0] == 0
    assert falls[1] > 0


def test_a_bar_that_some_ways_survive_is_told_as_possible(market, strategy, cli):
    wide = [*flat(100.0, 3), (100.0, 104.0, 92.5, 100.0), *flat(100.0, 30)]
    market.add(wide).add(wide, ETH)
    result = market.run(
        strategy(HOLD), exposure=6.5, leverage=20, margin="cross", symbols=[BTC, ETH]
    )
    assert cli("why", result.path, 1) == 0
    assert "It is possible only: some ways of that bar avoid it." in cli.out
    assert cli("why", result.path, 1, "--path", "optimistic") == 2
    assert "has no liquidation to tell of on its optimistic path" in cli.sentence


def test_a_leverage_that_the_wallet_cannot_pay_is_lowered_with_the_size(market, strategy):
    market.add(SLIDE)
    result = market.run(strategy(HOLD), exposure=9, leverage=10)
    found = remedies(bt.why(result, 1))
    assert (found["leverage"].value, found["leverage"].reason) == (None, "refused")
    both = found["both"]
    assert both.value == 6.0
    assert both.exposure == pytest.approx(9 * 6 / 10)
    saved = market.run(strategy(HOLD), exposure=both.exposure, leverage=both.value)
    assert saved.liquidations.height == 0
    assert saved.fills.height == 1


def test_orders_between_the_opening_and_the_end_are_a_part_that_adds_up(market, strategy):
    slow = steps(*[100.0] * 4, 99.0, 98.0, 97.0, 97.0, 90.0, 85.0, 84.0)
    market.add([*slow, *flat(84.0, 30)])
    more = """
        import polars as pl
        def targets(bars):
            later = pl.int_range(pl.len()) >= 4
            return bars.select("ts", "symbol", target=pl.when(later).then(6.0).otherwise(3.0))
    """
    story = bt.why(market.run(strategy(more), leverage=12), 1)
    kinds = {part.kind: part for part in story.parts}
    assert kinds["orders"].times == 1
    assert kinds["orders"].equity > 0.0
    assert kinds["orders"].maintenance > 0.0
    assert_adds_up(story)


def test_a_position_that_came_and_went_in_the_pool_is_part_of_the_story(market, strategy):
    market.add([*flat(100.0, 12), (100.0, 100.0, 80.0, 85.0), *flat(85.0, 30)])
    market.add([*flat(50.0, 5), *steps(50.0, 48.0, 48.0), *flat(48.0, 36)], ETH)
    visit = f"""
        import backtest as bt
        def on_bar(view):
            n = view.state["n"] = view.state.get("n", -1) + 1
            orders = {{0: ("{BTC}", 600.0), 3: ("{ETH}", 100.0), 7: ("{ETH}", -100.0)}}
            return bt.Order(orders[n][0], size=orders[n][1]) if n in orders else None
    """
    result = market.run(strategy(visit), symbols=[BTC, ETH], leverage=20, margin="cross")
    story = bt.why(result, 1)
    fee = terms(result, ETH)[1]
    orders = next(part for part in story.parts if part.kind == "orders")
    assert orders.times == 2
    assert orders.equity == pytest.approx(100.0 * (48.0 - 50.0) - 100.0 * (50.0 + 48.0) * fee)
    assert_adds_up(story)


def test_an_on_bar_strategy_of_sizes_is_told_how_much_smaller(market, strategy):
    market.add(SLIDE, funding=PAID)
    result = market.run(strategy(ON_BAR), leverage=10, margin="cross", params={"size": 700.0})
    story = bt.why(result, 1)
    assert_adds_up(story)
    one = remedies(story)["size"]
    saved = market.run(
        strategy(ON_BAR), leverage=10, margin="cross", params={"size": 700.0 * one.value}
    )
    assert saved.liquidations.height == 0


def test_an_order_file_of_sizes_is_told_how_much_smaller(market, tmp_path):
    market.add(SLIDE, funding=PAID)
    orders = tmp_path / "orders.csv"
    orders.write_text(f"ts,symbol,size\n2024-01-01 01:00,{BTC},700\n")
    result = market.run(orders=str(orders), leverage=10, margin="cross")
    story = bt.why(result, 1)
    assert_adds_up(story)
    one = remedies(story)["size"]
    assert 0.0 < one.value < one.fails <= 1.0
    orders.write_text(f"ts,symbol,size\n2024-01-01 01:00,{BTC},{700 * one.value}\n")
    assert market.run(orders=str(orders), leverage=10, margin="cross").liquidations.height == 0


def test_a_coin_account_is_told_in_coin(market, strategy):
    symbol = "BTC/USD:BTC"
    candles = [*flat(40_000.0, 10), (40_000.0, 40_000.0, 33_000.0, 36_000.0), *flat(36_000.0, 30)]
    market.add(candles, symbol, venue="binancecoinm", funding=PAID)
    result = market.run(
        strategy(HOLD), venues="binancecoinm", symbols=symbol, exposure=5, leverage=10
    )
    story = bt.why(result, 1)
    assert_adds_up(story)
    assert story.start.equity < 1.0
    assert remedies(story)["margin"].value > 0.0
    assert " BTC." in repr(story)


def test_a_leg_of_a_hedge_is_stopped_and_paid_for_by_itself(market, strategy):
    market.add(SLIDE)
    both = """
        import polars as pl
        def targets(bars):
            return bars.select("ts", "symbol", target_long=pl.lit(4.0), target_short=pl.lit(-1.0))
    """
    result = market.run(strategy(both), leverage=10, position_mode="hedge")
    story = bt.why(result, 1)
    assert story.fall.key == (BTC, "long")
    assert_adds_up(story)
    found = remedies(story)
    assert found["margin"].value > 0.0
    assert found["stop last"].position == (BTC, "long")
    assert found["stop last"].value > story.fall.first["mark_price"]


def test_liquidations_are_numbered_over_venues_and_the_table_says_so(market, strategy, cli):
    market.add(SLIDE)
    result = market.run(
        strategy(HOLD), venues="binanceusdm,okx", prices="binanceusdm", exposure=5, leverage=10
    )
    assert cli("show", result.path) == 0
    lines = [line.split() for line in cli.out.splitlines() if "2024-01-01 10:00" in line]
    table = {line[0]: line[3] for line in lines if line[0].isdigit()}
    for number, venue in table.items():
        assert bt.why(result, int(number)).fall.first["venue"] == venue
    assert sorted(table) == ["1", "2"]


def test_a_story_fits_the_terminal_and_is_json(slide, cli):
    assert cli("why", slide.path, 1) == 0
    assert max(map(len, cli.out.splitlines())) <= 80
    assert "the isolated long 500 BTC/USDT:USDT, opened at 100 with 10x" in " ".join(
        cli.out.split()
    )
    assert "It is certain: every way of that bar leads to it." in cli.out
    assert cli("why", slide.path, 1, "--json") == 0
    told = json.loads(cli.out)
    assert told["cause"] == "price"
    assert [step["step_name"] for step in told["steps"]] == ["close"]
    kinds = {one["kind"] for one in told["remedies"]}
    assert kinds == {"margin", "stop", "stop_loss", "leverage", "exposure"}
    assert told["horizon_end"] == "2024-01-02T11:00:00+00:00"


def test_a_longer_horizon_asks_for_more(market, strategy):
    later = [*SLIDE, (90.0, 90.0, 80.0, 85.0), *flat(85.0, 3)]
    result = market.add(later).run(strategy(HOLD), exposure=5, leverage=10)
    day, week = (
        remedies(bt.why(result, 1, horizon=horizon))["margin"].value for horizon in ("24h", "7d")
    )
    assert week - day == pytest.approx(500 * 5, rel=0.02)


def test_a_function_is_given_along(market):
    def targets(bars):
        return bars.select("ts", "symbol", target=pl.lit(5.0))

    result = market.add(SLIDE).run(targets, leverage=10)
    with pytest.raises(bt.ResultError, match="was a Python function"):
        bt.why(result, 1)
    assert bt.why(result, 1, strategy=targets).number == 1


def test_a_liquidation_that_is_not_there_is_refused(slide, cli, market, strategy, tmp_path):
    assert cli("why", slide.path, 2) == 2
    assert cli.sentence.startswith(f"there is no liquidation 2 in {slide.path}: it has 1;")
    assert cli("why", slide.path, 0) == 2
    calm = market.run(strategy(HOLD), exposure=1, leverage=2)
    assert cli("why", calm.path, 1) == 2
    assert cli.sentence == f"the run at {calm.path} has no liquidation to tell of."
    assert cli("why", tmp_path, 1) == 1
    assert "there is no run at" in cli.sentence
    assert cli("why", slide.path, 1, "--horizon", "soon") == 2
    assert "'soon' is not a length of time" in cli.sentence


def test_a_strategy_that_has_changed_is_refused(slide, strategy, cli):
    path = strategy(HOLD + "\n    # another thought\n")
    assert cli("why", slide.path, 1) == 1
    assert f"the strategy {path} has changed since the run" in cli.sentence


def test_data_that_have_changed_or_are_gone_are_refused(slide, market, cli):
    mark = market.path("mark")
    pl.read_parquet(mark).with_columns(low=pl.col("low") - 1.0).write_parquet(mark)
    assert cli("why", slide.path, 1) == 1
    assert f"the data file {mark} has changed since the run" in cli.sentence
    mark.unlink()
    assert cli("why", slide.path, 1) == 1
    assert f"the data file {mark} of the run cannot be read" in cli.sentence


def test_rules_that_have_changed_are_refused(slide, cli):
    path = slide.path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["accounts"][0]["rulebook_hash"] = "0" * 64
    path.write_text(json.dumps(manifest))
    assert cli("why", slide.path, 1) == 1
    assert "the rules of binanceusdm have changed since the run" in cli.sentence


def test_a_result_that_does_not_come_out_again_is_refused(slide, cli):
    path = slide.path / "liquidations.parquet"
    pl.read_parquet(path).with_columns(pl.col("mark_price") + 0.5).write_parquet(path)
    assert cli("why", slide.path, 1) == 1
    assert "did not come out the same when it was played again" in cli.sentence
