"""`venues check` against the calendar: what cannot have been seen, what is announced too far."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backtest.errors import RulebookError
from backtest.venues.examine import examine
from backtest.venues.folder import BUILT_IN, built_in

TOY = Path(__file__).parent / "toy.toml"
TIER = 'symbol = "BTC/USDT:USDT"\nvalid_from = 2020-01-01\nsource'
FEE = (
    'maker = [{ value = 0.0002, valid_from = 2020-01-01, source = "doc", confidence = "official" }'
)
LOT = 'lot = [{ value = 0.001, valid_from = 2020-01-01, source = "doc", confidence = "official" }'
ROWS = "rows = [[0, 0.004, 125], [50000, 0.005, 100, 50], [250000, 0.01, 50, 1300]]"


def day(ahead):
    """A date counted from today, as text."""
    return f"{datetime.now(UTC) + timedelta(days=ahead):%Y-%m-%d}"


@pytest.fixture
def toy(tmp_path):
    """Writes the toy venue with one thing changed."""

    def write(old, new):
        text = TOY.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path = tmp_path / "toy.toml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return write


def then(row, date):
    """A history with the same value once more from a later date on."""
    again = row.partition("[")[2].replace("2020-01-01", date)
    return f"{row}, {again}"


@pytest.mark.parametrize("venue", built_in())
def test_all_built_in_rulebooks_pass(venue):
    assert examine(BUILT_IN / f"{venue}.toml").book.id == venue


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "checked_until = 2025-12-31",
            "checked_until = 2125-12-31",
            "toy.toml: venue.checked_until = '2125-12-31' is in the future; "
            "give the day of the last look.",
        ),
        (
            TIER,
            TIER.replace("source", "seen_until = 2124-01-01\nsource"),
            "toy.toml: tiers (BTC/USDT:USDT).seen_until = '2124-01-01' is in the future; "
            "give the day of the last look.",
        ),
        (
            TIER,
            TIER.replace("source", "seen_from = 2124-01-01\nsource"),
            "toy.toml: tiers (BTC/USDT:USDT).seen_from = '2124-01-01' is in the future; "
            "give the day of the last look.",
        ),
        (
            TIER,
            TIER.replace("2020-01-01", "2124-01-01"),
            "toy.toml: tiers (BTC/USDT:USDT).valid_from = '2124-01-01' is more than a year ahead; "
            "correct the year, or leave it out until it is near.",
        ),
        (
            FEE,
            then(FEE, "2124-01-01"),
            "toy.toml: fees.maker.1.valid_from = '2124-01-01' is more than a year ahead; "
            "correct the year, or leave it out until it is near.",
        ),
        (
            LOT,
            then(LOT, "2124-01-01"),
            "toy.toml: instruments (BTC/USDT:USDT).lot.1.valid_from = '2124-01-01' is more than a "
            "year ahead; correct the year, or leave it out until it is near.",
        ),
    ],
)
def test_a_date_that_cannot_be_known_is_refused(toy, old, new, said):
    with pytest.raises(RulebookError) as caught:
        examine(toy(old, new))
    assert str(caught.value) == said


@pytest.mark.parametrize(("ahead", "good"), [(1, True), (2, False)])
def test_a_look_may_be_a_day_ahead_of_the_clock_but_not_more(toy, ahead, good):
    path = toy("checked_until = 2025-12-31", f"checked_until = {day(ahead)}")
    if good:
        assert examine(path).book.id == "toy"
    else:
        with pytest.raises(RulebookError, match="is in the future"):
            examine(path)


@pytest.mark.parametrize(("ahead", "good"), [(300, True), (368, False)])
def test_a_rule_may_be_announced_a_year_ahead_but_not_more(toy, ahead, good):
    path = toy(FEE, then(FEE, day(ahead)))
    if good:
        assert examine(path).book.id == "toy"
    else:
        with pytest.raises(RulebookError, match="is more than a year ahead"):
            examine(path)


def test_a_maintenance_rate_over_the_initial_rate_is_refused(toy):
    path = toy(ROWS, "rows = [[0, 0.0081, 125]]")
    with pytest.raises(RulebookError) as caught:
        examine(path)
    assert str(caught.value) == (
        "toy.toml: tiers (BTC/USDT:USDT) 2020-01-01.tier 1.rate = 0.0081 is over the initial rate "
        "1/125; write rates as fractions (0.5 % is 0.005)."
    )
