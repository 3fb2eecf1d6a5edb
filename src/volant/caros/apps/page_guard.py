"""What no header of today's browsers forbids a page: calls by WebRTC. Pure: bytes in, bytes out.

A sandbox and a Content-Security-Policy do not stop a page from sending UDP and TCP by `RTCPeerConnection`
(Chromium knows no directive for it), so each HTML file is served with a script before its first word that takes it
away. That holds because scripts run in HTML files alone: other files are served with `script-src 'none'`,
and a frame within the page has an origin of its own, so the page cannot take what that one has.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from volant.core.errors import InputError

SCRIPT: Final = (
    "for(const name of Object.getOwnPropertyNames(globalThis))"
    "if(/^(webkit)?RTC/.test(name))delete globalThis[name];"
)
HASH: Final = f"'sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"
"""For `script-src`."""
_TAG: Final = f"<script>{SCRIPT}</script>".encode()
_DOCTYPE: Final = b"<!doctype html>"
HTML_TYPE: Final = "text/html; charset=utf-8"
"""With this and without a byte order mark a browser reads what we read."""


def guarded(html: bytes) -> bytes:
    """An HTML file with the script before all that is its own.

    Raises:
        InputError: it is not UTF-8, or has a byte order mark.
    """
    try:
        text = html.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("the page is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise InputError("the page begins with a byte order mark")
    at = len(_DOCTYPE) if html[: len(_DOCTYPE)].lower() == _DOCTYPE else 0
    return html[:at] + _TAG + html[at:]
