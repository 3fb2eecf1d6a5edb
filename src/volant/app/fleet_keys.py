"""The keys with which a fleet's server signs for cars that speak Uptane: `FLEET/uptane/keys`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from securesystemslib.signer import Signer

from volant.app import repo_keys
from volant.cloud.uptane.authority import Authority
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TOP_LEVEL

FOLDER: Final = "uptane/keys"
TIME: Final = "time"
NEW: Final = ".new"
"""End of the name of a key that comes into force with a root that is not published yet."""


@dataclass
class FleetKeys:
    """The keys in a fleet's folder; read anew when one comes or goes. Called, it gives those that are here."""

    fleet: Path
    _read_ns: int = -1
    _found: Authority | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """Where they lie."""
        return self.fleet / FOLDER

    def __call__(self) -> Authority | None:
        """Who can sign here; None: nobody, so there is no Uptane in this fleet."""
        try:
            changed_ns = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if changed_ns != self._read_ns:
            self._found, self._read_ns = self._read(), changed_ns
        return self._found

    def _read(self) -> Authority:
        def signers(name: str) -> dict[str, list[Signer]]:
            found = {role: repo_keys.signers(self.path, f"{name}-{role}") for role in TOP_LEVEL}
            for role, some in found.items():
                files = sorted(self.path.glob(f"{name}-{role}.*{NEW}"))
                some += [repo_keys.read_signer(one) for one in files]
            return {role: some for role, some in found.items() if some}

        return Authority(signers(DIRECTOR), signers(IMAGE), repo_keys.soft_key(self.path, TIME))
