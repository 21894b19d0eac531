"""Every setting is checked, wherever it comes from, and wrong ones get one sentence."""

from datetime import UTC, datetime

import pytest

import backtest as bt
from backtest.config import from_mapping

from .market import BTC, flat

WRONG = {
    "cash": [(0, "it must be greater than 0"), (-5, "greater than 0"), ("much", "takes a number")],
    "leverage": [(0.5, "it must be 1 or more"), ("abc", "takes a number"), (True, "a number")],
    "exposure": [(0, "greater than 0"), (-1, "greater than 0"), (float("nan"), "a finite one")],
    "slippage": [(-1, "between 0 and 10000 bps"), (10_000, "between 0"), ([], "takes a number")],
    "refill_below": [(1.5, "between 0 and 1"), ("half", "takes a number")],
    "liquidation_slippage": [("bars", "basis points or 'bar'"), (-1, "between 0"), (True, "text")],
    "rebalance": [("never", "'change', 'always' or a band"), (-0.1, "a band of 0 or more")],
    "missing_funding": [("none", "'zero', 'last' or a rate"), ("inf", "a finite one")],
    "reenter": [("maybe", "takes true or false"), (1.0, "takes true or false")],
    "skip_refused": [("yess", "takes true or false")],
    "cash_in": [("btc", "unknown cash_in"), ("settl", "did you mean 'settle'")],
    "strict_rules": [("yess", "takes true or false"), (2, "takes true or false")],
    "seed": [(1.5, "takes a whole number"), ("one", "a whole number"), (True, "a whole number")],
    "venues": [(5, "takes names separated by commas"), ("", "is empty"), ([1], "takes names")],
    "symbols": [([], "is empty"), ({}, "takes names"), (" , ", "is empty")],
    "params": [(3, "takes a table"), ("fast=3", "takes a table")],
    "rules": [([], "takes a table")],
    "timeframe": [("1x", "not a length of time"), ("h", "not a length"), ("0h", "not a length")],
    "max_gap": [("1 day", "not a length of time"), (24, "not a length of time")],
    "sample": [("often", "not a length of time")],
    "since": [("yesterday", "not a time"), (2022, "not a time"), ("2022-13-01", "not a time")],
    "until": [(10**18, "not a time"), (True, "not a time"), (-1, "not a time")],
    "margin": [("portfolio", "unknown margin setting"), ("isolate", "did you mean 'isolated'")],
    "position_mode": [("both", "unknown position_mode"), ("hedged", "did you mean 'hedge'")],
    "rules_as_of": [("now", "not a time"), (10**18, "not a time")],
    "on_liquidation": [("refil", "did you mean 'refill'"), (5, "takes|unknown")],
    "strategy": [("", "takes text"), (False, "takes text")],
    "data": [("", "takes text")],
    "prices": [([], "takes text")],
    "policies": [("stop_los", "stop_loss")],
    "alerts": [(1.5, "between 0 and 1")],
    "reserve": [(-1.0, "0 or more")],
    "reserve_delay": [("soon", "not a length of time")],
    "path": [("worst", "unknown path")],
    "timeframe_detail": [([], "takes text")],
    "detail_tolerance": [(1.0, "0 to 1"), (-0.1, "0 to 1")],
}
CASES = [(name, value, text) for name, pairs in WRONG.items() for value, text in pairs]


@pytest.mark.parametrize(("name", "value", "message"), CASES)
def test_a_wrong_value_is_refused_with_its_name_and_value(name, value, message):
    settings = {"strategy": "mine.py", name: value}
    with pytest.raises(bt.UsageError, match=message) as refused:
        from_mapping(settings)
    text = str(refused.value)
    assert text.count("\n") == 0
    assert text.endswith((".", "?"))
    assert str(value) in text or "empty" in text


def test_a_config_made_directly_is_checked_as_well():
    with pytest.raises(bt.UsageError, match="leverage is 'abc'; it takes a number"):
        bt.RunConfig(strategy="mine.py", leverage="abc")


def test_every_setting_has_its_test():
    defaults = bt.RunConfig(strategy="mine.py").to_dict()
    assert set(WRONG) | {"orders"} == set(defaults)


@pytest.mark.parametrize("settings", [{}, {"strategy": "mine.py", "orders": "mine.csv"}])
def test_a_run_needs_a_strategy_or_orders(settings):
    with pytest.raises(bt.UsageError, match="one of them and not both"):
        from_mapping(settings)


def test_an_unknown_setting_gets_a_hint():
    with pytest.raises(bt.UsageError, match="unknown setting 'levrage'; did you mean 'leverage'"):
        from_mapping({"strategy": "mine.py", "levrage": 3})


def test_since_after_until_is_refused():
    with pytest.raises(bt.UsageError, match="--since 2022-05-02 00:00 is not before --until"):
        from_mapping({"strategy": "mine.py", "since": "2022-05-02", "until": "2022-05-01"})


MAY = int(datetime(2022, 5, 1, tzinfo=UTC).timestamp() * 1000)
SAME_TIME = (
    *("2022-05-01", "20220501", 20220501, "2022-05-01T00:00", "2022-05-01 02:00+02:00"),
    *(MAY, str(MAY), datetime(2022, 5, 1), datetime(2022, 5, 1, tzinfo=UTC)),
    datetime(2022, 5, 1).date(),
)


@pytest.mark.parametrize("written", SAME_TIME)
def test_a_time_may_be_written_in_any_usual_way(written):
    assert from_mapping({"strategy": "mine.py", "since": written}).since == MAY


def test_text_from_a_command_line_becomes_what_the_setting_is():
    config = from_mapping(
        {
            "strategy": "mine.py",
            "venues": "okx, bybit,okx",
            "cash": "1e4",
            "reenter": "yes",
            "seed": "7",
            "rebalance": 0.25,
        }
    )
    assert config.venues == ("okx", "bybit")
    assert (config.cash, config.reenter, config.seed) == (10_000.0, True, 7)
    assert config.rebalance_band == 0.25


# --- through the command line ------------------------------------------------------------------


@pytest.fixture
def run(market, strategy, cli, tmp_path):
    """Runs a strategy that holds, with a TOML file and flags; gives the config that was used."""
    market.add(flat(100, 12))
    path = strategy("def on_bar(view, *, level=1.0, other=2):\n    return level\n")

    def start(toml="", *flags, code=0):
        file = tmp_path / "run.toml"
        file.write_text(toml.format(path=path, data=market.root))
        out = tmp_path / "out"
        assert cli("run", "--config", file, "--out", out, *flags) == code, cli.err
        return bt.open_result(out).manifest if code == 0 else cli.sentence

    return start


BASE = 'strategy = "{path}"\ndata = "{data}"\n'


def test_a_toml_file_says_what_to_run(run):
    config = run(f'{BASE}leverage = 4\nvenues = ["binanceusdm", "okx"]\nprices = "binanceusdm"\n')[
        "config"
    ]
    assert config["leverage"] == 4.0
    assert config["venues"] == ["binanceusdm", "okx"]


def test_flags_stand_on_top_of_the_file(run):
    manifest = run(
        f"{BASE}leverage = 4\n[params]\nlevel = 0.5\nother = 3\n",
        *("--leverage", "6", "-p", "level=0.25"),
    )
    assert manifest["config"]["leverage"] == 6.0
    assert manifest["strategy"]["params"] == {"level": 0.25, "other": 3}


def test_dates_in_the_file_are_toml_dates_or_text(run):
    config = run(f'{BASE}since = 2024-01-01T02:00:00Z\nuntil = "2024-01-01 09:00"\n')["config"]
    assert (config["since"], config["until"]) == ("2024-01-01 02:00", "2024-01-01 09:00")


def test_a_time_range_is_since_and_until(run):
    config = run(BASE, "--timerange", "20240101-20240102")["config"]
    assert (config["since"], config["until"]) == ("2024-01-01 00:00", "2024-01-02 00:00")


@pytest.mark.parametrize(
    ("toml", "flags", "message"),
    [
        ("levrage = 3\n", (), "unknown setting 'levrage'; did you mean 'leverage'?"),
        ('leverage = "abc"\n', (), "leverage is 'abc'; it takes a number."),
        ('reenter = "perhaps"\n', (), "reenter is 'perhaps'; it takes true or false."),
        ("seed = 1.5\n", (), "seed is 1.5; it takes a whole number."),
        ("venues = 5\n", (), "venues is 5; it takes names separated by commas, or a list."),
        ("params = 3\n", (), "params is 3; it takes a table of names and values."),
        ("[params]\nother = 1.5\n", (), "parameter other is 1.5; it takes a whole number."),
        ("[params]\nlevle = 1\n", (), "did you mean 'level'?"),
        ("", ("--timerange", "2024"), "--timerange '2024' is not like 20220501-20220701."),
        ("", ("--timerange", "20240101-", "--since", "20240101"), "not both."),
        ("", ("--leverage", "200"), "leverage 200 is over the maximum of 125"),
        ("", ("--rule", "fees.takr=1"), "did you mean 'fees.taker'"),
        ("", ("--rule", "fees.taker"), "'fees.taker' is not NAME=VALUE, which rules needs."),
    ],
)
def test_wrong_settings_end_with_one_sentence_and_code_2(run, toml, flags, message):
    assert message in run(BASE + toml, *flags, code=2)


def test_a_file_that_is_no_toml_is_refused(run):
    assert "is not valid TOML" in run("leverage = = 3\n", code=2)


def test_a_missing_config_file_is_refused(cli, tmp_path):
    assert cli("run", "--config", tmp_path / "absent.toml") == 2
    assert "No such file or directory; check the path." in cli.sentence


def test_orders_given_as_a_flag_replace_the_strategy_of_the_file(run, tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text(f"ts,symbol,size\n2024-01-01T01:00,{BTC},1\n")
    assert run(BASE, "--orders", orders)["strategy"]["kind"] == "orders"


def test_without_data_the_bundled_sample_is_used_wherever_one_stands(cli, tmp_path, monkeypatch):
    from backtest.samples import sample_strategy

    monkeypatch.chdir(tmp_path)
    code = cli("run", sample_strategy(), "--until", "2023-02-01", "--out", tmp_path / "out")
    assert code == 0, cli.err
    assert "(synthetic data: made by a generator" in cli.out
