"""Checks that every venue passes; a venue's test inherits them by listing its samples."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest

from backtest.core.types import TIER_WIDTH, TierRule
from backtest.errors import RulebookError, UnknownNameError
from backtest.venues import Rulebook, load, resolve, tier_provenance
from backtest.venues.schema import CONFIDENCES, DECISIONS

SINCE, UNTIL = "2019-01-01", "2027-01-01"


def ms(text: str) -> int:
    """Milliseconds of a date or date-time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def on(rules, text: str):
    """The record in force on a date."""
    ts = ms(text)
    (found,) = rules[(rules["valid_from"] <= ts) & (ts < rules["valid_to"])]
    return found


def resolved(book: Rulebook, symbol: str):
    """The rules of a symbol over all years."""
    return resolve(book, symbol, ms(SINCE), ms(UNTIL))


class VenueChecks:
    """Samples: what the sources say about the venue, for the checks below.

    rows: (symbol, date, row) -> (floor, rate, max leverage), floors in the tier key's unit
    deductions: (symbol, date, row) -> deduction
    tables: (symbol, date) -> (number of rows, cap)
    values: (decision, date) -> value
    numbers: (symbol, date, field of RULES) -> value
    extrapolated: (symbol, date) -> flag
    matches: symbol asked -> symbol of the venue
    """

    venue: ClassVar[str]
    rows: ClassVar[dict] = {}
    deductions: ClassVar[dict] = {}
    tables: ClassVar[dict] = {}
    values: ClassVar[dict] = {}
    numbers: ClassVar[dict] = {}
    extrapolated: ClassVar[dict] = {}
    matches: ClassVar[dict] = {}
    unknown_symbol: ClassVar[str] = "NOSUCH/USDT:USDT"

    @pytest.fixture
    def book(self) -> Rulebook:
        return load(self.venue)

    def test_sample_rows_are_those_of_the_source(self, book):
        for (symbol, date, row), wanted in self.rows.items():
            record = on(resolved(book, symbol), date)
            found = [float(record[f][row]) for f in ("floor", "rate", "max_leverage")]
            assert found == pytest.approx(wanted, rel=1e-12), (symbol, date, row)

    def test_sample_deductions_follow_from_the_rates(self, book):
        for (symbol, date, row), wanted in self.deductions.items():
            record = on(resolved(book, symbol), date)
            assert record["deduction"][row] == pytest.approx(wanted, rel=1e-9), (symbol, date, row)

    def test_tables_have_their_length_and_cap(self, book):
        for (symbol, date), (length, cap) in self.tables.items():
            record = on(resolved(book, symbol), date)
            assert (record["n_tiers"], record["cap"]) == (length, pytest.approx(cap))

    def test_decisions_have_the_value_of_their_date(self, book):
        for (key, date), wanted in self.values.items():
            assert book.at(key, ms(date)).value == wanted, (key, date)

    def test_resolved_numbers_are_those_of_their_date(self, book):
        for (symbol, date, field), wanted in self.numbers.items():
            record = on(resolved(book, symbol), date)
            assert record[field] == pytest.approx(wanted, rel=1e-12), (symbol, date, field)

    def test_dates_without_a_known_table_are_extrapolated(self, book):
        for (symbol, date), wanted in self.extrapolated.items():
            assert on(resolved(book, symbol), date)["extrapolated"] == wanted, (symbol, date)

    def test_strict_refuses_extrapolated_dates(self, book):
        for (symbol, date), flag in self.extrapolated.items():
            if flag:
                with pytest.raises(RulebookError, match="known to hold"):
                    resolve(book, symbol, ms(date), ms(date) + 1, strict=True)
            else:
                assert len(resolve(book, symbol, ms(date), ms(date) + 1, strict=True)) == 1

    def test_symbols_match_by_base_and_settle(self, book):
        for asked, wanted in self.matches.items():
            assert book.match(asked) == wanted

    def test_an_unknown_symbol_lists_what_is_known_and_how_to_add_one(self, book):
        with pytest.raises(RulebookError, match=r"known: .*\[\[instruments\]\].*\[\[tiers\]\]"):
            book.match(self.unknown_symbol)

    def test_periods_cover_all_time_without_gap_or_repetition(self, book):
        for symbol in book.symbols():
            rules = resolved(book, symbol)
            assert rules["valid_from"][0] == -(2**62)
            assert rules["valid_to"][-1] == 2**62
            assert (rules["valid_to"][:-1] == rules["valid_from"][1:]).all()
            assert (rules["valid_from"] < rules["valid_to"]).all()

    def test_tables_start_at_zero_and_rise(self, book):
        for symbol in book.symbols():
            for record in resolved(book, symbol):
                n = record["n_tiers"]
                assert 1 <= n <= TIER_WIDTH
                assert record["floor"][0] == 0.0
                assert (np.diff(record["floor"][:n]) > 0).all()
                assert (np.diff(record["rate"][:n]) >= 0).all()
                assert (np.diff(record["max_leverage"][:n]) <= 0).all()
                assert record["cap"] > record["floor"][n - 1]
                assert record["tiers_complete"] or np.isfinite(record["cap"])

    def test_progressive_maintenance_is_continuous_and_flat_has_no_deduction(self, book):
        for symbol in book.symbols():
            for record in resolved(book, symbol):
                n = int(record["n_tiers"])
                if record["tier_rule"] == TierRule.FLAT:
                    assert (record["deduction"][:n] == 0.0).all()
                    continue
                margin = [
                    (record["floor"][i + 1] * record["rate"][row] - record["deduction"][row])
                    for i in range(n - 1)
                    for row in (i, i + 1)
                ]
                assert margin[::2] == pytest.approx(margin[1::2], rel=1e-9)

    def test_maintenance_rate_leaves_room_at_maximum_leverage(self, book):
        for symbol in book.symbols():
            for record in resolved(book, symbol):
                n = record["n_tiers"]
                assert (record["rate"][:n] * record["max_leverage"][:n] < 1.0).all()

    def test_sizes_are_positive_and_the_smallest_order_is_in_lots(self, book):
        for symbol in book.symbols():
            for record in resolved(book, symbol):
                assert record["lot"] > 0
                assert record["tick"] > 0
                lots = record["min_size"] / record["lot"]
                assert lots == pytest.approx(round(lots))

    def test_every_value_says_where_it_is_from_and_how_sure_it_is(self, book):
        rows = book.provenance(ms("2026-01-01"))
        assert {str(row["key"]) for row in rows} >= {k for k, v in DECISIONS.items() if v.required}
        rows += [tier_provenance(book, symbol, ms("2026-01-01")) for symbol in book.symbols()]
        for row in rows:
            assert row["source"]
            assert row["confidence"] in CONFIDENCES
            assert row["confidence"] != "assumed" or row["note"], row["key"]

    def test_the_last_step_closes_whatever_is_left(self, book):
        for mode in ("isolated", "cross"):
            for revision in book.decisions[f"liquidation.{mode}"]:
                last = book.process(mode, revision.valid_from).steps[-1]
                assert (last.size, last.min_tier) == ("all", 1)
                assert last.min_margin_ratio == last.min_notional == last.wait_seconds == 0

    def test_an_unknown_override_says_what_was_meant(self, book):
        symbol = book.symbols()[0]
        with pytest.raises(UnknownNameError, match=r"did you mean 'fees\.taker'"):
            resolve(book, symbol, 0, 1, overrides={"fees.takr": 0.001})

    def test_tables_in_use_are_dated_in_order(self, book):
        for tables in book.tiers.values():
            assert all(a.valid_from < b.valid_from for a, b in pairwise(tables))
            for table in tables:
                assert table.known_before is None or table.known_before <= table.valid_from
