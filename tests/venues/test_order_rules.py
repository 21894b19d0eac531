"""What each venue does with resting orders, and what a user may say instead."""

from math import inf
from pathlib import Path

import pytest

from backtest.core.types import CancelsOrders, OrderMargin
from backtest.errors import RulebookError, UnknownNameError
from backtest.venues import known, load, load_file, resolve
from backtest.venues.policy import facts

from .base import ms

BTC, COIN, XBT = "BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDC:USDC"
TOY = Path(__file__).parent / "toy.toml"
LATE = "2025-06-01"

BINANCE_LIKE = [
    ("binanceusdm", BTC, "isolated", LATE, "initial", "bucket", 200, inf),
    ("binanceusdm", BTC, "cross", LATE, "initial", "bucket", 200, inf),
    ("binancecoinm", COIN, "cross", LATE, "initial", "bucket", 200, inf),
    ("bitget", BTC, "isolated", LATE, "initial_and_opening_fee", "symbol", 200, inf),
    ("bitget", BTC, "cross", LATE, "initial_and_opening_fee", "account", 200, inf),
    ("okx", BTC, "cross", LATE, "initial_and_opening_fee", "bucket", 200, inf),
    ("gate", BTC, "isolated", LATE, "initial", "symbol", 50, 0.5),
    ("gate", BTC, "cross", LATE, "initial", "account", 50, 0.5),
    ("gate", BTC, "cross", "2024-09-23", "initial", "symbol", 50, 0.5),
]
BITMEX_LIKE = [
    ("bitmex", COIN, "isolated", LATE, "initial_and_fees", "symbol", 200, inf),
    ("bitmex", COIN, "cross", LATE, "initial_and_fees", "symbol", 200, inf),
    ("kucoinfutures", BTC, "isolated", LATE, "initial_and_fees", "symbol", 200, inf),
    ("kucoinfutures", BTC, "cross", LATE, "initial_and_opening_fee", "bucket", 200, inf),
    ("bybit", BTC, "cross", LATE, "initial_and_fees", "bucket", 200, inf),
    ("bybit", COIN, "cross", "2024-12-31", "initial_and_fees", "symbol", 200, inf),
    ("bybit", COIN, "cross", "2025-01-01", "initial_and_fees", "bucket", 200, inf),
]
OTHERS = [
    ("deribit", COIN, "cross", LATE, "initial", "bucket", 200, inf),
    ("krakenfutures", COIN, "cross", LATE, "initial", "bucket", 200, inf),
    ("hyperliquid", XBT, "isolated", LATE, "initial", "account", 200, inf),
    ("dydx", XBT, "cross", LATE, "none", "none", 200, inf),
]


def rules_of(book, symbol, mode, date, **more):
    """The RULES record of a symbol on a day."""
    (record,) = resolve(book, book.match(symbol), ms(date), ms(date) + 1, mode=mode, **more)
    return record


def said(record):
    """Its part about resting orders, in words."""
    margin, cancels = OrderMargin(record["order_margin"]), CancelsOrders(record["cancels_orders"])
    limits = int(record["max_open_orders"]), float(record["trigger_band"])
    return (margin.name.lower(), cancels.name.lower(), *limits)


@pytest.mark.parametrize("row", BINANCE_LIKE, ids=lambda row: "-".join(map(str, row[:4])))
def test_venues_that_reserve_a_part_of_the_value_keep_their_rules(row):
    venue, symbol, mode, date, *wanted = row
    assert said(rules_of(load(venue), symbol, mode, date)) == tuple(wanted)


@pytest.mark.parametrize("row", BITMEX_LIKE, ids=lambda row: "-".join(map(str, row[:4])))
def test_venues_that_reserve_both_fees_keep_their_rules(row):
    venue, symbol, mode, date, *wanted = row
    assert said(rules_of(load(venue), symbol, mode, date)) == tuple(wanted)


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: "-".join(map(str, row[:4])))
def test_venues_that_keep_one_account_keep_their_rules(row):
    venue, symbol, mode, date, *wanted = row
    assert said(rules_of(load(venue), symbol, mode, date)) == tuple(wanted)


def test_every_venue_says_what_an_order_reserves_and_where_it_read_so():
    assert {row[0] for row in (*BINANCE_LIKE, *BITMEX_LIKE, *OTHERS)} == set(known())
    for venue in known():
        for row in load(venue).provenance(ms(LATE)):
            if row["key"] in ("orders.margin", "orders.cancelled"):
                assert row["source"] != "what most venues do", venue


def test_a_rulebook_without_order_rules_has_those_of_most_venues():
    book = load_file(TOY)
    assert said(rules_of(book, BTC, "cross", LATE)) == ("initial", "bucket", 200, inf)
    (row,) = (row for row in book.provenance(ms(LATE)) if row["key"] == "orders.band")
    assert (row["confidence"], row["source"]) == ("assumed", "what most venues do")


def test_a_user_sets_order_rules_beside_the_sizes_of_orders():
    changes = {
        "orders.margin": "none",
        "orders.cancelled": "account",
        "orders.max_open": "7",
        "orders.band": "0.1",
        "orders.lot": "0.5",
    }
    record = rules_of(load("kucoinfutures"), BTC, "cross", LATE, overrides=changes)
    assert said(record) == ("none", "account", 7, 0.1)
    assert record["lot"] == 0.5


def test_a_wrong_order_rule_of_a_user_is_refused_with_what_is_known():
    with pytest.raises(RulebookError, match=r"known: none, initial, initial_and_fees"):
        rules_of(load("okx"), BTC, "cross", LATE, overrides={"orders.margin": "all"})
    with pytest.raises(RulebookError, match=r"orders.max_open = 0.0 is under 1"):
        rules_of(load("okx"), BTC, "cross", LATE, overrides={"orders.max_open": "0"})
    with pytest.raises(UnknownNameError, match=r"did you mean 'orders\.cancelled'"):
        rules_of(load("okx"), BTC, "cross", LATE, overrides={"orders.canceled": "none"})


def test_a_file_may_say_another_order_rule_for_one_mode(tmp_path):
    row = '[{ value = "%s", valid_from = 2020-01-01, source = "doc", confidence = "official" }]'
    rules = f"[orders]\nmargin = {row % 'none'}\n\n[cross.orders]\nmargin = {row % 'initial'}\n\n"
    path = tmp_path / "toy.toml"
    path.write_text(TOY.read_text().replace("[[instruments]]", rules + "[[instruments]]", 1))
    book = load_file(path)
    found = [said(rules_of(book, BTC, mode, LATE))[0] for mode in ("isolated", "cross")]
    assert found == ["none", "initial"]
    texts = [f.text for f in facts(book, ms(LATE)) if f.key.endswith("orders.margin")]
    assert texts == ["nothing", "the initial margin"]


def test_an_unknown_order_rule_in_a_file_is_refused(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text(TOY.read_text() + "\n[orders]\nmargins = 1\n")
    with pytest.raises(RulebookError, match=r"orders\.margins = 1 .*did you mean 'margin'"):
        load_file(path)
