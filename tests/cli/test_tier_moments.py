"""Two looks on one day are told apart by their time, and what only an import has is said so."""

import json

import pytest

HEAD = (
    "symbol,valid_from,tier,min_notional,max_notional,maintenance_margin_rate,max_leverage,source"
)
OLD = "OLD/USDT:USDT"
ROWS = (
    f"{OLD},2024-03-01T03:12:21Z,1,0,50000,0.004,125,the venue",
    f"{OLD},2024-03-01T15:00:00Z,1,0,50000,0.005,100,the venue",
    "BTC/USDT:USDT,2024-03-01T03:12:21Z,1,0,50000,0.004,125,the venue",
)


@pytest.fixture
def twice(cli, tmp_path):
    """Imports two looks of one day at a coin that the rulebook does not have."""
    path = tmp_path / "table.csv"
    path.write_text("\n".join([HEAD, *ROWS]))
    assert cli("tiers", "import", "binanceusdm", "--from", path) == 0, cli.err
    return cli


def test_a_comparison_says_the_time_of_day(twice):
    assert twice("tiers", "diff", "binanceusdm", OLD, "2024-03-01T04:00", "2024-03-01T16:00") == 0
    assert twice.out.splitlines()[1:3] == [
        "  before 2024-03-01 04:00: since 2024-03-01 03:12, imported",
        "  after  2024-03-01 16:00: since 2024-03-01 15:00, imported",
    ]
    words = ("diff", "binanceusdm", OLD, "2024-03-01T04:00", "2024-03-01T16:00", "--json")
    assert twice("tiers", *words) == 0
    content = json.loads(twice.out)
    assert [content[side]["valid_from"] for side in ("before", "after")] == [
        "2024-03-01 03:12",
        "2024-03-01 15:00",
    ]


def test_a_table_is_shown_with_its_time_of_day(twice):
    assert twice("tiers", "show", "binanceusdm", OLD, "--date", "2024-03-01T04:00") == 0
    lines = twice.out.splitlines()
    assert lines[0] == "binanceusdm OLD/USDT:USDT, isolated, on 2024-03-01 04:00"
    assert "  table 1 of 2, since 2024-03-01 03:12; imported, payload" in lines


def test_a_date_before_the_first_look_says_that_none_was_in_force(twice):
    assert twice("tiers", "diff", "binanceusdm", OLD, "2024-03-01", "2024-03-02") == 0
    lines = twice.out.splitlines()
    assert "not yet in force, but the first one known" in " ".join(twice.out.split())
    assert lines[1].startswith("  before 2024-03-01: since 2024-03-01 03:12, imported")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("asked", [OLD, "OLD"])
def test_a_symbol_of_the_import_only_has_nothing_built_in_to_compare_with(twice, asked):
    assert twice("tiers", "diff", "binanceusdm", asked, "2024-03-02", "--built-in") == 2
    assert twice.sentence == (
        "the rulebook of binanceusdm has no tiers of 'OLD/USDT:USDT', only your import has; "
        "compare two dates, or see them with `backtest tiers show binanceusdm OLD/USDT:USDT`."
    )


def test_a_date_before_the_import_of_a_built_in_symbol_shows_both_books(twice):
    words = ("binanceusdm", "BTC", "2024-03-02", "--built-in")
    assert twice("tiers", "diff", *words) == 0
    before, after = twice.out.splitlines()[1:3]
    assert before.endswith("rulebook")
    assert after == "  after  2024-03-02: since 2024-03-01 03:12, imported"
