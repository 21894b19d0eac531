"""The exchanges' own numbers, case by case: tests/goldens/VENUE.json."""

import json
from pathlib import Path

import pytest

from backtest.goldens import verify

GOLDENS = Path(__file__).parents[1] / "goldens"
VENUES = ("binanceusdm", "bybit", "hyperliquid", "okx")


def cases(venue):
    return {c["id"]: c for c in json.loads((GOLDENS / f"{venue}.json").read_text("utf-8"))}


def is_due(case):
    """Ordinary margin on linear contracts, and the case itself agrees with the formula."""
    linear = all(p["contract"] == "linear" for p in case["positions"])
    return case["agrees"] is True and case["scope"] == "standard" and linear


@pytest.mark.parametrize("venue", VENUES)
def test_every_case_that_is_due_is_reproduced_within_its_tolerance(venue):
    known = cases(venue)
    rows = verify(GOLDENS / f"{venue}.json")
    due = [r for r in rows if is_due(known[r.case])]
    assert {r.case for r in due} == {name for name, case in known.items() if is_due(case)}
    assert [r for r in due if r.verdict != "ok"] == []


@pytest.mark.parametrize("venue", VENUES)
def test_nothing_is_off_and_what_is_unsupported_says_why(venue):
    for row in verify(GOLDENS / f"{venue}.json"):
        assert row.verdict in ("ok", "unsupported"), row
        assert row.verdict == "ok" or row.reason, row


@pytest.mark.parametrize("venue", VENUES)
def test_a_number_that_is_changed_is_found_to_be_off(venue, tmp_path):
    changed = []
    for case in cases(venue).values():
        if is_due(case):
            wrong = {k: v * 1.01 for k, v in case["expect"].items() if isinstance(v, float) and v}
            changed.append({**case, "expect": wrong})
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(changed), "utf-8")
    rows = verify(path)
    wrong = [r for r in rows if r.verdict == "off"]
    # two kinds of number follow from another one of the same case, which is changed as well
    free = [r for r in rows if "classic-cross" not in r.case and "fee" not in r.quantity]
    assert len(rows) > 5
    assert [r for r in free if r.verdict != "off"] == []
    assert wrong


def test_the_cases_equal_the_shared_ones(market_data):
    shared = market_data.parent / "goldens"
    theirs = {c["id"]: c for p in shared.glob("*.json") for c in json.loads(p.read_text("utf-8"))}
    for venue in VENUES:
        for name, case in cases(venue).items():
            assert case == theirs[name]
