"""Where the files of the signal tree are: the car's own catalogue, and releases that a user imported."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from volant.app.folders import data_folder
from volant.core.errors import InputError
from volant.core.settings import nearest, search_folders
from volant.wire.vss import Catalogue, read_catalogue, read_catalogues

FIRST: Final = "vss.toml"


def own_catalogue() -> Catalogue:
    """The signals that the car has: `cars/signals/*.toml`, found as `cars/network` is.

    Raises:
        InputError: there is none, or a file is wrong.
    """
    for folder in search_folders("cars", data_folder()):
        place = folder / "signals"
        if (place / FIRST).is_file():
            rest = sorted(path for path in place.glob("*.toml") if path.name != FIRST)
            return read_catalogues([place / FIRST, *rest])
    raise InputError(f"no cars/signals/{FIRST} in the folders of cars")


def imported_folder() -> Path:
    """Where imported releases are kept."""
    return data_folder() / "signals"


def whole_catalogue() -> tuple[Catalogue, frozenset[str]]:
    """All signals with imported ones behind, and the paths that the car itself has.

    Raises:
        InputError: a file is wrong, or an import contradicts the car's own tree.
    """
    own = own_catalogue()
    paths = frozenset(leaf.path for leaf in own)
    whole = own
    folder = imported_folder()
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            whole = whole.merged(read_catalogue(file))
        except InputError as error:
            raise InputError(error.message, file=str(file), where=error.where) from error
    return whole, paths


def unknown_signal(catalogue: Catalogue, path: str) -> str:
    """Says that there is no such signal or branch, with the nearest ones."""
    known = [leaf.path for leaf in catalogue] + list(catalogue.branches)
    return f"no signal {path!r}; nearest: {', '.join(nearest(path, known))}"


def import_release(file: Path) -> tuple[int, int, Path]:
    """Keep a release for `volant up`; gives how many signals it has, how many are new, and where it is.

    Raises:
        InputError: it is no release, or contradicts the car's own tree.
    """
    release = read_catalogue(file)
    own = own_catalogue()
    merged = own.merged(release)
    folder = imported_folder()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{file.stem}.json"
    draft = kept.with_suffix(".part")
    draft.write_bytes(file.read_bytes())
    draft.replace(kept)
    return len(release), len(merged) - len(own), kept
