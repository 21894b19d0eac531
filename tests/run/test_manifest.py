"""The manifest says what a run was made of, in a way two people can compare."""

import json
import shutil
from hashlib import sha256

import pytest

import backtest as bt
from backtest import venues
from backtest.core.state import KINDS

from .market import BTC, flat, steps


@pytest.fixture
def filled(market):
    return market.add(steps(*[100 + (n * 7) % 13 for n in range(48)]))


def test_data_files_are_named_inside_their_folder_with_their_hashes(filled):
    files = filled.run("strategies/hold.py").manifest["files"]
    paths = (filled.path("trade"), filled.path("mark"), filled.path("funding", "funding"))
    assert files == {
        path.relative_to(filled.root).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def test_only_the_part_local_knows_the_machine(filled, tmp_path):
    manifest = filled.run("strategies/hold.py").manifest
    assert manifest["local"]["data"] == str(filled.root)
    assert manifest["local"]["strategy"] == "strategies/hold.py"
    rest = json.dumps({k: v for k, v in manifest.items() if k != "local"})
    assert str(tmp_path) not in rest
    assert "strategies/" not in rest


def test_the_same_data_elsewhere_give_the_same_manifest_but_for_the_local_part(filled, tmp_path):
    here = filled.run("strategies/hold.py").manifest
    shutil.copytree(filled.root, tmp_path / "elsewhere")
    shutil.copy("strategies/hold.py", tmp_path / "hold.py")
    there = bt.run(
        str(tmp_path / "hold.py"), data=tmp_path / "elsewhere", out=tmp_path / "out"
    ).manifest
    assert here.pop("local") != there.pop("local")
    assert here == there


@pytest.mark.parametrize(
    "change",
    [
        {"cash": 500},
        {"params": {"exposure": 0.5}},
        {"rules": {"fees.taker": 0.001}},
        {"since": "2024-01-01 05:00"},
        {"margin": "cross"},
        {"position_mode": "hedge"},
        {"rules_as_of": "2023-06-01"},
        {"seed": 1},
    ],
    ids=str,
)
def test_another_question_has_another_inputs_hash(filled, change):
    one = filled.run("strategies/hold.py").manifest
    other = filled.run("strategies/hold.py", **change).manifest
    assert one["inputs_hash"] != other["inputs_hash"]


def test_changed_data_and_changed_strategies_show_in_the_inputs_hash(filled, strategy):
    path = strategy("def on_bar(view):\n    return 1.0\n")
    before = filled.run(path).manifest
    strategy("def on_bar(view):\n    return 1.0  # the same\n")
    edited = filled.run(path).manifest
    assert before["strategy"]["hash"] != edited["strategy"]["hash"]
    assert before["inputs_hash"] != edited["inputs_hash"]
    assert before["result_hash"] == edited["result_hash"]
    filled.add(flat(100, 48))
    assert filled.run(path).manifest["inputs_hash"] != edited["inputs_hash"]


def test_the_rules_that_ran_are_all_there_with_dates_and_sources(tmp_path):
    account = bt.run(
        "strategies/hold.py", out=tmp_path / "run", venues="bybit", symbols=BTC,
        prices="binanceusdm", since="2024-12-01",
    ).manifest["accounts"][0]  # fmt: skip
    book = venues.load("bybit")
    assert account["rulebook_hash"] == book.hash
    assert {d["key"] for d in account["decisions"]} == set(book.decisions)
    assert all(d["source"] and d["confidence"] for d in account["decisions"])
    period = account["rules"][BTC][-1]
    assert period["taker_fee"] > 0
    assert [t["floor"] for t in period["tiers"]] == sorted(t["floor"] for t in period["tiers"])
    assert period["tiers"][0]["rate"] == pytest.approx(0.005, abs=0.002)
    assert (account["rules"][BTC][0]["valid_from"], period["valid_to"]) == (None, None)


def test_frozen_rules_and_decisions_are_those_of_their_date(filled):
    dated = filled.run("strategies/hold.py", venues="bybit", prices="binanceusdm")
    settings = {"venues": "bybit", "prices": "binanceusdm", "rules_as_of": "2026-01-01"}
    frozen = filled.run("strategies/hold.py", **settings)
    for result, valued_at in ((dated, "entry"), (frozen, "mark")):
        decisions = {d["key"]: d for d in result.manifest["accounts"][0]["decisions"]}
        assert decisions["maintenance.valued_at"]["value"] == valued_at
    assert frozen.manifest["config"]["rules_as_of"] == "2026-01-01 00:00"
    rates = [r.margin["maintenance_margin"].sum() for r in (dated, frozen)]
    assert rates[0] != rates[1]


def test_it_holds_versions_config_seed_rows_and_hashes(filled):
    manifest = filled.run("strategies/hold.py", seed=5).manifest
    assert set(manifest["versions"]) >= {"python", "numba", "numpy", "polars", "pyarrow"}
    assert manifest["seed"] == manifest["config"]["seed"] == 5
    assert set(manifest["rows"]) == {*KINDS, "gaps"}
    assert len(manifest["result_hash"]) == len(manifest["inputs_hash"]) == 64
    assert manifest["synthetic"] is False
    assert manifest["strategy"]["name"] == "hold"


def test_it_is_json_that_any_reader_takes(filled):
    text = (filled.run("strategies/hold.py").path / "manifest.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    json.loads(text)


def test_shares_of_proxy_and_extrapolated_bars_count_the_bars_the_account_saw(market):
    market.write(flat(100, 10), "trade")
    market.write(flat(100, 6), "mark")
    account = market.run("strategies/hold.py", venues="okx", prices="binanceusdm").manifest[
        "accounts"
    ][0]
    assert account["bars"] == 10
    assert account["proxy_share"] == pytest.approx(0.4)
    assert account["extrapolated_share"] == 1.0
    assert (account["since"], account["until"]) == ("2024-01-01 00:00", "2024-01-01 10:00")


def test_missing_funding_is_counted(market):
    market.write(flat(100, 20), "trade")
    market.write(flat(100, 20), "mark")
    account = market.run("strategies/hold.py").manifest["accounts"][0]
    assert account["assumed_funding_events"] == account["funding_events"] == 3


def test_the_venue_of_the_prices_says_how_often_funding_is_settled(market):
    # hyperliquid settles hourly, but these are Binance's prices, on Binance's schedule
    market.write(flat(100, 20), "trade")
    market.write(flat(100, 20), "mark")
    result = market.run(
        "strategies/hold.py", venues="hyperliquid,binanceusdm", prices="binanceusdm"
    )
    assert [a["funding_events"] for a in result.manifest["accounts"]] == [3, 3]
