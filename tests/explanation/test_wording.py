"""What `explain` says beside its numbers: what it assumed, left out or read another way."""

import backtest as bt
from backtest.explanation import explain_pool

BTC, COIN = "BTC/USDT:USDT", "BTC/USD:BTC"
HELD = {"symbol": BTC, "side": "long", "size": 1, "entry": 50_000, "mark": 50_000, "leverage": 10}


def explain(venue="okx", symbol=BTC, **changes):
    asked = {"side": "long", "entry": 50_000.0, "size": 0.5, "leverage": 10.0}
    return bt.explain(venue, symbol, **(asked | changes))


def test_a_size_between_two_lots_is_noted():
    (note,) = explain(size=0.50004).notes
    assert note == "okx trades whole lots of 0.0001 BTC: an order of this size opens 0.5 BTC"
    assert explain(size=0.3).notes == []


def test_a_funding_rate_that_changes_nothing_is_said_to_change_nothing():
    (note,) = explain(funding_rate=0.001).notes
    assert note == "the funding rate of 0.1 % is not used: no next funding is in the requirement"
    used = explain("bitmex", COIN, size=1_000, funding_rate=0.001)
    assert not any("is not used" in note for note in used.notes)


def test_the_wallet_that_is_taken_when_none_is_given_is_said():
    assert "the wallet is taken as 10,000 USDT" in explain(margin="cross").notes[0]
    assert "the wallet is taken as 10,000 USDT" in str(explain_pool("okx", [HELD]))
    assert explain(margin="cross", cash=10_000.0).notes == []
    assert explain_pool("okx", [HELD], cash=10_000.0).notes == []


def test_a_contract_that_stands_for_another_is_named():
    assert explain("hyperliquid").notes[0] == (
        "hyperliquid lists no BTC/USDT:USDT: BTC/USDC:USDC stands for it"
    )
    assert explain("hyperliquid", "BTC").notes == []


def test_a_tier_is_told_where_no_price_liquidates():
    # 4 million at the mark are in the third row of the table, and no price is low enough
    found = explain("binanceusdm", size=80, leverage=1.0, extra_margin=1e6, date="2026-09-15")
    assert found.liquidation_price is None
    (line,) = [line for line in found.formula if line.startswith("tier ")]
    assert line.startswith(f"tier {found.tier} now: ")


def test_the_far_side_of_a_rate_that_grows_with_coins_is_told_in_coins():
    found = explain(
        "deribit", COIN, side="short", size=1_000, margin="cross", cash=0.02, leverage=None
    )
    (note,) = [note for note in found.notes if "liquidated at" in note]
    assert note.startswith("liquidated at 0.05050505051 and below: there it is 19,800 coins, wh")
    assert "no mark price above this one liquidates this position" in found.formula


def test_what_a_part_of_a_table_reaches_to_has_its_unit():
    (note,) = [n for n in explain("gate").notes if "in part" in n]
    assert note == "the table is known in part, up to 3,000,000 USDT of value at mark"


def test_a_ratio_that_falls_is_explained():
    assert "on the screen       2222.22 % (equity / maintenance margin)" in str(explain())
    assert "(equity" not in str(explain("bybit"))


def test_a_mark_beyond_the_liquidation_price_is_said_where_the_distance_stands():
    assert "  distance from mark  passed already" in str(explain(mark=44_000.0))
    assert "  distance from mark  9.59317 %" in str(explain())
    far = explain(margin="cross", cash=1e9, side="short")
    assert "  distance from mark  3,982,080 %" in str(far)
    assert "margin ratio          0.00001125 %" in str(far)


def test_a_contract_that_was_settled_before_its_rules_date_says_so():
    notes = explain("deribit", "BTC/USD:BTC-200327", size=1_000).notes
    assert any(
        note == "dated contract: it settled on 2020-03-27 08:00 UTC, before the date of these "
        "rules; give a date before it (--date)"
        for note in notes
    )
