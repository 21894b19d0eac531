"""The exchanges' own numbers, case by case: tests/goldens/VENUE.json."""

import json
from pathlib import Path
from textwrap import fill

import pytest

from backtest.cli.verify import README_WIDTH
from backtest.goldens import verify
from backtest.goldens.compare import rows_of
from backtest.goldens.scoreboard import into, page, score, totals

GOLDENS = Path(__file__).parents[1] / "goldens"
VENUES = (
    "binancecoinm", "binanceusdm", "bitget", "bitmex", "bybit", "deribit", "dydx", "gate",
    "hyperliquid", "krakenfutures", "kucoinfutures", "okx",
)  # fmt: skip
MOST_UNSUPPORTED = 0.03


def cases(venue):
    return {c["id"]: c for c in json.loads((GOLDENS / f"{venue}.json").read_text("utf-8"))}


def is_due(case):
    """Ordinary margin, and the case itself agrees with the formula."""
    return case["agrees"] is True and case["scope"] == "standard"


def due_rows(venue):
    known = cases(venue)
    return [r for r in verify(GOLDENS / f"{venue}.json") if is_due(known[r.case])]


@pytest.mark.parametrize("venue", VENUES)
def test_no_number_of_a_case_that_is_due_is_off(venue):
    rows = due_rows(venue)
    assert {r.case for r in rows} == {name for name, c in cases(venue).items() if is_due(c)}
    assert [r for r in rows if r.verdict == "off"] == []


def test_at_most_three_in_a_hundred_due_numbers_are_unsupported_and_say_why():
    rows = [r for venue in VENUES for r in due_rows(venue)]
    missing = [r for r in rows if r.verdict == "unsupported"]
    assert len(missing) <= MOST_UNSUPPORTED * len(rows)
    assert all(r.reason for r in missing)


@pytest.mark.parametrize("venue", VENUES)
def test_nothing_is_off_and_what_is_unsupported_says_why(venue):
    for row in verify(GOLDENS / f"{venue}.json"):
        assert row.verdict in ("ok", "unsupported"), row
        assert row.verdict == "ok" or row.reason, row


def changed_by_one_percent(case):
    """The case once for each plain number it expects, with that number alone changed."""
    for name, value in case["expect"].items():
        if isinstance(value, int | float) and not isinstance(value, bool) and value:
            yield name, {**case, "expect": {**case["expect"], name: value * 1.01}}


@pytest.mark.parametrize("venue", VENUES)
def test_a_number_that_is_changed_is_found_to_be_off(venue):
    good = {(r.case, r.quantity) for r in due_rows(venue) if r.verdict == "ok"}
    found = []
    for case in cases(venue).values():
        for name, changed in changed_by_one_percent(case):
            # the next funding in posMaint is read off it: the case shows its form only
            if (case["id"], name) in good and name != "posMaint":
                (row,) = [r for r in rows_of(changed) if r.quantity == name]
                found.append((case["id"], name, row.verdict))
    assert found
    assert [one for one in found if one[2] == "ok"] == []


def test_the_cases_equal_the_shared_ones(market_data):
    shared = market_data.parent / "goldens"
    theirs = {c["id"]: c for p in shared.glob("*.json") for c in json.loads(p.read_text("utf-8"))}
    for venue in VENUES:
        for name, case in cases(venue).items():
            assert case == theirs[name]


def test_the_score_page_and_the_readme_are_what_the_cases_give_today():
    root = Path(__file__).parents[2]
    scored = score(GOLDENS.glob("*.json"))
    again = "backtest verify tests/goldens/*.json --accuracy docs/accuracy.md --readme README.md"
    assert (root / "docs/accuracy.md").read_text("utf-8") == page(scored), again
    readme = (root / "README.md").read_text("utf-8")
    assert into(readme, fill(totals(scored), README_WIDTH)) == readme, again
