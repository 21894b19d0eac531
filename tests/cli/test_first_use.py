"""What first users stumbled over: exit codes, encodings, widths and a demo run twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOLDENS = Path(__file__).parents[1] / "goldens"


def test_debug_shows_the_traceback_and_keeps_the_exit_code(cli):
    assert cli("run", "absent.py") == 2
    sentence = cli.err
    assert cli("run", "absent.py", "--debug") == 2
    assert cli.err.startswith("Traceback (most recent call last)")
    assert cli.err.endswith(sentence)


def test_the_demo_replaces_its_result_with_force(cli, tmp_path):
    out = tmp_path / "demo"
    assert cli("demo", "--out", out) == 0
    assert cli("demo", "--out", out) == 1
    assert cli.sentence.endswith("choose another --out or replace it with --force.")
    assert cli("demo", "--out", out, "--force") == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_signs_that_a_terminal_lacks_are_replaced(encoding):
    command = [sys.executable, "-m", "backtest", "venues", "--sources"]
    done = subprocess.run(
        command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=True
    )
    assert done.stderr == b""


def test_show_refuses_to_show_no_rows(cli, tmp_path):
    assert cli("show", tmp_path, "--rows", "0") == 2
    assert "0 is not in the range x>=1" in cli.sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ["venues", "--symbols"],
        ["venues", "--sources"],
        ["verify", *GOLDENS.glob("*.json")],
    ],
    ids=["symbols", "sources", "verify"],
)
def test_no_line_is_wider_than_80_columns_but_for_an_address_that_stays_whole(cli, arguments):
    assert cli(*arguments) == 0
    wide = [line.split() for line in cli.out.splitlines() if len(line) > 80]
    assert all(len(words) == 1 and words[0].startswith("https://") for words in wide)


def test_symbols_say_when_tables_change_and_until_when_they_were_seen(cli):
    assert cli("venues", "--symbols") == 0
    lines = " ".join(cli.out.split())
    assert "APE/USDC:USDC 2 tables, from 2023-02-28, last change 2025-03-13 " in lines
    assert "ADA/USDT:USDT 1 table, from 2025-12-13, seen until 2025-12-21, known up to" in lines
