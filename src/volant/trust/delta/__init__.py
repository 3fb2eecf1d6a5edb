"""Deltas between images: one segmented container, made in linear time, applied as its bytes come.

No files, no sockets, no clock. Making needs numpy and compiled kernels, so it is imported from
`volant.trust.delta.make` by whoever makes deltas, and never by what applies them.
"""

from volant.trust.delta.applying import Applying, Piece, apply_delta
from volant.trust.delta.container import Codec, Header, Range, Segment, read_header

__all__ = ["Applying", "Codec", "Header", "Piece", "Range", "Segment", "apply_delta", "read_header"]
