"""Venues of the user's own: checked, listed beside the built-in ones, never in their place."""

from pathlib import Path

import pytest

from backtest.errors import RulebookError, UnknownNameError
from backtest.venues import known, load, resolve
from backtest.venues.examine import examine
from backtest.venues.folder import data_folder, import_file
from backtest.venues.model import FOREVER
from backtest.venues.policy import policy

TOY = Path(__file__).parent / "toy.toml"


@pytest.fixture
def own(data_folder):
    """Puts a changed copy of the toy venue among the user's own."""

    def put(name="toy", *changes):
        text = TOY.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = data_folder / "venues" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


def test_a_venue_of_the_user_is_known_and_loaded_like_any_other(own):
    own()
    assert "toy" in known()
    assert "okx" in known()
    book = load("toy")
    assert resolve(book, "BTC/USDT:USDT", 0, FOREVER)["n_tiers"][0] == 3


def test_parts_beside_the_file_belong_to_it(own):
    path = own()
    instruments, tiers = path.read_text().split("[[instruments]]")[1].split("[[tiers]]")
    path.write_text(path.read_text().split("[[instruments]]")[0])
    for part, text in (("instruments", instruments), ("tiers", tiers)):
        (path.parent / part).mkdir()
        (path.parent / part / "toy.toml").write_text(f"[[{part}]]{text}")
    assert load("toy").symbols() == ["BTC/USDT:USDT"]


def test_a_changed_file_is_read_again(own):
    own()
    before = load("toy").hash
    own("toy", ('name = "Toy"', 'name = "Another toy"'))
    assert load("toy").name == "Another toy"
    assert load("toy").hash != before


def test_a_venue_of_the_user_does_not_replace_a_built_in_one(own):
    path = own("okx", ('id = "toy"', 'id = "okx"'))
    with pytest.raises(RulebookError, match="has the id of the built-in venue 'okx'; rename the"):
        load("okx")
    with pytest.raises(
        RulebookError, match=r"venue.id = 'okx' is a built-in venue; give your venu"
    ):
        examine(path)
    assert load("bybit").id == "bybit"


def test_the_id_of_a_venue_is_the_name_of_its_file(own):
    path = own("mine")
    for look in (lambda: load("mine"), lambda: examine(path)):
        with pytest.raises(RulebookError, match=r"mine.toml: venue.id = 'toy' is not .*'mine'"):
            look()


def test_an_unknown_venue_says_where_own_ones_belong(data_folder):
    with pytest.raises(UnknownNameError, match=f"Your own belong in {data_folder}/venues"):
        load("nowhere")


def test_what_a_file_holds_is_counted(own):
    found = examine(own())
    assert found.in_use
    assert (found.tables, found.book.symbols()) == (1, ["BTC/USDT:USDT"])
    assert found.confidences == {"official": found.stated + found.tables + 4}


def test_a_venue_without_tiers_or_with_tiers_in_another_unit_is_refused(own):
    text = TOY.read_text()
    path = own("toy", (text[text.index("[[tiers]]") :], ""))
    with pytest.raises(RulebookError, match="tiers is missing; a venue needs a contract with tie"):
        examine(path)
    path = own("toy", ("cap = 1000000\n", 'cap = 1000000\nunit = "contracts"\n'))
    with pytest.raises(RulebookError, match="unit = 'contracts' does not fit toy, whose isolated"):
        examine(path)


def test_a_requirement_that_cannot_be_solved_is_found(own):
    path = own("toy", ('"notional_at_entry"', '"size"'))
    with pytest.raises(RulebookError, match=r"does not fit toy|has no single liquidation price"):
        examine(path)


def test_a_symbol_may_be_delisted_in_a_file(own):
    end = '[[tiers]]\nsymbol = "BTC/USDT:USDT"\nvalid_from = 2024-01-01\nlisted = false\n'
    origin = 'source = "doc"\nconfidence = "official"\n'
    path = own()
    path.write_text(path.read_text() + end + origin)
    with pytest.raises(RulebookError, match="toy does not list BTC/USDT:USDT on 2024-02-01: deli"):
        resolve(load("toy"), "BTC/USDT:USDT", 1706745600000, FOREVER)


def test_the_data_folder_is_the_one_named_or_the_user_s(monkeypatch, tmp_path):
    assert import_file("okx") == data_folder() / "tiers" / "okx.parquet"
    monkeypatch.delenv("BACKTEST_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "liquidation-backtest"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".local" / "share" / "liquidation-backtest"


def test_a_venue_of_the_user_is_compared_beside_the_built_in_ones(own):
    own()
    columns = [policy(load(name), 1_760_000_000_000) for name in ("toy", "bybit")]
    assert list(columns[0]) == list(columns[1])
    first = columns[0]["isolated liquidation"].splitlines()[0]
    assert first == "1. close: all, at market, taker fee"
    assert [column["IM valued at"] for column in columns] == ["mark", "entry"]
