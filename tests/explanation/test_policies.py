"""`backtest venues`: every decision of every venue, who does what."""

import json
from datetime import datetime

import polars as pl
import pytest
from click.testing import CliRunner

from backtest.cli.venues import command
from backtest.errors import UnknownNameError, UsageError
from backtest.venues import known, load
from backtest.venues.policy import NAMES, facts, policy


def output(*arguments):
    found = CliRunner(env={"COLUMNS": "80"}).invoke(command, arguments, catch_exceptions=False)
    assert found.exit_code == 0
    return found.output


def block(text, decision):
    """The lines under the name of a decision, joined."""
    part = next(one for one in text.split("\n\n") if one.startswith(f"{decision}\n"))
    return " ".join(part.split())


def test_every_decision_has_a_block_that_names_each_venue_and_fits_into_80_columns():
    text = output()
    assert max(len(line) for line in text.splitlines()) <= 80
    for name in NAMES:
        found = block(text, name)
        assert all(venue in found for venue in known()) or found.endswith(": all"), name
    assert "rules of: binancecoinm 20" in " ".join(text.split())


def test_venues_that_agree_share_a_line():
    text = output("--venue", "okx,bitget,dydx")
    assert block(text, "tier rule") == "tier rule flat: all"
    assert "at mark: okx, bitget" in block(text, "closing fee in MM")


def test_policies_differ_as_the_rulebooks_say():
    rows = {venue: policy(load(venue), load(venue).checked_until) for venue in known()}
    assert len({tuple(r) for r in rows.values()}) == 1
    assert rows["okx"]["tier rule"] == "flat"
    assert rows["okx"]["closing fee in MM"] == "at mark"
    assert rows["bybit"]["funding from"] == "wallet"
    assert rows["hyperliquid"]["liquidated when equity is"] == "< MM"
    assert rows["binanceusdm"]["clearance fee"] == "1.25%"
    assert "20%" in rows["hyperliquid"]["isolated liquidation"]
    assert rows["bitmex"]["contracts"] == "inverse, quanto, linear, dated"
    assert rows["bitmex"]["next funding in MM"] == "last rate"
    assert rows["bitmex"]["funding hours"] == "8, from 04:00 UTC"
    assert rows["deribit"]["isolated is"] == "a sub-account"
    assert rows["dydx"]["a resting order reserves"] == "nothing"
    assert rows["gate"]["farthest price of an order"] == "50% away"
    assert rows["okx"]["farthest price of an order"] == "any"
    assert rows["bitget"]["orders a liquidation cancels"] == (
        "all of the account; isolated: the symbol's"
    )
    assert rows["deribit"]["IM rate"].startswith("the table's; isolated: larger of")
    assert rows["kucoinfutures"]["worked on first"] == "largest loss"
    assert rows["gate"]["base rate of closing fee"] == "0.075%"
    assert [rows[v]["legs of a hedge"] for v in ("okx", "gate", "bybit", "dydx")] == [
        "joint tier",
        "larger side",
        "separate",
        "no hedge mode",
    ]
    assert "none after backstop" in rows["hyperliquid"]["rest after cross liquidation"]
    assert "worth 1,000 to 100,000" in rows["dydx"]["cross liquidation"]


def test_variants_are_shown_where_they_differ():
    found = facts(load("kucoinfutures"), load("kucoinfutures").checked_until)
    rules = {f.who: f.text for f in found if f.decision == "tier rule"}
    assert rules == {"kucoinfutures": "flat", "kucoinfutures cross": "linear in size"}
    keys = [f.key for f in found if f.decision == "tier rule"]
    assert keys == ["maintenance.tier_rule", "cross.maintenance.tier_rule"]
    bybit = [
        f for f in facts(load("bybit"), 1_700_000_000_000) if f.decision == "cross liquidation"
    ]
    assert [f.variant for f in bybit] == ["", "inverse"]
    assert "if it cures" in bybit[1].text
    same = [f for f in facts(load("bybit"), 1_760_000_000_000) if f.decision == "cross liquidation"]
    assert [f.variant for f in same] == [""]


def test_a_date_picks_the_rules_of_its_time():
    old = output("--venue", "bybit", "--date", "2025-01-01")
    new = output("--venue", "bybit", "--date", "2026-01-01")
    assert "notional at entry" in old
    assert "notional at mark" in new
    assert "rules of: bybit 2025-01-01" in old


def test_a_difference_shows_two_columns_and_only_what_differs():
    text = output("--diff", "okx", "bitget")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.splitlines()[0].split() == ["decision", "okx", "bitget"]
    assert "joint tier                    larger side" in text
    assert "tier rule" not in text
    assert output("--diff", "okx", "okx") == "okx and okx do not differ in any decision\n"


def test_one_venue_at_two_dates_can_be_compared():
    rows = json.loads(output("--diff", "bybit@2025-01-01", "bybit", "--format", "json"))
    assert {"decision": "MM valued at", "bybit@2025-01-01": "entry", "bybit": "mark"} in rows
    assert all(row["bybit"] != row["bybit@2025-01-01"] for row in rows)


def test_sources_and_symbols_are_listed():
    sources = output("--sources", "--venue", "hyperliquid")
    assert "maintenance.tier_rule = progressive" in sources
    assert "official" in sources
    symbols = output("--symbols")
    assert "HIGH/USDT:USDT" in symbols
    assert "known up to" in symbols


def test_json_holds_every_decision_with_its_source():
    text = output("--format", "json")
    assert output("--json") == text
    content = json.loads(text)
    assert sorted(content) == known()
    for venue, rows in content.items():
        assert {row["key"] for row in rows} >= set(load(venue).decisions) - {"", None}
        for row in rows:
            stated = row["key"] in load(venue).decisions
            assert not stated or (row["source"] and row["confidence"])
    fee = next(r for r in content["binanceusdm"] if r.get("decision") == "clearance fee")
    assert (fee["text"], fee["value"]) == ("1.25%", 0.0125)


def test_json_says_null_where_a_step_has_no_limit():
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    content = json.loads(output("--json", "--venue", "okx"), parse_constant=refuse)
    (row,) = (row for row in content["okx"] if row["key"] == "liquidation.cross")
    assert row["value"]["steps"][0]["at_most"] is None


def test_markdown_is_a_table_with_a_column_per_venue():
    lines = output("--format", "markdown").splitlines()
    assert lines[0] == "| decision | " + " | ".join(known()) + " |"
    assert {line.count(" | ") for line in lines} == {len(known())}
    long = output("--format", "markdown", "--sources", "--venue", "okx").splitlines()
    assert long[0].startswith("| decision | venue | value | since | source |")
    assert any("| tier rule | okx | flat | 2019-11-12 |" in line for line in long)


def test_parquet_is_a_row_per_fact_with_dates_and_sources(tmp_path):
    path = tmp_path / "policies.parquet"
    assert output("--format", "parquet", "--out", str(path), "--date", "2025-06-01") == ""
    frame = pl.read_parquet(path)
    assert sorted(set(frame["venue"])) == known()
    fee = frame.row(
        by_predicate=(pl.col("venue") == "binanceusdm") & (pl.col("decision") == "tier rule"),
        named=True,
    )
    assert (fee["as_of"], fee["text"], fee["variant"]) == ("2025-06-01", "progressive", "")
    assert isinstance(fee["valid_from"], datetime)
    assert fee["source"]
    assert fee["confidence"]


def test_the_table_can_go_to_a_file_too(tmp_path):
    path = tmp_path / "diff.md"
    output("--diff", "okx", "gate", "--format", "markdown", "--out", str(path))
    assert path.read_text().startswith("| decision | okx | gate |")


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (["--venue", "okex"], UnknownNameError, "unknown venue 'okex'; did you mean 'okx'"),
        (["--format", "tabel"], UnknownNameError, "unknown format 'tabel'; did you mean 'table'"),
        (["--format", "parquet"], UsageError, "add --out FILE"),
        (["--format", "table", "--json"], UsageError, "two formats"),
        (["--diff", "okx", "gate", "--venue", "okx"], UsageError, "--diff names its two venues"),
        (["--diff", "okx", "gate@soon"], UsageError, "'soon' is not a time"),
        (["--out", "/no/such/folder/x.txt"], UsageError, "cannot write /no/such/folder/x.txt"),
        (
            ["--format", "parquet", "--out", "/no/such/folder/x.parquet"],
            UsageError,
            "cannot write /no/such/folder/x.parquet",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(arguments, error, match):
    with pytest.raises(error, match=match):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
