"""`backtest venues`: every decision of every venue, side by side."""

import json

import pytest
from click.testing import CliRunner

from backtest.cli.venues import command
from backtest.errors import UnknownNameError
from backtest.venues import known, load
from backtest.venues.policy import policy


def output(*arguments):
    found = CliRunner(env={"COLUMNS": "80"}).invoke(command, arguments, catch_exceptions=False)
    assert found.exit_code == 0
    return found.output


def test_the_table_has_a_column_per_venue_and_fits_into_80_columns():
    text = output()
    assert all(venue in text.splitlines()[0] for venue in known())
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_policies_differ_as_the_rulebooks_say():
    rows = {venue: policy(load(venue), load(venue).checked_until) for venue in known()}
    assert len({tuple(r) for r in rows.values()}) == 1
    assert rows["okx"]["tier rule"] == "flat"
    assert rows["okx"]["closing fee in MM"] == "at mark"
    assert rows["bybit"]["funding from"] == "wallet"
    assert rows["hyperliquid"]["liquidated when equity"] == "< MM"
    assert rows["binanceusdm"]["clearance fee"] == "1.25%"
    assert "20%" in rows["hyperliquid"]["isolated: step 2"]


def test_a_date_picks_the_rules_of_its_time():
    old = output("--venue", "bybit", "--date", "2025-01-01")
    new = output("--venue", "bybit", "--date", "2026-01-01")
    assert "notional at entry" in old
    assert "notional at mark" in new


def test_sources_and_symbols_are_listed():
    sources = output("--sources", "--venue", "hyperliquid")
    assert "maintenance.tier_rule = progressive" in sources
    assert "official" in sources
    symbols = output("--symbols")
    assert "HIGH/USDT:USDT" in symbols
    assert "known up to" in symbols


def test_json_holds_every_decision_with_its_source():
    content = json.loads(output("--json"))
    assert sorted(content) == known()
    for rows in content.values():
        assert all(row["source"] and row["confidence"] for row in rows)


def test_an_unknown_venue_is_named():
    with pytest.raises(UnknownNameError, match="unknown venue 'okex'; did you mean 'okx'"):
        CliRunner().invoke(command, ["--venue", "okex"], catch_exceptions=False)
