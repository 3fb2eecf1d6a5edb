"""The one error tree of Volant.

VolantError
├── InputError      bytes or a file from outside are wrong (what was found, what was expected, where)
├── TrustError      not signed, too old, rolled back
├── RefusedError    not allowed in this state
├── LinkError       network, time-out
└── SettingsError   a setting is unknown or out of range

Misuse by our own code is ValueError or RuntimeError and is not caught. Inside the driving loop
nothing is raised across a tick: bad input is data there.
"""

from __future__ import annotations


class VolantError(Exception):
    """Root of every error that a user of Volant can cause or must be told about."""


class InputError(VolantError):
    """Bytes or a file from outside are wrong; `str()` gives `file:line: where: message`."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        where: str | None = None,
    ) -> None:
        self.message, self.file, self.line, self.where = message, file, line, where
        place = f"{file}:{line}" if file and line is not None else file
        super().__init__(": ".join(part for part in (place, where, message) if part))


class TrustError(VolantError):
    """Something is not signed, too old or rolled back."""


class RefusedError(VolantError):
    """The action is not allowed in the present state."""


class LinkError(VolantError):
    """A network or a peer failed or did not answer in time."""


class SettingsError(VolantError):
    """A setting is unknown or its value is out of range."""
