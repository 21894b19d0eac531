"""What a venue refuses: leverage over its maximum, sizes it does not take, rules not known."""

import pytest

import backtest as bt
from backtest import venues

from .market import BTC, flat

BIG = 1e12


def test_leverage_over_the_maximum_names_symbol_and_venue(market):
    market.add(flat(100, 12))
    with pytest.raises(bt.UsageError, match=r"leverage 126 .* 125 for BTC/USDT:USDT on binance"):
        market.run("strategies/hold.py", leverage=126)


def test_leverage_over_the_tiers_maximum_is_rejected_when_the_size_asks_for_it(market):
    market.add(flat(50_000, 12))
    result = market.run("strategies/hold.py", cash=1e6, exposure=20, leverage=100)
    assert result.rejections["reason"].to_list() == ["max leverage"]
    assert result.fills.height == 0
    assert "never traded: 1 order rejected (max leverage)" in str(result)


def incomplete():
    """A venue and symbol whose table is known in part today."""
    for venue in venues.known():
        book = venues.load(venue)
        for symbol, tables in book.tiers.items():
            if not tables[-1].complete and tables[-1].unit == "settle":
                return venue, symbol
    return pytest.skip("every table is known to its end")


def test_a_position_the_known_tiers_do_not_cover_is_rejected_with_that_reason(market):
    venue, symbol = incomplete()
    market.add(flat(100, 12), symbol)
    result = market.run(
        "strategies/hold.py", venues=venue, symbols=symbol, prices="binanceusdm",
        cash=BIG, exposure=0.9, leverage=1,
    )  # fmt: skip
    assert result.rejections["reason"].to_list() == ["tiers unknown"]
    assert result.rejections["required"][0] > result.rejections["available"][0]


def test_an_account_that_cannot_pay_the_margin_is_rejected_with_what_it_lacked(market):
    market.add(flat(100, 12))
    result = market.run("strategies/hold.py", exposure=5, leverage=2)
    row = result.rejections.row(0, named=True)
    assert row["reason"] == "insufficient margin"
    assert row["required"] == pytest.approx(50_000 / 2)
    assert row["available"] == 10_000
    assert result.summary["rejection_reason"].to_list() == ["insufficient margin"]


def test_strict_rules_refuse_dates_without_a_known_table(market):
    market.add(flat(100, 12), venue="okx")
    book = venues.load("okx")
    assert book.tiers[BTC][0].valid_from > 1_704_067_200_000
    with pytest.raises(bt.RulebookError, match=r"okx has no tier table of BTC/USDT:USDT that is"):
        market.run("strategies/hold.py", venues="okx", strict_rules=True)
    result = market.run("strategies/hold.py", venues="okx")
    assert result.summary["extrapolated_share"].to_list() == [1.0]


def test_strict_rules_run_where_every_date_is_known(market):
    market.add(flat(100, 12))
    result = market.run("strategies/hold.py", strict_rules=True)
    assert result.summary["extrapolated_share"].to_list() == [0.0]


def test_a_rule_of_the_users_own_replaces_the_venues(market):
    market.add(flat(100, 12))
    result = market.run("strategies/hold.py", rules={"fees.taker": 0.01})
    assert result.fills["fee"].to_list() == pytest.approx([100.0])
    decision = {d["key"]: d for d in result.manifest["accounts"][0]["decisions"]}["fees.taker"]
    assert decision["value"] == 0.01
    assert decision["source"] == "set by the user"
