"""Venues on dates before their first rule: refused where named, left out of a list of all."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.run.market import flat

HYPERLIQUID = (
    "the rules of hyperliquid begin on 2023-02-28, and the date asked for is 2022-05-01; "
    "give a later one."
)
COIN = ("--venue", "hyperliquid", "--symbol", "HYPE", "--side", "long", "--entry", "20")
YOUNG = ("bitget", "dydx", "hyperliquid")
LEFT_OUT = (
    "left out, as their rules begin after 2022-05-01: bitget (2023-07-01), dydx (2023-10-26), "
    "hyperliquid (2023-02-28)"
)


@pytest.mark.parametrize(
    "words",
    [
        ("venues", "--diff", "hyperliquid@2022-05-01", "okx"),
        ("venues", "--diff", "okx", "hyperliquid@2022-05-01"),
        ("venues", "--diff", "okx", "hyperliquid", "--date", "2022-05-01"),
        ("venues", "--diff", "hyperliquid@2022-05-01", "hyperliquid", "--json"),
        ("venues", "--venue", "okx,hyperliquid", "--date", "2022-05-01"),
        ("explain", *COIN, "--size", "1", "--leverage", "2", "--date", "2022-05-01"),
        ("tiers", "show", "hyperliquid", "HYPE", "--date", "2022-05-01"),
        ("tiers", "diff", "hyperliquid", "HYPE", "2022-05-01", "2026-01-01"),
    ],
)
def test_a_venue_that_is_named_is_refused_before_its_first_rule(cli, words):
    assert cli(*words) == 2
    assert cli.sentence == HYPERLIQUID


def test_a_run_with_rules_from_before_the_venue_is_refused(cli, market):
    market.add(flat(100, 12))
    path = "strategies/hold.py"
    flags = ("--data", market.root, "--out", market.root.parent / "run", "--venue", "hyperliquid")
    date = ("--prices", "binanceusdm", "--rules-as-of", "2022-05-01")
    assert cli("run", path, *flags, *date) == 2
    assert "the rules of hyperliquid begin on 2023-02-28, and --rules-as-of is 2022-05-01" in (
        cli.sentence
    )


def test_a_date_of_its_own_wins_over_the_one_for_all(cli):
    words = ("hyperliquid@2024-01-01", "okx", "--date", "2022-05-01")
    assert cli("venues", "--diff", *words) == 0, cli.err


def test_a_venue_without_a_date_after_its_at_sign_is_refused(cli):
    assert cli("venues", "--diff", "okx@", "gate") == 2
    assert cli.sentence == "'okx@' names no date after the @; write it like okx@2024-05-01."


@pytest.mark.parametrize("words", [(), ("--sources",), ("--symbols",), ("--format", "markdown")])
def test_a_list_of_all_leaves_out_the_young_and_says_so(cli, words):
    assert cli("venues", "--date", "2022-05-01", *words) == 0, cli.err
    lines = cli.out.splitlines()
    note = " ".join(cli.out.split())
    assert LEFT_OUT in note
    assert not any(f"{name} 2022-05-01" in note for name in YOUNG)
    assert "--format" in words or max(map(len, lines)) <= 80 or "--sources" in words
    if "--format" in words:
        assert lines[0].split(" | ")[1:] == [
            *("binancecoinm", "binanceusdm", "bitmex", "bybit", "deribit", "gate"),
            *("krakenfutures", "kucoinfutures", "okx |"),
        ]
        assert lines[-2:] == ["", LEFT_OUT]


def test_in_data_the_young_are_simply_absent(cli, tmp_path):
    assert cli("venues", "--date", "2022-05-01", "--json") == 0, cli.err
    content = json.loads(cli.out)
    assert "okx" in content
    assert not set(YOUNG) & set(content)
    path = tmp_path / "venues.parquet"
    flags = ("--date", "2022-05-01", "--format", "parquet", "--out", path)
    assert cli("venues", *flags) == 0, cli.err
    assert set(pl.read_parquet(path)["venue"]) == set(content)


def test_nothing_is_said_where_none_is_left_out(cli):
    assert cli("venues", "--date", "2024-05-01") == 0, cli.err
    assert "left out" not in cli.out


def test_a_date_before_all_venues_is_refused(cli):
    assert cli("venues", "--date", "2010-01-01") == 2
    assert cli.sentence == (
        "no venue has rules of 2010-01-01: the first, those of bitmex, begin on 2016-05-13; "
        "give a later date."
    )


def test_a_rulebook_looked_at_in_the_future_is_refused(cli, tmp_path):
    toy = (Path(__file__).parents[1] / "venues" / "toy.toml").read_text(encoding="utf-8")
    path = tmp_path / "toy.toml"
    path.write_text(toy.replace("2025-12-31", "9999-12-31"), encoding="utf-8")
    assert cli("venues", "check", path) == 2
    assert cli.sentence == (
        "toy.toml: venue.checked_until = '9999-12-31' is in the future; "
        "give the day of the last look."
    )


def test_tiers_of_the_future_are_refused_and_not_kept(cli, tmp_path, data_folder):
    tier = {"minNotional": 0, "maxNotional": 5, "maintenanceMarginRate": 0.01, "maxLeverage": 50}
    path = tmp_path / "x_leverage_tiers.json"
    path.write_text(json.dumps({"BTC/USDT:USDT": [tier]}), encoding="utf-8")
    flags = ("--from", path, "--source", "a wheel", "--date", "2124-01-01")
    assert cli("tiers", "import", "binanceusdm", *flags) == 2
    assert cli.sentence == (
        "x_leverage_tiers.json: BTC/USDT:USDT 2124-01-01.valid_from = '2124-01-01' is in the "
        "future; correct the date."
    )
    assert list(data_folder.iterdir()) == []
