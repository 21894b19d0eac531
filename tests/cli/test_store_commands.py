"""`backtest check` and `backtest data`, as a user calls them."""

import json

import polars as pl
import pytest

from tests.run.market import BTC, steps

WHOLE = steps(*(100.0 + n % 7 for n in range(65)))


@pytest.fixture
def place(market):
    """A store with an hour that lies outside of itself, and a hole."""
    market.add([*WHOLE[:4], (100.0, 99.0, 98.0, 98.5), *WHOLE[5:]])
    path = next(market.root.rglob("mark/1h.parquet"))
    pl.read_parquet(path).filter(pl.int_range(pl.len()) != 20).write_parquet(path)
    return market.root


def test_check_says_what_is_wrong_and_fails(place, cli):
    assert cli("check", str(place)) == 1
    assert "error    ohlc         2024-01-01 04:00, 1h.parquet" in cli.out
    assert "warning  gap          2024-01-01 20:00, 1h.parquet" in cli.out
    assert cli.err.startswith("error: 3 findings in ")
    assert cli.err.count("\n") == 1


def test_check_accepts_what_is_allowed(place, cli):
    assert cli("check", str(place), "--allow", "gap,ohlc") == 0
    assert "gap  " not in cli.out


def test_check_of_a_whole_store_ends_well(market, cli):
    market.add(WHOLE)
    assert cli("check", str(market.root)) == 0
    assert cli.out.endswith("0 errors, 0 warnings, 0 notes\n")


def test_check_prints_json_and_writes_tables(place, cli, tmp_path):
    for name in ("found.csv", "found.parquet"):
        assert cli("check", str(place), "--json", "--output", str(tmp_path / name)) == 1
    found = json.loads(cli.out)
    assert {row["check"] for row in found["findings"]} == {"ohlc", "gap"}
    assert found["findings"][0]["start"].startswith("2024-01-01T20:00")
    assert pl.read_parquet(tmp_path / "found.parquet").height == len(found["findings"])
    assert pl.read_csv(tmp_path / "found.csv").height == len(found["findings"])
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(("arguments", "said"), [
    (["--allow", "gaps"], "did you mean 'gap'"),
    (["--venue", "binance"], "unknown venue 'binance'"),
    (["--symbol", "BTC"], "unknown symbol 'BTC'"),
    (["--stale", "soon"], "timeframe 'soon'"),
    (["--output", "found.xlsx"], "neither .csv nor .parquet"),
])  # fmt: skip
def test_a_wrong_request_is_one_sentence(place, cli, arguments, said):
    assert cli("check", str(place), *arguments) == 2
    assert said in cli.err
    assert cli.err.count("\n") == 1


def test_no_store_is_one_sentence(cli, tmp_path):
    for command in (["check"], ["data", "ls"]):
        assert cli(*command, str(tmp_path / "none")) == 1
        assert "there is no folder" in cli.err


def test_data_ls_lists_every_series(place, cli):
    assert cli("data", "ls", str(place)) == 0
    lines = [line for line in cli.out.splitlines() if BTC in line]
    assert [line.split()[1:3] for line in lines] == [
        ["trade", "1h"], ["mark", "1h"], ["funding", "2024-01-01"],
    ]  # fmt: skip
    assert lines[1].split()[-3] == "1", "the mark lacks a bar"
    assert cli("data", "ls", str(place), "--json") == 0
    (trade, mark, funding) = json.loads(cli.out)
    assert (trade["rows"], trade["missing"]) == (65, 0)
    assert (funding["rows"], funding["missing"]) == (9, None)
    assert (mark["rows"], mark["missing"], mark["first"]) == (64, 1, "2024-01-01T00:00Z")


def test_data_ls_names_a_broken_file_and_lists_the_others(place, cli):
    next(place.rglob("trade/1h.parquet")).write_bytes(b"nothing")
    assert cli("data", "ls", str(place)) == 0
    assert "broken: " in cli.out
    assert "mark 1h" in cli.out


def test_data_info_shows_files_and_holes(place, cli):
    (venue,) = [p.name for p in place.iterdir()]
    assert cli("data", "info", str(place), venue, BTC) == 0
    assert "gap: 2024-01-01 20:00 to 2024-01-01 20:00 (1)" in cli.out
    assert max(map(len, cli.out.splitlines())) <= 80
    assert cli("data", "info", str(place), venue, BTC, "--json") == 0
    assert [row["kind"] for row in json.loads(cli.out)["files"]] == ["trade", "mark", "funding"]
    assert cli("data", "info", str(place), venue, "BTC/USDT") == 2
