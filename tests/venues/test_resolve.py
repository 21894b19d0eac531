"""Overrides, names and dates of any rulebook."""

from pathlib import Path

import pytest

from backtest.errors import RulebookError, UnknownNameError
from backtest.venues import known, load, load_file, override, resolve

from .base import ms, on, resolved

BTC = "BTC/USDT:USDT"
TOY = Path(__file__).parent / "toy.toml"


TWELVE = [
    "binancecoinm", "binanceusdm", "bitget", "bitmex", "bybit", "deribit", "dydx", "gate",
    "hyperliquid", "krakenfutures", "kucoinfutures", "okx",
]  # fmt: skip


def test_twelve_venues_are_known():
    assert known() == TWELVE


def test_an_unknown_venue_says_what_was_meant():
    with pytest.raises(UnknownNameError, match="did you mean 'bybit'"):
        load("bybitt")


def test_a_rulebook_is_loaded_once_and_has_a_hash_of_its_text():
    assert load("okx") is load("okx")
    assert len({load(venue).hash for venue in known()}) == len(TWELVE)
    assert load_file(TOY).hash == load_file(TOY).hash


def test_overrides_replace_values_at_all_dates():
    changes = {
        "fees.taker": "0.001",
        "bankruptcy.fee_included": "true",
        "maintenance.valued_at": "entry",
        "liquidation.isolated.steps.0.amount": 3,
        "liquidation.cross.healthy_ratio": 0.8,
        "orders.lot": 0.5,
    }
    rules, cross = (
        resolve(load("okx"), BTC, ms("2020-01-01"), ms("2026-06-01"), mode=mode, overrides=changes)
        for mode in ("isolated", "cross")
    )
    assert set(rules["taker_fee"]) == {0.001}
    assert set(rules["bankruptcy_fee"]) == {1}
    assert set(rules["maintenance_at"]) == {1}
    assert set(rules["steps"]["amount"][:, 0]) == {3.0}
    assert set(cross["steps"]["amount"][:, 1]) == {2.0}
    assert set(cross["healthy_ratio"]) == {0.8}
    assert set(rules["lot"]) == {0.5}


def test_an_override_for_all_takes_the_place_of_what_some_have_of_their_own():
    at_mark = {"initial.valued_at": "mark", "fees.clearance": 0.02}
    assert resolve(load("okx"), BTC, 0, 1, overrides=at_mark)["initial_at"][0] == 0
    eth = resolve(load("binanceusdm"), "ETH/USDT:USDT", 0, 1, overrides=at_mark)
    assert eth["clearance_fee"][0] == 0.02


def test_a_mode_or_a_kind_of_contract_may_have_its_own_value():
    own = {"isolated.initial.valued_at": "mark"}
    assert resolve(load("okx"), BTC, 0, 1)["initial_at"][0] == 1
    assert resolve(load("okx"), BTC, 0, 1, overrides=own)["initial_at"][0] == 0
    kraken = load("krakenfutures")
    linear = resolve(kraken, "BTC/USD:USD", 0, 1, mode="cross")
    inverse = resolve(kraken, "BTC/USD:BTC", 0, 1, mode="cross")
    assert (linear["tier_key"][0], inverse["tier_key"][0]) == (0, 2)
    assert (linear["inverse"][0], inverse["inverse"][0]) == (0, 1)


def test_overridden_values_say_that_the_user_set_them():
    book = override(load("okx"), {"fees.taker": 0.001})
    (row,) = [row for row in book.provenance(0) if row["key"] == "fees.taker"]
    assert (row["value"], row["source"], row["confidence"]) == (0.001, "set by the user", "assumed")


@pytest.mark.parametrize(
    "key",
    [
        "fees",
        "liquidation.isolated",
        "liquidation.isolated.steps.9.amount",
        "orders.size",
        "fees.x",
    ],
)
def test_an_override_of_nothing_is_refused(key):
    with pytest.raises(UnknownNameError, match="unknown decision of binanceusdm"):
        override(load("binanceusdm"), {key: 1})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("fees.taker", "1.5", "is over 1"),
        ("fees.taker", "much", "is not a number"),
        ("trigger.compare", "bellow", "did you mean 'below'"),
        ("bankruptcy.fee_included", "perhaps", "neither true nor false"),
    ],
)
def test_an_override_with_a_wrong_value_is_refused(key, value, said):
    with pytest.raises(RulebookError, match=said):
        override(load("binanceusdm"), {key: value})


def test_one_period_covers_all_time_when_nothing_changes():
    rules = resolve(load_file(TOY), BTC, ms("2021-01-01"), ms("2022-01-01"))
    assert rules[["valid_from", "valid_to"]].tolist() == [(-(2**62), 2**62)]


def test_a_period_starts_on_the_day_of_its_revision():
    rules = resolve(load_file(TOY), BTC, ms("2025-10-01"), ms("2025-11-01"))
    assert rules["valid_from"].tolist()[1:] == [ms("2025-10-15")]


def test_the_first_revision_serves_before_its_date():
    book = load_file(TOY)
    assert book.at("fees.taker", 0).value == 0.0005
    assert on(resolved(book, BTC), "2019-06-01")["extrapolated"] == 1


def test_an_unknown_decision_says_what_was_meant():
    with pytest.raises(UnknownNameError, match=r"did you mean 'fees\.taker'"):
        load_file(TOY).at("fee.taker", 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"maintenance.tier_rule": "linear_in_size"},
        {"maintenance.tier_key": "size"},
        {"maintenance.tier_key": "notional_at_entry"},
    ],
)
def test_a_requirement_without_a_single_liquidation_price_is_refused(changes):
    with pytest.raises(RulebookError, match="has no single liquidation price; use a form that has"):
        resolve(load("binanceusdm"), "BTC/USDT:USDT", 0, 1, overrides=changes)


@pytest.mark.parametrize(
    ("venue", "key", "value", "match"),
    [
        ("binanceusdm", "isolated.steps.0.amount", 2, r"amount = 2.0 is a margin ratio over 1"),
        ("hyperliquid", "isolated.steps.1.amount", 1.5, r"is a share of the position over 1"),
        ("okx", "cross.steps.1.amount", 1.5, r"is no number of tiers; give a whole number"),
        ("okx", "cross.steps.1.amount", 0, r"says nothing for size 'tiers_down'"),
    ],
)
def test_an_amount_that_a_step_cannot_reach_is_refused(venue, key, value, match):
    with pytest.raises(RulebookError, match=match):
        override(load(venue), {f"liquidation.{key}": value})


@pytest.mark.parametrize(
    "symbol", ["ETH/USD:BTC", "BTC/USDT:USDT-261225", "BTC/USD:BTC-261225-60000-C", "BTC/EUR:BTC"]
)
def test_another_contract_of_the_same_base_is_refused_and_not_replaced(symbol):
    with pytest.raises(RulebookError, match="no other contract stands for it"):
        load("okx").match(symbol)


def test_a_coin_alone_means_the_main_perpetual_of_each_venue():
    found = {venue: load(venue).match("BTC") for venue in TWELVE}
    assert found.pop("binancecoinm") == found.pop("bitmex") == "BTC/USD:BTC"
    assert found.pop("hyperliquid") == found.pop("deribit") == "BTC/USDC:USDC"
    assert found.pop("dydx") == "BTC/USD:USDC"
    assert found.pop("krakenfutures") == "BTC/USD:USD"
    assert set(found.values()) == {"BTC/USDT:USDT"}


def test_a_dated_future_has_the_tiers_of_its_family_and_an_end():
    book = load("binancecoinm")
    assert book.match("BTC/USD:BTC-261225") == "BTC/USD:BTC-261225"
    rules = resolve(book, "BTC/USD:BTC-261225", 0, 1)
    assert rules["expires"][0] == ms("2026-12-25") + 8 * 3_600_000
    assert rules["rate"][0, 0] == resolve(book, "BTC/USD:BTC-270326", 0, 1)["rate"][0, 0]
    assert resolve(book, "BTC/USD:BTC", 0, 1)["expires"][0] == 2**62


@pytest.mark.parametrize("symbol", ["BTC/EUR:EUR", "BTC/ETH", "BTC/USDT"])
def test_what_is_not_the_same_contract_is_not_matched(symbol):
    with pytest.raises(RulebookError):
        load("okx").match(symbol)


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "btc/usdt:usdt", "BTC_USDT_USDT", "BTC-USDT-SWAP", "BTC/USDT"]
)
def test_another_spelling_says_what_was_meant(symbol):
    with pytest.raises(RulebookError, match=r"did you mean 'BTC/USDT:USDT'"):
        load("okx").match(symbol)


def test_a_coin_in_small_letters_says_what_was_meant():
    with pytest.raises(RulebookError, match="did you mean 'BTC'"):
        load("okx").match("btc")


def test_a_symbol_without_a_schedule_of_its_own_keeps_the_venues():
    assert load("binanceusdm").funding_interval_hours("AAVE/USDC:USDC") == 8
