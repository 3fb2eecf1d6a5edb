"""Every setting, topic, message, command and option has its place in the documentation."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import reference
from tests.house.source_tree import REPO

DOCS = REPO / "docs"


@pytest.mark.parametrize("page", sorted(reference.pages()), ids=lambda page: page.name)
def test_what_is_read_off_the_code_is_fresh(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == reference.pages()[page], "call: make reference"


@pytest.mark.parametrize("found", reference.settings_classes(), ids=lambda found: found.name)
def test_a_setting_says_its_unit_and_its_reason(found: reference.Described) -> None:
    silent = [field.name for field in found.fields if field.is_setting and not field.words]
    assert silent == [], f"{found.module}: a docstring goes below each field of {found.name}"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command of `volant` with its full name, such as `journal info`.

    Newer typer carries a click of its own, so groups and options are told by what they have.
    """
    import typer.main

    from volant.app.cli import app

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if command.hidden:
            return
        if hasattr(command, "commands"):
            for word, inner in sorted(command.commands.items()):
                yield from walk(f"{name} {word}".strip(), inner)
        else:
            yield name, command

    yield from walk("", typer.main.get_command(app))


def test_every_command_and_option_is_documented() -> None:
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert "drive" in {name for name, _ in commands()}
    missing = []
    for name, command in commands():
        if f"volant {name}" not in page:
            missing.append(f"volant {name}")
        missing += [
            f"volant {name} {option}"
            for parameter in command.params
            if parameter.param_type_name == "option" and not parameter.hidden
            for option in parameter.opts
            if option.startswith("--") and option != "--help" and f"`{option}" not in page
        ]
    assert missing == []


def test_every_command_says_what_it_does_in_a_line() -> None:
    assert [name for name, command in commands() if not command.help] == []


def test_the_page_of_commands_names_no_command_that_is_gone() -> None:
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    known = {name for name, _ in commands()}
    titles = re.findall(r"^#+ `?volant ([a-z ]+[a-z])", page, re.MULTILINE)
    assert [
        title
        for title in titles
        if not any(
            f"{name} ".startswith(f"{title} ") or f"{title} ".startswith(f"{name} ")
            for name in known
        )
    ] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = []
    for page in [*DOCS.rglob("*.md"), *REPO.glob("*.md")]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path = target.split("#")[0]
            inside = path and "://" not in target and not target.startswith("mailto:")
            if inside and not (page.parent / path).exists():
                broken.append(f"{page.relative_to(REPO)}: {target}")
    assert broken == []
