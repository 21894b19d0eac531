"""`explain`: numbers, formula in words and sources of one position."""

import json
from datetime import date, datetime

import pytest
from click.testing import CliRunner

import backtest as bt
from backtest.cli.explain import command
from backtest.config import parse_time
from backtest.errors import RulebookError, UnknownNameError, UsageError

BTC = "BTC/USDT:USDT"
NO_FEE = {"initial.isolated_open": "notional_over_leverage"}


def explain(venue="binanceusdm", **changes):
    asked = {"side": "long", "entry": 50_000.0, "size": 0.5, "leverage": 10.0}
    return bt.explain(venue, BTC, **(asked | changes))


@pytest.mark.parametrize(("size", "price"), [(80, 45_303), (400, 45_582)])
def test_the_tier_is_that_of_the_notional_and_its_deduction_counts(size, price):
    # 4 million: (4,000,000 − 400,000 − 12,000) / (80·0.99); not 45,222, the first tier's price
    found = explain(size=size, rules=NO_FEE, date=parse_time("2026-09-15"))
    assert round(found.liquidation_price) == price


def test_a_higher_leverage_setting_never_changes_the_size_of_the_requirement():
    low, high = explain(leverage=5), explain(leverage=20)
    assert low.maintenance_margin == high.maintenance_margin
    assert low.liquidation_price < high.liquidation_price


def test_a_short_is_liquidated_above_its_entry():
    found = explain(side="short", rules=NO_FEE)
    # (25,000 + 2,500) / (0.5 · 1.004)
    assert found.liquidation_price == pytest.approx(27_500 / 0.502)
    assert found.bankruptcy_price == pytest.approx(55_000)


def test_cross_stands_on_the_whole_wallet():
    found = explain(margin="cross", cash=10_000.0)
    assert found.liquidation_price == pytest.approx((25_000 - 10_000) / (0.5 * 0.996))
    assert explain(margin="cross", cash=30_000.0).liquidation_price is None


def test_extra_margin_moves_the_price_away():
    more = explain(extra_margin=500.0)
    assert more.liquidation_price == pytest.approx(explain().liquidation_price - 1000 / 0.996)


def test_the_screen_shows_what_the_venue_shows():
    okx = explain("okx")
    assert okx.shown_liquidation_price == pytest.approx(okx.liquidation_price + 0.1)
    bybit = explain("bybit")
    assert 0 <= bybit.shown_liquidation_price - bybit.liquidation_price < 0.1


def test_rules_are_those_of_the_date():
    old = explain("bybit", date=parse_time("2025-10-01"), rules={"maintenance.tier_rule": "flat"})
    new = explain("bybit", date=parse_time("2025-11-10"))
    assert "value at entry" in old.formula[1]
    assert "value at mark" in new.formula[1]
    # entry: 45,000 + 0.5 % of 50,000; mark: 45,000 / (1 − 0.005)
    assert old.liquidation_price == pytest.approx(45_250)
    assert new.liquidation_price == pytest.approx(45_000 / 0.995)


@pytest.mark.parametrize(
    "written",
    ["2025-10-01", "20251001", date(2025, 10, 1), datetime(2025, 10, 1), 1_759_276_800_000],
)
def test_the_date_may_be_written_in_any_usual_way(written):
    assert explain("bybit", date=written).date == "2025-10-01"


def test_a_date_that_is_none_is_refused():
    with pytest.raises(UsageError, match="'soon' is not a time"):
        explain(date="soon")


def test_dates_without_a_known_table_are_noted():
    assert "rules_extrapolated" in explain(date=parse_time("2020-03-12")).notes[0]
    assert explain(date=parse_time("2024-03-12")).notes == []


def test_every_rule_used_has_a_source():
    for row in explain("hyperliquid").sources:
        assert row["source"]
        assert row["confidence"]


def test_the_text_fits_into_80_columns():
    for venue in ("binanceusdm", "bybit", "okx", "hyperliquid"):
        for margin in ("isolated", "cross"):
            text = str(explain(venue, margin=margin, entry=43_210.98765, size=0.123456))
            assert max(len(line) for line in text.splitlines()) <= 80
            assert "liquidation price" in text
            assert "sources" in text


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"side": "lon"}, UnknownNameError, "did you mean 'long'"),
        ({"margin": "portfolio"}, UnknownNameError, "unknown margin mode 'portfolio'"),
        ({"size": 0.0}, UsageError, "size is 0; it must be a number greater than 0"),
        ({"entry": -1.0}, UsageError, "entry is -1"),
        ({"mark": 0.0}, UsageError, "mark is 0"),
        ({"entry": float("nan")}, UsageError, "entry is nan"),
        ({"funding_rate": float("nan")}, UsageError, "funding_rate is nan; it must be a number"),
        ({"extra_margin": float("inf")}, UsageError, "extra_margin is inf"),
        ({"leverage": 0.5}, UsageError, "leverage is 0.5; it must be 1 or more"),
        (
            {"leverage": 151.0},
            UsageError,
            "leverage 151 is over the maximum of 150 for BTC/USDT:USDT",
        ),
        (
            {"size": 100.0, "leverage": 100.0},
            UsageError,
            "100x .* up to 800,000 USDT of value at mark, .* has 5,000,000; .*at most 50x at this",
        ),
        (
            {"size": 100_000.0, "leverage": 1.0},
            UsageError,
            "value at mark of 5,000,000,000 USDT is over 1,800,000,000 USDT, the venue",
        ),
    ],
)
def test_what_the_venue_would_refuse_is_refused(changes, error, match):
    with pytest.raises(error, match=match):
        explain(date=parse_time("2026-09-15"), **changes)


def test_tiers_by_size_are_refused_in_base_units():
    with pytest.raises(
        UsageError, match=r"okx allows 100x .* BTC of size, this position has 5,000"
    ):
        explain("okx", size=5_000.0, leverage=100.0)
    with pytest.raises(UsageError, match="leverage 1000 is over the maximum of 100 for BTC"):
        explain("okx", leverage=1000.0)


def test_a_position_beyond_the_known_tiers_is_refused():
    with pytest.raises(UsageError, match="the last tier that is known"):
        explain("bybit", size=60.0)


def test_an_unknown_venue_or_symbol_says_what_there_is():
    with pytest.raises(UnknownNameError, match="did you mean 'binanceusdm'"):
        explain("binanceusd")
    with pytest.raises(RulebookError, match=r"known: .*BTC/USDT:USDT"):
        bt.explain("okx", "PEPE/USDT:USDT", side="long", entry=1, size=1, leverage=1)


ASKED = "--venue okx --symbol BTC/USDT:USDT --side long --entry 50000 --size 1 --leverage 10"


def test_the_command_prints_text_or_json():
    text = CliRunner().invoke(command, ASKED.split(), catch_exceptions=False)
    assert text.exit_code == 0
    assert "maintenance margin = rate · value at mark" in text.output
    content = json.loads(CliRunner().invoke(command, [*ASKED.split(), "--json"]).output)
    assert content["liquidation_price"] == pytest.approx(45_000 / (1 - 0.004 - 0.0005))
    assert content["tier"] == 1


def test_a_position_with_nothing_left_is_said_in_words_and_as_json():
    asked = [*ASKED.split(), "--mark", "40000"]
    text = CliRunner().invoke(command, asked, catch_exceptions=False).output
    assert "margin ratio          over 100 %: nothing is left" in text
    printed = CliRunner().invoke(command, [*asked, "--json"], catch_exceptions=False).output
    assert json.loads(printed, parse_constant=pytest.fail)["margin_ratio"] is None


def test_a_date_before_the_venue_existed_is_refused():
    with pytest.raises(RulebookError, match="the rules of okx begin on 2019-11-12, and the date"):
        bt.explain(
            "okx", "BTC/USDT:USDT", side="long", entry=50_000, size=1, leverage=10,
            date="2015-01-01",
        )  # fmt: skip
