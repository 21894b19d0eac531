"""A wrong strategy is one sentence: which, what and in which line."""

import pytest

import backtest as bt

from .market import BTC, ETH, flat

HEAD = "import polars as pl\n"


@pytest.fixture
def fails(market, strategy, cli, tmp_path):
    """Runs a strategy source through the command line; exit code and sentence."""
    market.add(flat(100, 12)).add(flat(50, 12), ETH)

    def run(source, *flags, symbols=BTC):
        path = strategy(HEAD + source)
        out = tmp_path / "out"
        code = cli("run", path, "--data", market.root, "--symbol", symbols, "--out", out, *flags)
        assert code != 0
        assert not list(tmp_path.glob("*out*"))
        return code, cli.sentence

    return run


RAISES = "def {head}:\n    x = 1\n    return x / 0\n"


def test_targets_that_raise_name_their_line(fails):
    code, sentence = fails(RAISES.format(head="targets(bars)"))
    assert code == 1
    assert sentence == (
        "strategy mine failed: ZeroDivisionError: division by zero (in targets, mine.py:4)."
    )


def test_on_bar_that_raises_names_its_line(fails):
    code, sentence = fails(RAISES.format(head="on_bar(view)"))
    assert code == 1
    assert sentence.endswith("ZeroDivisionError: division by zero (in on_bar, mine.py:4).")


def test_the_line_is_the_strategys_own_even_when_a_library_raised(fails):
    _, sentence = fails("def targets(bars):\n    return bars.select(pl.lit([1]).cast('wrong'))\n")
    assert "(in targets, mine.py:3)" in sentence


def test_a_function_called_by_the_strategy_names_the_inner_line(fails):
    source = "def helper(x):\n    return x['no']\n\ndef on_bar(view):\n    return helper({})\n"
    _, sentence = fails(source)
    assert sentence.endswith("KeyError: 'no' (in helper, mine.py:3).")


def test_an_error_while_loading_names_its_line(fails):
    code, sentence = fails("limit = int('many')\ndef on_bar(view): ...\n")
    assert code == 1
    assert sentence.endswith("invalid literal for int() with base 10: 'many' (mine.py:2).")


def test_a_syntax_error_names_its_line(fails):
    code, sentence = fails("def on_bar(view:\n    return 1\n")
    assert code == 1
    assert "cannot be loaded" in sentence
    assert "in line 2" in sentence


def test_leaving_the_program_while_loading_is_an_error_too(fails):
    code, sentence = fails("raise SystemExit(0)\n")
    assert code == 1
    assert "SystemExit" in sentence


@pytest.mark.parametrize("head", ["targets(bars)", "on_bar(view)"])
@pytest.mark.parametrize(
    ("leaving", "what"), [("sys.exit(3)", "SystemExit: 3"), ("exit()", "SystemExit: None")]
)
def test_leaving_the_program_while_running_is_an_error_too(fails, head, leaving, what):
    code, sentence = fails(f"import sys\ndef {head}:\n    {leaving}\n")
    assert code == 1
    place = f"(in {head.partition('(')[0]}, mine.py:4)"
    assert sentence == f"strategy mine ended the program: {what} {place}."


def test_leaving_the_program_inside_an_expression_names_the_strategys_line(fails):
    source = (
        "import sys\ndef targets(bars):\n    def f(close):\n        sys.exit(3)\n"
        "    target = pl.col('close').map_elements(f, return_dtype=pl.Float64)\n"
        "    return bars.select('ts', target=target)\n"
    )
    _, sentence = fails(source)
    assert sentence == "strategy mine ended the program: SystemExit: 3 (in f, mine.py:5)."


def targets(expression):
    return f"def targets(bars):\n    return {expression}\n"


WRONG = {
    "a number": ("5", "targets of mine returned int; return a LazyFrame"),
    "nothing": ("None", "targets of mine returned NoneType"),
    "no target column": ("bars.select('ts', 'symbol')", "'target' is missing"),
    "no ts column": ("bars.select('symbol', target=pl.lit(1.0))", "'ts' is missing"),
    "text for a target": ("bars.select('ts', target=pl.lit('x'))", "has target of type String"),
    "truth for a target": ("bars.select('ts', target=pl.lit(True))", "has target of type Boolean"),
    "a number for ts": ("bars.select(ts=pl.lit(5), target=pl.lit(1.0))", "has ts of type Int32"),
    "not a number": (
        "bars.select('ts', target=pl.lit(float('nan')))",
        "is nan at 2024-01-01 00:00; return a number, or null to keep the last target",
    ),
    "endless": ("bars.select('ts', target=pl.lit(float('inf')))", "is inf at 2024-01-01 00:00"),
    "rows sorted backwards": (
        "bars.sort('ts', descending=True).select('ts', target=pl.lit(1.0))",
        "has rows out of order or twice at 2024-01-01 10:00 for BTC/USDT:USDT",
    ),
    "rows twice": (
        "pl.concat([bars, bars]).sort('ts').select('ts', target=pl.lit(1.0))",
        "has rows out of order or twice at 2024-01-01 00:00",
    ),
    "an unknown symbol": (
        "bars.select('ts', symbol=pl.lit('BTC/USDT'), target=pl.lit(1.0))",
        "unknown symbol in the targets of mine 'BTC/USDT'; did you mean 'BTC/USDT:USDT'",
    ),
    "an unknown column": ("bars.select('tss')", "cannot be computed: unable to find column"),
    "a failing function": (
        "bars.select('ts', target=pl.col('close').map_elements("
        "lambda c: 1.0 / 0, return_dtype=pl.Float64))",
        "cannot be computed: ",
    ),
}


@pytest.mark.parametrize(("expression", "message"), WRONG.values(), ids=WRONG)
def test_targets_of_a_wrong_shape_are_refused(fails, expression, message):
    _, sentence = fails(targets(expression))
    assert message in sentence


def test_targets_for_several_symbols_must_say_which(fails):
    source = targets("bars.select('ts', target=pl.lit(1.0))")
    _, sentence = fails(source, symbols=f"{BTC},{ETH}")
    assert "'symbol' is missing: return ts, symbol and target" in sentence


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("'long'", "returned str at 2024-01-01 00:00; return an Order"),
        ("True", "returned bool"),
        ("float('nan')", "ordered nan of BTC/USDT:USDT at 2024-01-01 00:00"),
        (f"{{'{BTC}': 'much'}}", "ordered 'much' of BTC/USDT:USDT"),
        ("[1.0, 2.0]", "returned list"),
    ],
)
def test_answers_of_a_wrong_kind_are_refused(fails, answer, message):
    code, sentence = fails(f"def on_bar(view):\n    return {answer}\n")
    assert code == 1
    assert message in sentence


@pytest.mark.parametrize("given", ["", "size=1.0, exposure=1.0"])
def test_an_order_needs_a_size_or_an_exposure(fails, given):
    source = f"import backtest as bt\ndef on_bar(view):\n    return bt.Order('{BTC}', {given})\n"
    _, sentence = fails(source)
    assert "needs a size or an exposure, and only one of them" in sentence


def test_a_file_with_both_entry_points_is_refused(fails):
    code, sentence = fails("def targets(bars): ...\ndef on_bar(view): ...\n")
    assert code == 2
    assert "must define either targets(bars) or on_bar(view); it has both" in sentence


def test_a_file_with_no_entry_point_is_refused(fails):
    code, sentence = fails("def target(bars): ...\n")
    assert code == 2
    assert "it has neither" in sentence


SMA = "def targets(bars, *, fast: int = 5, rate: float = 0.5, flip: bool = False): return bars\n"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("fats=3", "unknown parameter of the strategy 'fats'; did you mean 'fast'?"),
        ("fast=3.5", "parameter fast is '3.5'; it takes a whole number."),
        ("rate=high", "parameter rate is 'high'; it takes a number."),
        ("flip=maybe", "parameter flip is 'maybe'; it takes true or false."),
        ("fast", "'fast' is not NAME=VALUE, which params needs."),
    ],
)
def test_a_wrong_parameter_is_refused(fails, flag, message):
    assert fails(SMA, "-p", flag) == (2, message)


def test_a_parameter_without_default_must_be_given(fails):
    code, sentence = fails("def targets(bars, *, window): return bars\n")
    assert (code, sentence) == (2, "the strategy needs -p window=VALUE; it has no default.")


def test_a_strategy_that_is_no_file_is_refused(cli, tmp_path):
    assert cli("run", tmp_path / "absent.py") == 2
    assert cli.sentence.startswith("there is no strategy at ")
    assert cli("run", tmp_path) == 2
    assert cli.sentence == f"{tmp_path} is a folder; give the path of a Python file."
    (tmp_path / "README.md").touch()
    assert cli("run", tmp_path / "README.md") == 2
    assert cli.sentence.endswith("README.md is no Python file; a strategy's name ends in .py.")


def test_a_function_whose_arguments_python_does_not_know_is_refused(market):
    with pytest.raises(bt.UsageError, match="'dict' cannot be a strategy, as Python does not know"):
        market.add(flat(100, 12)).run(dict)


def test_parameters_come_as_the_type_of_their_default(market, strategy, cli, tmp_path):
    market.add(flat(100, 12))
    path = strategy(
        """
        def on_bar(view, *, size=1.0, after=3, short=False, words="x"):
            assert (size, after, short, words) == (2.5, 4, True, "a b")
            return None
        """
    )
    flags = [x for p in ("size=2.5", "after=4", "short=yes", "words=a b") for x in ("-p", p)]
    code = cli("run", path, "--data", market.root, "--out", tmp_path / "out", *flags)
    assert code == 0, cli.err


def test_a_strategy_may_import_its_neighbours_and_use_dataclasses(market, strategy, cli, tmp_path):
    market.add(flat(100, 12))
    strategy("LEVEL = 0.5\n", name="neighbour_of_mine")
    path = strategy(
        """
        from __future__ import annotations
        from dataclasses import dataclass
        from neighbour_of_mine import LEVEL

        @dataclass
        class State:
            level: float

        def on_bar(view):
            return State(LEVEL).level
        """
    )
    code = cli("run", path, "--data", market.root, "--out", tmp_path / "out")
    assert code == 0, cli.err
