"""What `backtest tiers` and `backtest venues check` print: right, and within 80 columns."""

import json
from pathlib import Path

import pytest

HEAD = (
    "symbol,valid_from,tier,min_notional,max_notional,maintenance_margin_rate,max_leverage,source,"
    "known_before"
)
ROOT = Path(__file__).parents[1]
BTC = "BTC/USDT:USDT"


@pytest.fixture
def imported(cli, tmp_path):
    """Imports two tables of a coin that was delisted later."""
    path = tmp_path / "table.csv"
    rows = (
        "OLD/USDT:USDT,2024-01-01,1,0,50000,0.004,125,the venue,",
        "OLD/USDT:USDT,2024-01-01,2,50000,250000,0.005,100,the venue,",
        "OLD/USDT:USDT,2024-03-01,1,0,50000,0.004,125,the venue,2024-02-25",
        "OLD/USDT:USDT,2024-03-01,2,50000,500000,0.005,75,the venue,2024-02-25",
        "OLD/USDT:USDT,2024-06-01,0,,,,,the venue,2024-05-20",
    )
    path.write_text("\n".join([HEAD, *rows]))
    assert cli("tiers", "import", "binanceusdm", "--from", path) == 0, cli.err
    return cli


def fits(text):
    """Whether no line is too wide, but for those with a path, which may be any length."""
    lines = [line for line in text.splitlines() if not line.startswith(("kept in", "it is right"))]
    return max(map(len, lines)) <= 80


def test_an_import_says_what_it_kept_and_where(imported, data_folder):
    assert imported.out.splitlines() == [
        "binanceusdm, 2024-01-01 to 2024-06-01",
        "       3  tables",
        "       1  symbols",
        "       1  no longer listed at the end",
        "       1  not in the rulebook; lot, tick and smallest order assumed",
        f"kept in {data_folder}/tiers/binanceusdm.parquet",
    ]


def test_a_table_is_shown_with_its_dates_and_its_source(imported):
    assert imported("tiers", "show", "binanceusdm", "OLD/USDT:USDT", "--date", "2024-04-01") == 0
    assert imported.out.splitlines() == [
        "binanceusdm OLD/USDT:USDT, isolated, on 2024-04-01",
        "  table 2 of 3, since 2024-03-01 (another one was seen on 2024-02-25); imported,",
        "    payload",
        "  source: the venue (2024-03-01); table.csv",
        "  tiers by value in USDT, progressive",
        "  lot, tick and smallest order are assumed",
        "",
        "tier    from    up to  maint.  max lev  deduction",
        "----  ------  -------  ------  -------  ---------",
        "   1       0   50,000    0.4%     125x          0",
        "   2  50,000  500,000    0.5%      75x         50",
    ]


def test_a_delisted_symbol_says_so(imported):
    assert imported("tiers", "show", "binanceusdm", "OLD/USDT:USDT") == 0
    said = "  not listed: delisted between 2024-05-20 and 2024-06-01; its last tiers were"
    assert said in imported.out.splitlines()
    assert imported("venues", "--symbols", "--venue", "binanceusdm") == 0
    assert "delisted between 2024-05-20" in " ".join(imported.out.split())


def test_two_dates_are_compared_floor_by_floor(imported):
    flags = ("binanceusdm", "OLD/USDT:USDT", "2024-02-01", "2024-04-01")
    assert imported("tiers", "diff", *flags) == 0
    assert imported.out.splitlines()[-3:] == [
        "      0    0.4%  0.4%     125x  125x",
        " 50,000    0.5%  0.5%     100x   75x  *",
        "250,000       –  0.5%        –   75x  *",
    ]
    assert imported("tiers", "diff", *flags, "--json") == 0
    content = json.loads(imported.out)
    assert [row["changed"] for row in content["rows"]] == [False, True, True]
    assert content["after"]["imported"]


def test_imported_tiers_are_compared_with_built_in_ones(cli):
    assert cli("tiers", "diff", "binanceusdm", BTC, "2024-01-01", "--built-in") == 0
    assert cli.out.splitlines()[-1] == "the tiers are the same"


def test_a_comparison_needs_two_dates(cli):
    assert cli("tiers", "diff", "binanceusdm", BTC, "2024-01-01") == 2
    assert "give two dates, or one date with --built-in." in cli.err


@pytest.mark.parametrize(
    "words",
    [
        ("tiers", "show", "okx", "BTC"),
        ("tiers", "diff", "okx", "ETH/USDT:USDT", "2021-07-01", "2026-06-01"),
        ("tiers", "show", "hyperliquid", "BTC", "--date", "2024-01-01"),
        ("tiers", "--help"),
        ("tiers", "import", "--help"),
        ("venues", "check", ROOT / "venues" / "toy.toml"),
    ],
)
def test_all_of_it_fits_the_terminal(cli, words):
    assert cli(*words) == 0, cli.err
    assert fits(cli.out)


def test_long_tables_are_cut_and_say_how_to_see_more(cli):
    assert cli("tiers", "show", "okx", BTC, "--rows", "3") == 0
    assert cli.out.splitlines()[-1] == "… and 96 more; --rows N shows more"


def test_tiers_are_given_as_json(cli):
    assert cli("tiers", "show", "okx", BTC, "--json") == 0
    content = json.loads(cli.out)
    assert content["unit"] == "contracts"
    assert content["tiers"][0] == {
        "floor": 0.0, "up_to": 1000.0, "rate": 0.004, "max_leverage": 100.0, "deduction": None,
    }  # fmt: skip


def test_an_unknown_symbol_is_refused_with_how_to_import_it(cli):
    assert cli("tiers", "show", "binanceusdm", "NONE/USDT:USDT") == 2
    assert "has no tiers for 'NONE/USDT:USDT'" in cli.err
    assert "backtest tiers import binanceusdm" in cli.err


def test_a_rulebook_file_is_looked_over(cli, data_folder):
    assert cli("venues", "check", ROOT / "venues" / "toy.toml") == 0
    lines = cli.out.splitlines()
    assert lines[0] == (
        "Toy (toy), linear contracts, isolated and cross margin, checked until 2025-12-31"
    )
    assert "  contracts: 1, tier tables: 1" in lines
    place = f"{data_folder}/venues/toy.toml is where to put it"
    assert place in lines[-1]
    assert cli("venues", "check", ROOT / "venues" / "toy.toml", "--json") == 0
    assert json.loads(cli.out)["symbols"] == [BTC]


@pytest.mark.parametrize("name", ["unknown_mechanism", "missing_source", "overlapping_tiers"])
def test_a_wrong_rulebook_file_ends_with_one_sentence_and_code_2(cli, name):
    path = ROOT / "bad_inputs" / "rulebooks" / f"{name}.toml"
    assert cli("venues", "check", path) == 2
    assert cli.err.startswith(f"error: {path.name}: ")
    assert len(cli.err.splitlines()) == 1


def test_venues_of_the_user_are_listed_beside_the_built_in_ones(cli, data_folder):
    (data_folder / "venues").mkdir()
    own = (ROOT / "venues" / "toy.toml").read_text(encoding="utf-8")
    (data_folder / "venues" / "toy.toml").write_text(own, encoding="utf-8")
    assert cli("venues") == 0, cli.err
    assert {"okx", "toy"} <= set(cli.out.replace(",", " ").split())
    assert max(len(line.rstrip()) for line in cli.out.splitlines()) <= 80
