"""A store that speaks S3 (moto's server) in a process of its own, on a free port, with one bucket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from tests.cloud.live import free_port, process, until

BUCKET: Final = "volant"
KEYS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""What its clients find in their environment."""


@contextmanager
def bucket() -> Iterator[int]:
    """Its port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with process(command):
        until(lambda: _made(port))
        yield port


def settings(port: int, prefix: str = "fleet") -> str:
    """What `fleet.toml` says of it."""
    where = f'url = "s3://{BUCKET}/{prefix}"\nendpoint = "http://127.0.0.1:{port}"'
    return f'[artifacts]\n{where}\nregion = "us-east-1"\n'


def _made(port: int) -> bool:
    try:
        return httpx.put(f"http://127.0.0.1:{port}/{BUCKET}").status_code == 200
    except httpx.TransportError:
        return False
