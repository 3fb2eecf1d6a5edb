"""What our source may not hold, because it would break reproducibility or leak a workplace.

Each rule carries an example that breaks it, so that no rule can go blind unseen.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.source_tree import PACKAGE, REPO, modules, parse, tracked_files, where

LOOP = ("core", "road", "pilot", "safety", "vehicle", "sim")
# NumPy's vectorised versions change their last bits with the CPU's vector width (docs/adr/0004).
VECTOR_MATH = {
    "tan", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "arctan", "arctan2", "arcsin",
    "arccos", "sin", "cos", "sinh", "cosh", "tanh", "power", "float_power", "cbrt", "hypot",
}  # fmt: skip
CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "now"}


def dotted_name(node: ast.AST) -> str:
    """`np.random.rand` as written, or nothing for anything but names and attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return ""


def imported(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node, name.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for name in node.names:
                yield node, f"{node.module}.{name.name}"


def uses(tree: ast.AST, matches: Callable[[str], bool]) -> Iterator[ast.AST]:
    """Dotted names in code, and the same names imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and matches(dotted_name(node)):
            yield node
    for node, name in imported(tree):
        if matches(name):
            yield node


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def unsafe_compilation(tree: ast.AST) -> Iterator[ast.AST]:
    for call in calls(tree):
        if any(keyword.arg in ("fastmath", "parallel") for keyword in call.keywords):
            yield call
    yield from uses(tree, lambda name: name.split(".")[-1] == "prange")


def numba(tree: ast.AST) -> Iterator[ast.AST]:
    return (node for node, name in imported(tree) if name.split(".")[0] == "numba")


def vector_math(tree: ast.AST) -> Iterator[ast.AST]:
    wanted = {f"{np}.{name}" for np in ("np", "numpy") for name in VECTOR_MATH}
    return uses(tree, lambda name: name in wanted)


def foreign_chance(tree: ast.AST) -> Iterator[ast.AST]:
    pattern = re.compile(r"(np|numpy)\.random\b|random$|random\.\w+$")
    return uses(tree, lambda name: pattern.match(name) is not None)


def unrepeatable_chance(tree: ast.AST) -> Iterator[ast.AST]:
    """Good for the cockpit's token, never for the loop."""
    pattern = re.compile(r"secrets\b|uuid\b|os\.urandom$")
    return uses(tree, lambda name: pattern.match(name) is not None)


def clock(tree: ast.AST) -> Iterator[ast.AST]:
    wanted = {f"{owner}.{name}" for owner in ("time", "datetime", "date") for name in CLOCKS}
    wanted |= {f"datetime.{name}" for name in wanted}
    return uses(tree, lambda name: name in wanted)


def string_hash(tree: ast.AST) -> Iterator[ast.AST]:
    return (call for call in calls(tree) if dotted_name(call.func) == "hash")


def environment(tree: ast.AST) -> Iterator[ast.AST]:
    return uses(tree, lambda name: name in ("os.environ", "os.getenv", "os.environb"))


def silence(tree: ast.AST) -> Iterator[ast.AST]:
    if isinstance(tree, ast.Module) and not ast.get_docstring(tree):
        yield tree


@dataclass(frozen=True)
class Rule:
    """One thing that our source does not do."""

    name: str
    find: Callable[[ast.AST], Iterator[ast.AST]]
    broken_by: str
    rooms: tuple[str, ...] = ()
    except_for: Callable[[Path], bool] = lambda _: False


def is_kernel_file(path: Path) -> bool:
    return path.name.endswith("kernels.py")


RULES = [
    Rule("no fast math, no parallel loops", unsafe_compilation, "k = njit(fastmath=True)"),
    # The cache is keyed by the files named *kernels.py: a kernel elsewhere would go stale.
    Rule("numba in kernel files only", numba, "from numba import njit", except_for=is_kernel_file),
    Rule("guard and AEB are never compiled", numba, "import numba", ("safety",)),
    Rule("no vectorised transcendentals", vector_math, "np.sin(yaw)", LOOP, is_kernel_file),
    Rule("chance from core.chance only", foreign_chance, "np.random.default_rng(1)"),
    Rule("chance from core.chance only, imports", foreign_chance, "from random import choice"),
    Rule("no unrepeatable chance in the loop", unrepeatable_chance, "import secrets", LOOP),
    Rule("the loop asks no clock", clock, "now = time.monotonic_ns()", LOOP),
    Rule("the loop asks no clock, imports", clock, "from time import monotonic", LOOP),
    # hash() of a string differs from one run to the next.
    Rule("no order by hash", string_hash, "key = hash(name)", LOOP),
    Rule(
        "the environment is read in app only",
        environment,
        "folder = os.environ['HOME']",
        except_for=lambda path: path.is_relative_to(PACKAGE / "app"),
    ),
    Rule("a module says what it is for", silence, "gap_m = 1.0"),
]
NAMES = [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_our_source_keeps_the_rule(rule: Rule) -> None:
    found = [
        where(path, node)
        for path in modules(*rule.rooms)
        if not rule.except_for(path)
        for node in rule.find(parse(path))
    ]
    assert found == []


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_the_rule_finds_what_breaks_it(rule: Rule) -> None:
    assert list(rule.find(ast.parse(rule.broken_by)))


# Written in two halves, so that this file does not hold what it looks for.
HOSTS = (
    "pypi" + ".org", "pythonhosted" + ".org", "registry.npm" + "js", "npm" + "mirror",
    "deb.debian" + ".org", "archive.ubuntu" + ".com", "static.crates" + ".io",
)  # fmt: skip
MACHINE_PATHS = ("/wo" + "rk/", "/ro" + "ot/", "/opt/wh" + "eels", "/home" + "/", "/Use" + "rs/")
TEXT = {
    ".py", ".toml", ".md", ".txt", ".json", ".ts", ".js", ".css", ".html", ".sh", ".cfg", ".yml",
    ".yaml", ".xodr", ".xosc", ".csv", "", ".svg",
}  # fmt: skip


def lines_with(pattern: str) -> list[str]:
    """Where tracked text matches."""
    wanted = re.compile(pattern)
    return [
        where(path, number)
        for path in tracked_files()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wanted.search(line)
    ]


@pytest.mark.parametrize("words", [HOSTS, MACHINE_PATHS], ids=["package hosts", "machine paths"])
def test_no_tracked_file_names_a_package_host_or_a_machine(words: tuple[str, ...]) -> None:
    assert lines_with("|".join(rf"(?<!\w){re.escape(word)}" for word in words)) == []


def test_a_todo_carries_its_issue_number() -> None:
    words = [f"{half}{other}" for half, other in (("TO", "DO"), ("FIX", "ME"))]
    found = lines_with(rf"\b({'|'.join(words)})\b(?!\(#\d+\))")
    assert [place for place in found if not place.startswith("CONTRIBUTING.md")] == []


def test_nothing_built_is_tracked() -> None:
    built = [
        name
        for path in tracked_files()
        if {"node_modules", "static", "__pycache__"} & set(path.relative_to(REPO).parts)
        or path.suffix in (".nbi", ".nbc", ".pyc", ".whl", ".part")
        for name in [path.relative_to(REPO).as_posix()]
    ]
    assert built == []
