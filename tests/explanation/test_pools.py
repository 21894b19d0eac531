"""Positions that share a wallet: the numbers of `explain_pool` are those of the engine."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import backtest as bt
from backtest.cli.explain import command
from backtest.core.engine import Engine, Settings
from backtest.core.types import Gains, Legs, MarginMode, TierRule
from backtest.errors import RulebookError, UnknownNameError, UsageError
from backtest.explanation import explain, explain_pool, read_positions
from backtest.explanation.joint import common_ratio, failing_ratios
from backtest.explanation.numbers import Position, report
from backtest.explanation.pools import pair_of, pool_around, totals
from tests.core.accounts import HOUR, bars, make_rules, orders
from tests.explanation.test_equations import equation, evaluated

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
PAIR = (
    {"symbol": BTC, "side": "long", "size": 1, "entry": 50_000, "mark": 49_000, "leverage": 10},
    {"symbol": ETH, "side": "short", "size": 10, "entry": 2_000, "mark": 2_100, "leverage": 10},
)
HEDGE = (
    {"symbol": BTC, "side": "long", "size": 4, "entry": 50_000, "mark": 49_000, "leverage": 10},
    {"symbol": BTC, "side": "short", "size": 1, "entry": 52_000, "mark": 49_000, "leverage": 10},
)


def sampled(rules, sizes, cash=200_000.0):
    """Margins and pool at the close of an engine whose legs were bought at 100."""
    settings = Settings(MarginMode.CROSS, 10, HOUR, HOUR)
    e = Engine(settings, [rules], [0], [cash], legs=True)
    e.give(orders(*((0, leg, "SIZE", size) for leg, size in enumerate(sizes))))
    e.feed(*bars([(100, 100, 100, 100), (100, 100, 100, 100), (100, 104, 99, 103)]))
    equity, margins = e.take("equity")[-1], e.take("margin")
    return equity, margins[margins["ts"] == equity["ts"]]


@pytest.mark.parametrize("sizes", [(6_000, -1_500), (1_500, -6_000), (2_000, -2_000)])
@pytest.mark.parametrize("gains", Gains)
@pytest.mark.parametrize("rule", [TierRule.PROGRESSIVE, TierRule.FLAT])
@pytest.mark.parametrize("legs", Legs)
def test_two_legs_have_the_margins_that_the_engine_gives_them(legs, rule, gains, sizes):
    rules = make_rules(legs=legs, tier_rule=rule, gains=gains)
    equity, margins = sampled(rules, sizes)
    found = [
        Position(
            "X", float(m["size"]), float(m["entry_price"]), float(m["mark_price"]), 10.0, rules[0]
        )
        for m in margins
    ]
    wallet = float(equity["cash"])
    for i, m in enumerate(margins):
        r = report(found[i], pool_around(found, i, wallet))
        assert r.maintenance_margin == m["maintenance_margin"]
        assert r.initial_margin == m["initial_margin"]
        assert r.tier == m["tier"]
    beside = pair_of(found, 0, wallet).beside
    level = common_ratio(found, beside.wallet) * float(margins["mark_price"][0])
    for m in margins:  # where gains are not shared, the winner's level is that of its own fall
        if gains == Gains.SHARED or (level - m["entry_price"]) * m["size"] < 0.0:
            assert m["liquidation_price"] == pytest.approx(level, rel=1e-12)
    _, initial, needed = totals(found, wallet)
    assert needed == pytest.approx(equity["maintenance_margin"], rel=1e-14)
    assert initial == pytest.approx(equity["initial_margin"], rel=1e-14)


@pytest.mark.parametrize("legs", Legs)
def test_the_pool_fails_at_its_joint_price_and_not_a_little_before(legs):
    rules = make_rules(legs=legs)
    equity, margins = sampled(rules, (6_000, -1_500), cash=90_000.0)
    found = [
        Position(
            "X", float(m["size"]), float(m["entry_price"]), float(m["mark_price"]), 10.0, rules[0]
        )
        for m in margins
    ]
    lower, upper = failing_ratios(found, float(equity["cash"]))
    mark = float(margins["mark_price"][0])
    for share, liquidated in ((1 + 1e-6, False), (1 - 1e-6, True)):
        price = mark * lower * share
        settings = Settings(MarginMode.CROSS, 10, HOUR, HOUR)
        e = Engine(settings, [rules], [0], [90_000.0], legs=True)
        e.give(orders((0, 0, "SIZE", 6_000), (0, 1, "SIZE", -1_500)))
        e.feed(*bars([(100,) * 4, (100,) * 4, (103,) * 4, (103, 103, price, 103)]))
        assert bool(len(e.take("liquidations"))) is liquidated
    assert upper > 2.0


def test_each_position_stands_beside_the_others_at_their_marks():
    pool = explain_pool("binanceusdm", PAIR, cash=10_000, date="2026-09-15")
    alone = explain(
        "binanceusdm",
        BTC,
        side="long",
        size=1,
        entry=50_000,
        mark=49_000,
        leverage=10,
        margin="cross",
        cash=10_000 - 1_000 - 84,
        date="2026-09-15",
    )
    # the short has lost 1,000 and needs 0.4 % of 21,000
    assert pool.positions[0].liquidation_price == pytest.approx(alone.liquidation_price)
    assert pool.equity == 10_000 - 1_000 - 1_000
    assert pool.maintenance_margin == pytest.approx(0.004 * 49_000 + 0.004 * 21_000)
    assert pool.margin_ratio == pytest.approx(pool.maintenance_margin / pool.equity)
    assert pool.available == pytest.approx(8_000 - 4_900 - 2_100)


def test_a_pool_of_one_position_is_that_position():
    one = {**PAIR[0]}
    pool = explain_pool("bybit", [one], cash=9_000).positions[0]
    alone = explain("bybit", margin="cross", cash=9_000, **one)
    assert pool == alone
    assert explain_pool("bybit", [one], cash=9_000).joint == []


def test_marks_that_move_together_have_a_joint_price():
    both = [{**PAIR[0]}, {**PAIR[1], "side": "long", "entry": 2_100}]
    pool = explain_pool("binanceusdm", both, cash=10_000, date="2026-09-15")
    (joint,) = pool.joint
    # 10,000 − 1,000 + 70,000·(r − 1) = 0.004·70,000·r
    assert joint.lower_ratio == pytest.approx((70_000 - 9_000) / (70_000 * 0.996))
    assert joint.lower[BTC] == pytest.approx(49_000 * joint.lower_ratio)
    assert joint.upper is None
    hedge = explain_pool("binanceusdm", HEDGE, cash=10_000, date="2026-09-15")
    assert [one.what for one in hedge.joint] == ["all BTC"]
    assert pool.positions[0].liquidation_price < joint.lower[BTC]


def test_legs_are_margined_as_the_venue_says():
    separate = explain_pool("binanceusdm", HEDGE, cash=20_000, date="2026-09-15").positions
    assert [p.maintenance_margin for p in separate] == pytest.approx([784.0, 196.0])
    larger = explain_pool("bitget", HEDGE, cash=20_000).positions
    # at the tier of both, 245,000: 0.5 %, with the closing fee of 0.06 %; the smaller leg none
    assert [p.maintenance_margin for p in larger] == pytest.approx([0.0056 * 196_000, 0.0])
    assert [p.tier for p in larger] == [2, 2]
    assert larger[1].initial_margin == 0.0
    text = str(explain_pool("bitget", HEDGE, cash=20_000))
    assert "the smaller of two legs" in text
    assert "share their mark, and so their liquidation price" in " ".join(text.split())
    joint = explain_pool("okx", [{**one, "size": 1} for one in HEDGE], cash=20_000)
    assert any("count towards the tier" in note for p in joint.positions for note in p.notes)


@pytest.mark.parametrize("sides", [("long", "short"), ("short", "long")])
@pytest.mark.parametrize(
    ("venue", "symbol", "coins"),
    [
        ("binanceusdm", BTC, 4.0),
        ("binancecoinm", "BTC/USD:BTC", 4.0),
        ("bybit", BTC, 0.5),
        ("bybit", "BTC/USD:BTC", 0.5),
        ("okx", BTC, 0.5),
        ("okx", "BTC/USD:BTC", 0.002),
        ("bitget", BTC, 4.0),
        ("gate", BTC, 4.0),
        ("gate", "BTC/USD:BTC", 0.01),
    ],
)
def test_the_equation_of_two_legs_gives_the_price_they_share(venue, symbol, coins, sides):
    per_coin = 50_000.0 if symbol.endswith(":BTC") else 1.0
    rows = [
        {"symbol": symbol, "side": side, "size": coins * per_coin * share, "mark": 50_000.0}
        for side, share in zip(sides, (1.0, 0.25), strict=True)
    ]
    for row, entry in zip(rows, (49_000.0, 52_000.0), strict=True):
        row |= {"entry": entry, "leverage": 10}
    cash = 0.2 * coins * (1.0 if per_coin > 1 else 50_000.0)
    pool = explain_pool(venue, rows, cash=cash)
    first, second = pool.positions
    assert first.liquidation_price == second.liquidation_price
    assert evaluated(equation(first)) == pytest.approx(first.liquidation_price, rel=2e-8)
    (joint,) = pool.joint
    found = joint.lower or joint.upper
    assert first.liquidation_price == pytest.approx(found[symbol], rel=1e-9)


def test_a_screen_that_moves_all_marks_shows_the_joint_price():
    futures = [
        {"symbol": "BTC/USD:BTC", "side": "long", "size": 50_000, "entry": 50_000, "mark": 50_000},
        {
            "symbol": "BTC/USD:BTC-261225",
            "side": "short",
            "size": 20_000,
            "entry": 51_000,
            "mark": 51_000,
        },
    ]
    pool = explain_pool("deribit", futures, cash=0.3)
    (joint,) = pool.joint
    assert pool.positions[0].shown_liquidation_price == pytest.approx(joint.lower["BTC/USD:BTC"])
    assert pool.positions[1].shown_liquidation_price == pytest.approx(
        joint.lower["BTC/USD:BTC-261225"]
    )


@pytest.mark.parametrize(
    ("rows", "error", "match"),
    [
        ([], UsageError, "list of positions is empty"),
        ({}, UsageError, "positions is no list"),
        ([5], UsageError, "position 1 is 5; write it as an object"),
        ([{**PAIR[0], "sise": 1}], UnknownNameError, "key of position 1 'sise'; did you mean 'si"),
        ([{"symbol": BTC}], UsageError, "position 1 has no side"),
        ([PAIR[0], {**PAIR[1], "mark": None}], UsageError, "position 2 has no mark"),
        ([{**PAIR[0], "contracts": 1}], UsageError, "needs either size or contracts"),
        ([{**PAIR[0], "size": None}], UsageError, "needs either size or contracts"),
        ([{**PAIR[0], "symbol": 7}], UsageError, "has symbol 7; write it as text"),
        ([{**PAIR[0], "side": "buy"}], UnknownNameError, "side of position 1 'buy'"),
        ([{**PAIR[0], "size": "1"}], UsageError, "has size '1'; write it as a number"),
        ([{**PAIR[0], "size": True}], UsageError, "has size True; write it as a number"),
        ([{**PAIR[0], "mark": -1}], UsageError, "has mark -1; it must be a number greater than 0"),
        ([{**PAIR[0], "leverage": 0.5}], UsageError, "leverage 0.5; it must be 1 or more"),
        ([{**PAIR[0], "leverage": None}], UsageError, "depends on the leverage; give it"),
        ([{**PAIR[0], "funding_rate": -2}], UsageError, "a rate is a fraction"),
        ([PAIR[0], PAIR[0]], UsageError, "positions 1 and 2 are both long BTC/USDT:USDT"),
        ([PAIR[0], {**PAIR[0], "symbol": "BTC"}], UsageError, "two long positions are BTC/USDT"),
        ([HEDGE[0], {**HEDGE[1], "mark": 48_000}], UsageError, "two marks, 49000 and 48000"),
        (
            [PAIR[0], {**PAIR[0], "symbol": "BTC/USDC:USDC"}],
            UsageError,
            "settle in USDC and USDT, which are pools of their own",
        ),
    ],
)
def test_what_is_wrong_with_a_list_is_said_in_a_sentence(rows, error, match):
    with pytest.raises(error, match=match):
        explain_pool("binanceusdm", rows)


def test_a_venue_without_hedge_mode_holds_no_two_legs():
    rows = [{**one, "symbol": "BTC"} for one in HEDGE]
    with pytest.raises(
        RulebookError, match="hyperliquid holds no long and short leg of one symbol"
    ):
        explain_pool("hyperliquid", rows)


def printed(tmp_path, rows, *flags):
    path = tmp_path / "positions.json"
    path.write_text(rows if isinstance(rows, str) else json.dumps(rows))
    arguments = ["--venue", "binanceusdm", "--positions", str(path), *flags]
    return CliRunner().invoke(command, arguments, catch_exceptions=False).output


def test_the_command_reads_a_file_and_prints_text_or_json(tmp_path):
    text = printed(tmp_path, PAIR, "--cash", "10000")
    assert "cross pool in USDT" in text
    assert "all marks: a fall of" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    content = json.loads(printed(tmp_path, PAIR, "--cash", "10000", "--json"))
    assert [p["symbol"] for p in content["positions"]] == [BTC, ETH]
    assert content["joint"][0]["symbols"] == [BTC, ETH]


def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="is not JSON"):
        printed(tmp_path, "[{")
    with pytest.raises(UsageError, match="holds no list"):
        printed(tmp_path, {"symbol": BTC})
    with pytest.raises(UsageError, match="cannot read"):
        read_positions(tmp_path / "missing.json")
    with pytest.raises(UsageError, match="--side given with --positions"):
        printed(tmp_path, PAIR, "--side", "long")
    with pytest.raises(UsageError, match="those of a cross pool"):
        printed(tmp_path, PAIR, "--margin", "isolated")
    with pytest.raises(UsageError, match="--symbol, --side, --entry missing"):
        CliRunner().invoke(command, ["--venue", "okx"], catch_exceptions=False)


def test_a_pool_that_is_liquidated_already_says_so():
    pool = bt.explain_pool("binanceusdm", PAIR, cash=2_100)
    assert pool.margin_ratio > 1
    assert "already liquidated" in str(pool)
    assert np.isfinite(pool.to_dict()["margin_ratio"])
    assert pool.joint[0].lower is None
