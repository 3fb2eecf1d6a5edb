"""A phone in Python: the client side of the key, for tests, demonstrations and scripts.

Bluetooth needs the extra `ble` (bumble); nothing here imports it before a radio is opened.
"""

from volant.phone.key import Line, fast, standard

__all__ = ["Line", "fast", "standard"]
