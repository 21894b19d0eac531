"""Every wrong rulebook is refused with file, key, value and remedy."""

from pathlib import Path

import pytest

from backtest.errors import RulebookError
from backtest.venues import load_file

BAD = sorted((Path(__file__).parents[1] / "bad_inputs" / "rulebooks").glob("*.toml"))
TOY = Path(__file__).parent / "toy.toml"


def wanted(path: Path) -> list[str]:
    """The two comments that open a wrong file: what is said, and the remedy."""
    lines = path.read_text(encoding="utf-8").splitlines()[:2]
    return [line.split(": ", 1)[1] for line in lines]


def test_the_rulebook_that_the_wrong_ones_vary_is_right():
    assert load_file(TOY).symbols() == ["BTC/USDT:USDT"]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_wrong_rulebook_is_refused_in_one_clear_sentence(path):
    with pytest.raises(RulebookError) as caught:
        load_file(path)
    message = str(caught.value)
    said, remedy = wanted(path)
    assert message.startswith(f"{path.name}: ")
    assert said in message
    assert remedy in message
    assert message.endswith(("?", "."))
    assert "\n" not in message


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RulebookError, match=r"cannot be read .*check the path"):
        load_file(tmp_path / "none.toml")
