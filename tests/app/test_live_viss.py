"""The live car's door for clients of VISS: it listens before anything starts."""

import socket

import pytest

from volant.app.live_viss import VissWish, open_viss
from volant.core.errors import InputError


def test_the_door_listens_on_loopback_alone() -> None:
    door = open_viss(VissWish(0, ("http://127.0.0.1:8000",)))
    with door.listener:
        assert door.listener.getsockname() == ("127.0.0.1", door.port)
        with socket.create_connection(("127.0.0.1", door.port), 5.0):
            pass
        with open_viss(VissWish(door.port)).listener as next_one:
            assert next_one.getsockname()[1] > door.port


@pytest.mark.parametrize("origin", ["*", "127.0.0.1", "http://a b", "http://a/path", "null", ""])
def test_an_origin_is_one(origin) -> None:
    with pytest.raises(InputError, match="is no origin"):
        open_viss(VissWish(0, (origin,)))
    with pytest.raises(InputError, match="origins"):
        open_viss(VissWish(0, ("http://a",) * 33))
