"""`backtest verify`: rows, verdicts and exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from backtest.cli.verify import command
from backtest.errors import BacktestError, UsageError
from backtest.goldens import verify
from backtest.goldens.compare import rows_of

GOLDENS = Path(__file__).parents[1] / "goldens"
KEYS = ["case", "venue", "quantity", "expected", "computed", "rel_error", "verdict", "reason"]


def case(**changes):
    position = {
        "symbol": "BTC/USDT:USDT", "contract": "linear", "side": "long", "size": 1,
        "size_unit": "base", "contract_size": 1, "entry_price": 100.0, "mark_price": 100.0,
        "leverage": 10, "isolated_margin": 10.0, "mmr": 0.004, "maintenance_amount": 0,
        "taker_fee": None,
    }  # fmt: skip
    base = {
        "id": "made-up", "venue": "binanceusdm", "scope": "standard", "tolerance": 1e-9,
        "source": {"title": "t", "where": "w", "kind": "payload", "date": "2024-05-01"},
        "account": {"margin_mode": "isolated"}, "positions": [position], "agrees": True,
        "expect": {"liquidation_price": 90 / 0.996},
    }  # fmt: skip
    position.update(changes.pop("position", {}))
    return base | changes


def written(tmp_path, *cases):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases), "utf-8")
    return path


def rows(tmp_path, *cases):
    return verify(written(tmp_path, *cases))


def test_a_case_that_agrees_is_ok(tmp_path):
    (row,) = rows(tmp_path, case())
    assert (row.verdict, row.reason) == ("ok", "")
    assert row.rel_error < 1e-12


def test_a_number_out_of_tolerance_is_off(tmp_path):
    (row,) = rows(tmp_path, case(expect={"liquidation_price": 90.5}))
    assert row.verdict == "off"
    assert row.rel_error == pytest.approx(abs(90 / 0.996 / 90.5 - 1))


def test_a_tolerance_of_its_own_wins(tmp_path):
    loose = case(expect={"liquidation_price": 90.5}, tols={"liquidation_price": 0.01})
    assert rows(tmp_path, loose)[0].verdict == "ok"
    loose = case(expect={"liquidation_price": 90.5}, tolerance_lp=0.01)
    assert rows(tmp_path, loose)[0].verdict == "ok"


def test_an_expected_zero_is_compared_absolutely(tmp_path):
    (row,) = rows(tmp_path, case(expect={"unrealized_pnl": 0}))
    assert (row.verdict, row.rel_error) == ("ok", 0.0)


def test_no_price_is_spelled_none(tmp_path):
    full = {"position": {"isolated_margin": 100.0}, "expect": {"liquidation_price": "none"}}
    assert rows(tmp_path, case(**full))[0].verdict == "ok"
    assert rows(tmp_path, case(expect={"liquidation_price": "none"}))[0].verdict == "off"


def test_what_the_case_states_wins_over_the_rulebook(tmp_path):
    own = case(position={"mmr": 0.01}, expect={"liquidation_price": 90 / 0.99})
    assert rows(tmp_path, own)[0].verdict == "ok"


def test_tiers_come_from_the_rulebook_at_the_date_where_the_case_has_none(tmp_path):
    # 2024-05-01: 0.4 % to 50,000; a position of 60,000 is in the second tier, amount 50
    own = {"mmr": None, "size": 600, "isolated_margin": 6_000.0}
    expect = {"liquidation_price": (60_000 - 6_000 - 50) / (600 * 0.995)}
    assert rows(tmp_path, case(position=own, expect=expect))[0].verdict == "ok"


def test_sizes_in_contracts_are_turned_into_base_units(tmp_path):
    own = {"size": 10, "size_unit": "contracts", "contract_size": 0.1}
    assert rows(tmp_path, case(position=own))[0].verdict == "ok"


def test_margin_is_read_as_the_venue_reports_it(tmp_path):
    # with unrealised P&L of −5 in the reported margin there are 10 in the bucket
    own = {"mark_price": 95.0, "isolated_margin": 5.0}
    assert rows(tmp_path, case(position=own))[0].verdict == "ok"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"venue": "htx"}, "no rulebook for htx"),
        ({"scope": "portfolio"}, "scope portfolio is not in this version"),
        ({"position": {"contract": "option"}}, "option contracts are not in this version"),
        ({"agrees": None}, "nothing to compute"),
        ({"expect": {"vega": 1.0}}, "vega is not in this version"),
        ({"position": {"size": None}}, "without size or side"),
        ({"position": {"leverage": None}, "expect": {"initial_margin": 1.0}}, "lacks an input"),
        ({"positions": []}, "no position"),
        ({"position": {"symbol": None}}, "without symbol"),
        ({"expect": {"posComm": 1.0}}, "no cost or no value in whole units"),
        ({"position": {"entry_price": "100"}}, "entry_price is '100', which is no number"),
        ({"expect": {"liquidation_price": [1.0, 2.0]}}, "list of numbers is not in this version"),
        ({"expect": {"liquidation_price": {"BTC": 1.0}}}, "dict of numbers is not in this version"),
    ],
)
def test_what_cannot_be_computed_says_why(tmp_path, changes, reason):
    (row,) = rows(tmp_path, case(**changes))
    assert row.verdict == "unsupported"
    assert reason in row.reason


def test_a_case_that_disagrees_itself_is_listed_with_its_reason(tmp_path):
    known = case(expect={"liquidation_price": 1.0}, agrees=False, reason="another mode")
    (row,) = rows(tmp_path, known)
    assert row.verdict == "unsupported"
    assert "another mode" in row.reason


def test_the_command_prints_json_with_the_agreed_keys():
    found = CliRunner().invoke(command, [str(GOLDENS / "okx.json"), "--json"])
    assert found.exit_code == 0
    content = json.loads(found.output)
    assert [list(row) for row in content] == [KEYS] * len(content)


def test_the_command_fails_when_a_number_is_off(tmp_path):
    path = written(tmp_path, case(), case(id="wrong", expect={"liquidation_price": 90.5}))
    found = CliRunner().invoke(command, [str(path)])
    assert isinstance(found.exception, BacktestError)
    assert found.exception.exit_code == 1
    assert "1 of 2 numbers are off" in str(found.exception)
    assert "2 numbers of 2 cases: 1 ok, 1 off, 0 unsupported" in found.output


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "is not valid JSON"),
        ("{}", "is no list of cases"),
        ("[]", "holds no cases; write at least one into its list"),
        ("[3]", "case 0 of .* is 3"),
        ('[{"id": "x"}]', "case x of .* has no 'venue'"),
        ('[{"id": "x", "venue": "okx", "source": "a page"}]', "source in case x .* an object"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, content, match):
    path = tmp_path / "cases.json"
    path.write_text(content, "utf-8")
    with pytest.raises(UsageError, match=match):
        verify(path)


def test_a_file_without_cases_stands_in_nobodys_way(tmp_path):
    empty = tmp_path / "none.json"
    empty.write_text("[]", "utf-8")
    path = written(tmp_path, case())
    found = CliRunner().invoke(command, [str(empty), str(path)])
    assert found.exit_code == 0
    assert "1 numbers of 1 cases: 1 ok" in found.output


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*absent\.json"):
        verify(tmp_path / "absent.json")


def test_the_contract_size_is_the_instruments_where_the_case_gives_none():
    position = {
        "symbol": "BTC/USDT:USDT", "contract": "linear", "side": "long", "size": 100,
        "size_unit": "contracts", "entry_price": 50_000.0, "mark_price": 50_000.0, "leverage": 10,
        "mmr": 0.004, "maintenance_amount": 0,
    }  # fmt: skip
    asked = case(venue="okx", expect={"maintenance_margin": 200.0}, positions=[position])
    (row,) = rows_of(asked)
    assert row.verdict == "ok"


def test_two_legs_of_one_symbol_in_a_pool_have_one_price_together():
    # long 2 and short 1 from 100 on 10: 10 + (P − 100) = 0.004 · 3 · P
    leg = {**case()["positions"][0], "isolated_margin": None}
    account = {"margin_mode": "cross", "wallet_balance": 10.0}
    legs = [{**leg, "size": 2}, {**leg, "side": "short"}]
    expect = {"liquidation_price": 90 / (1 - 3 * 0.004)}
    found = case(account=account, positions=legs, target_symbol="BTC/USDT:USDT", expect=expect)
    (row,) = rows_of(found)
    assert row.verdict == "ok"


def test_a_maximum_leverage_gives_the_rate_where_the_venue_ties_them():
    position = {
        **case()["positions"][0], "symbol": "NEW/USDC:USDC", "mmr": None, "max_leverage": 10,
    }  # fmt: skip
    asked = case(venue="hyperliquid", positions=[position], expect={"maintenance_margin": 5.0})
    assert [row.verdict for row in rows_of(asked)] == ["ok"]


def test_the_margin_ratio_of_a_pool_needs_no_target():
    leg = {**case()["positions"][0], "mmr": 0.01, "isolated_margin": None}
    account = {"margin_mode": "cross", "wallet_balance": 10.0}
    legs = [leg, {**leg, "symbol": "ETH/USDT:USDT"}]
    (row,) = rows_of(case(account=account, positions=legs, expect={"margin_ratio": 0.2}))
    assert row.verdict == "ok"


@pytest.mark.parametrize("amount", [50.0, 1300.0])
def test_an_amount_without_position_is_one_of_the_first_table(amount):
    source = {"title": "t", "where": "w", "kind": "doc", "date": "2020-08"}
    asked = case(positions=[], source=source, expect={"maintenance_amount": amount})
    assert [row.verdict for row in rows_of(asked)] == ["ok"]
    wrong = case(positions=[], source=source, expect={"maintenance_amount": amount + 1})
    assert [row.verdict for row in rows_of(wrong)] == ["off"]


def test_an_amount_of_a_position_is_that_of_its_tier():
    position = {**case()["positions"][0], "size": 600, "mmr": None}
    asked = case(positions=[position], expect={"maintenance_amount": 50.0})
    assert [row.verdict for row in rows_of(asked)] == ["ok"]
