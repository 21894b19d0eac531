"""docs/comparison.md says what its commands print."""

import shlex
from pathlib import Path

import pytest

from ..run.market import Cli

pytestmark = pytest.mark.market_data
ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "comparison.md").read_text("utf-8")


def block(name):
    """The fenced block under a comment."""
    return DOC.split(f"<!-- {name} -->\n```\n")[1].split("\n```")[0]


@pytest.mark.parametrize("name", ["rules", "prices"])
def test_the_output_shown_is_what_the_command_prints(
    name, market_data, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    words = shlex.split(block(name).replace("\\\n", ""))[1:]
    words[words.index("--data") + 1] = str(market_data)
    words[words.index("--out") + 1] = str(tmp_path / "out")
    cli = Cli(monkeypatch, capsys)
    assert cli(*words) == 0, cli.err
    printed = cli.out.splitlines()
    # sentences about a venue left out wrap by the length of the path
    shown = [line for line in block(f"{name} output").splitlines() if line]
    cut = next((n for n, line in enumerate(shown) if line.startswith("left out: ")), len(shown))
    assert [line for line in shown[:cut] if line not in printed] == []
    assert cut > 8
