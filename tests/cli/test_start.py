"""Help and imports are quick because nothing heavy is loaded for them."""

import subprocess
import sys
import time
from importlib.metadata import version

import pytest

import backtest
from backtest.cli.main import COMMANDS

HEAVY = ("polars", "pyarrow", "numba", "ccxt", "rich", "numpy")


def loaded_by(program, *arguments):
    """Which heavy packages a program has imported when it ends, and what it printed."""
    code = f"import sys\nheavy = {HEAVY}\ntry:\n    {program}\nexcept SystemExit:\n    pass\n"
    code += "print('loaded:', *[m for m in heavy if m in sys.modules])"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *text, last = done.stdout.splitlines()
    return last.removeprefix("loaded:").split(), "\n".join(text)


MAIN = "from backtest.cli.main import main; main()"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], [], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    loaded, text = loaded_by(MAIN, *arguments)
    assert loaded == []
    if arguments != ["--version"]:
        assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_imports_nothing_heavy(command):
    loaded, text = loaded_by(MAIN, command, "--help")
    assert loaded == []
    assert text.startswith(f"Usage: backtest {command} ")
    assert max(map(len, text.splitlines())) <= 80


def test_help_answers_in_a_moment():
    fastest = 9.0
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", MAIN, "--help"], capture_output=True, check=True)
        fastest = min(fastest, time.perf_counter() - start)
    assert fastest < 0.5  # 0.1 s on a quiet machine


def test_importing_the_package_loads_nothing():
    loaded, _ = loaded_by("import backtest")
    assert loaded == []
    before = "import sys; import backtest; print(*[m for m in sys.modules if 'backtest' in m])"
    command = [sys.executable, "-c", before]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["backtest"]


PUBLIC = [
    *(
        "AddMargin",
        "BacktestError",
        "Cancel",
        "DataError",
        "Legs",
        "Order",
        "Result",
        "ResultError",
    ),
    *(
        "RulebookError",
        "RunConfig",
        "StrategyError",
        "Transfer",
        "UsageError",
        "explain",
        "explain_pool",
    ),
    *("load_venue", "open_result", "resume", "run", "verify", "why"),
]


def test_the_public_names_are_these():
    assert sorted(backtest.__all__) == PUBLIC == dir(backtest)
    for name in PUBLIC:
        assert getattr(backtest, name) is not None


def test_the_version_is_that_of_the_installed_package():
    assert backtest.__version__ == version("liquidation-backtest")


def test_the_package_itself_is_the_command():
    command = [sys.executable, "-m", "backtest", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"backtest, version {backtest.__version__}\n"


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'rum'"):
        _ = backtest.rum


def test_a_module_does_not_hide_the_public_name_it_shares():
    program = "import backtest.run, backtest as bt; assert callable(bt.run); print(bt.run.__name__)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "run"


@pytest.mark.parametrize("flag", ["--wrong", "--levrage"])
def test_an_unknown_flag_is_one_sentence(cli, flag):
    assert cli("run", "x.py", flag, "3") == 2
    assert len(cli.err.splitlines()) == 1
    assert cli.err.startswith("error: No such option")
    assert flag in cli.err


def test_an_unknown_command_gets_a_hint(cli):
    assert cli("rum") == 2
    assert cli.sentence == "unknown command 'rum'; did you mean 'run' or 'resume'?"
