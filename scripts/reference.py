"""Writes the reference pages that are read off the code, and the pins of the public names.

`make reference` rewrites docs/reference/{messages,topics,settings,signals,attacks,key-tables}.md, the vectors of the
key protocol, the table of contents in zensical.toml and tests/house/public_names.json; a house test fails when one of them is out of date.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import key_tables
import key_vectors

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "volant"
REFERENCE = ROOT / "docs" / "reference"
FIRST = ("first-drive", "index", "cli")
SETTINGS = ("Tuning", "Choices", "Settings")
PLAIN: tuple[type[ast.AST], ...] = (
    *(ast.Expression, ast.Constant, ast.Tuple, ast.Load),
    *(ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One annotated field of a class, with the docstring that follows it."""

    name: str
    kind: str
    default: str | None
    words: str

    @property
    def is_setting(self) -> bool:
        """A plain value with a default, and not a part that is handed in."""
        if self.default is None:
            return False
        nodes = list(ast.walk(ast.parse(self.default, mode="eval")))
        if not all(isinstance(node, PLAIN) for node in nodes):
            return False
        value = any(isinstance(node, ast.Constant) and node.value is not None for node in nodes)
        return value or re.search(r"\b(float|int|bool|str)\b", self.kind) is not None


@dataclass(frozen=True, slots=True)
class Described:
    """A class with its docstring and fields; `members` are the names of an enumeration."""

    name: str
    module: str
    words: str
    fields: tuple[Field, ...]
    members: tuple[str, ...]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def fields_of(node: ast.ClassDef) -> Iterator[Field]:
    for place, item in enumerate(node.body):
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        after = node.body[place + 1] if place + 1 < len(node.body) else None
        words = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            words = one_line(str(after.value.value))
        default = ast.unparse(item.value) if item.value else None
        yield Field(item.target.id, ast.unparse(item.annotation), default, words)


def members_of(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        if not isinstance(item, ast.Assign) or not isinstance(item.targets[0], ast.Name):
            continue
        if not item.targets[0].id.startswith("_"):
            yield f"{ast.literal_eval(item.value)}"


def classes(path: Path) -> Iterator[Described]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            is_enum = any("Enum" in ast.unparse(base) for base in node.bases)
            yield Described(
                name=node.name,
                module=dotted(path),
                words=one_line(ast.get_docstring(node)),
                fields=tuple(fields_of(node)),
                members=tuple(members_of(node)) if is_enum else (),
            )


def settings_classes() -> list[Described]:
    """Every struct of tuning or of a driver's choices, in the order of modules."""
    return [
        found
        for path in sorted(PACKAGE.rglob("*.py"))
        for found in classes(path)
        if found.name.endswith(SETTINGS) and any(field.is_setting for field in found.fields)
    ]


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def code(text: str) -> str:
    """Code inside a table; a pipe there needs its escape, which stays inside the backticks."""
    return f"`{cell(text)}`"


def bounded_types(path: Path) -> Iterator[tuple[str, str]]:
    """Aliases such as `Ratio = Annotated[float, Meta(ge=0.0, le=1.0)]`."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            written = ast.unparse(node.value)
            if written.startswith("Annotated["):
                yield node.targets[0].id, written


def messages_page() -> str:
    sources = (PACKAGE / "core" / "messages.py", PACKAGE / "core" / "body.py")
    lines = [
        "# Messages",
        "",
        "What crosses a seam: bus, journal, network. Frozen structs of `volant.core.messages` and",
        "`volant.core.body`;",
        "numbers are SI and end in their unit, positions are in the world frame (ENU) unless said",
        "otherwise. This page is read off the code.",
        "",
        "Bounds are checked when a message is decoded. Types with bounds:",
        "",
        "| type | what it stands for |",
        "|---|---|",
        *(
            f"| `{name}` | {code(written)} |"
            for source in sources
            for name, written in bounded_types(source)
        ),
    ]
    for found in (found for source in sources for found in classes(source)):
        if found.name == "Message":
            continue
        lines += ["", f"## {found.name}", "", found.words]
        if found.members:
            lines += ["", "One of " + ", ".join(f"`{member}`" for member in found.members) + "."]
        if found.fields:
            lines += ["", "| field | type | default | meaning |", "|---|---|---|---|"]
        for field in found.fields:
            default = code(field.default) if field.default is not None else ""
            lines.append(
                f"| `{field.name}` | {code(field.kind)} | {default} | {cell(field.words)} |"
            )
    return "\n".join(lines) + "\n"


def topics_page() -> str:
    from volant.core.topics import TOPICS

    lines = [
        "# Topics",
        "",
        "Every name on the bus. A *state* topic drains to its latest message; an *event* topic keeps",
        "every message and counts what it drops. This page is read off the code.",
        "",
        "| topic | message | kind | period | in the journal | what it carries |",
        "|---|---|---|---|---|---|",
    ]
    for topic in TOPICS:
        period = f"{topic.period_ns / 1e6:g} ms" if topic.period_ns else "when it happens"
        kind = topic.message.__name__
        lines.append(
            f"| `{topic.name}` | [{kind}](messages.md#{kind.lower()}) | {topic.kind.value} "
            f"| {period} | {'yes' if topic.journal else 'no'} | {cell(topic.words)} |"
        )
    return "\n".join(lines) + "\n"


def signals_page() -> str:
    from volant.caros.signals.sinks import SINKS
    from volant.wire.vss import read_catalogues

    folder = ROOT / "cars" / "signals"
    leaves = read_catalogues(sorted(folder.glob("*.toml")))
    moved = sum(leaf.path in SINKS for leaf in leaves)
    lines = [
        "# Signals",
        "",
        f"The {len(leaves)} signals that the car tells, {moved} of which can be moved. Names, types, units and",
        "ranges are those of VSS 6.0; `Vehicle.ADAS.Pilot` is Volant's own. This page is read off",
        "`cars/signals`; [the guide](../guides/signals.md) tells how to use them.",
    ]
    branch = ""
    for leaf in sorted(leaves, key=lambda one: (one.path.split(".")[:3], one.path)):
        above = ".".join(leaf.path.split(".")[:-1][:3])
        if above != branch:
            branch = above
            lines += ["", f"## {branch}", ""]
            lines += [
                "| signal | kind | type | unit | range | moved | meaning |",
                "|---|---|---|---|---|---|---|",
            ]
        words = ", ".join(f"`{one}`" for one in leaf.allowed)
        bounds = (leaf.minimum, leaf.maximum)
        if not words and bounds != (None, None):
            words = " to ".join("" if one is None else f"{one:g}" for one in bounds)
        name = leaf.path.removeprefix(f"{branch}.")
        lines.append(
            f"| `{name}` | {leaf.kind} | `{leaf.datatype}` | {leaf.unit} | {words} "
            f"| {'yes' if leaf.path in SINKS else ''} | {cell(leaf.description)} |"
        )
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "There are three kinds, never mixed. A *spec* tells facts of a car and lives in `cars/*.toml`",
        "(see [Cars](cars.md)). A *choice* is what a driver sets. A *tuning* is a struct beside its",
        "algorithm with its defaults in code. This page lists choices and tunings, read off the code.",
    ]
    for found in settings_classes():
        lines += ["", f"## {found.name}", "", f"`{found.module}`. {found.words}", ""]
        lines += ["| setting | type | default | meaning |", "|---|---|---|---|"]
        for field in found.fields:
            if field.is_setting:
                default = code(field.default or "")
                lines.append(
                    f"| `{field.name}` | {code(field.kind)} | {default} | {cell(field.words)} |"
                )
    return "\n".join(lines) + "\n"


def public_names() -> str:
    names: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("__init__.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(node, ast.AnnAssign):
                target = node.target
            if isinstance(target, ast.Name) and target.id == "__all__":
                value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
                assert value is not None
                names[dotted(path.parent)] = sorted(ast.literal_eval(value))
    return json.dumps(names, indent=2) + "\n"


def title(page: Path) -> str:
    """The page's own first headline."""
    first = page.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.removeprefix("# ").replace('"', "'").replace("`", "")


def table_of_contents(written: dict[Path, str]) -> str:
    """zensical.toml with every page that there is; guides first, then reference and decisions."""
    docs = ROOT / "docs"
    lines = ["nav = [", '  { "Volant" = "index.md" },']
    for folder, name in (("guides", "Guides"), ("reference", "Reference"), ("adr", "Decisions")):
        found = {path for path in (*docs.glob(f"{folder}/*.md"), *written) if path.suffix == ".md"}
        inside = [path for path in found if path.parent == docs / folder]
        lines.append(f'  {{ "{name}" = [')
        for page in sorted(inside, key=lambda path: (path.stem not in FIRST, path.name)):
            headline = written[page].split("\n", 1)[0][2:] if page in written else title(page)
            lines.append(f'    {{ "{headline}" = "{folder}/{page.name}" }},')
        lines.append("  ] },")
    config = ROOT / "zensical.toml"
    before, _, rest = config.read_text(encoding="utf-8").partition("nav = [\n")
    return before + "\n".join(lines) + "\n]\n" + rest.partition("\n]\n")[2]


def attacks_page() -> str:
    from volant.trust.attacks.table import page

    return page()


def pages() -> dict[Path, str]:
    """Every file that is read off the code, with what it should hold now."""
    written = {
        REFERENCE / "messages.md": messages_page(),
        REFERENCE / "topics.md": topics_page(),
        REFERENCE / "settings.md": settings_page(),
        REFERENCE / "signals.md": signals_page(),
        REFERENCE / "attacks.md": attacks_page(),
        REFERENCE / "key-tables.md": key_tables.page(),
    }
    return {
        **written,
        REFERENCE / "key-vectors.json": key_vectors.text(),
        ROOT / "web" / "kit" / "key" / "tables.gen.ts": key_tables.typescript(),
        ROOT / "zensical.toml": table_of_contents(written),
        ROOT / "tests" / "house" / "public_names.json": public_names(),
    }


def main() -> int:
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"reference: wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
