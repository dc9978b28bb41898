"""Requests to this machine, which are not encrypted: loading certificates would take longer than asking."""

import os
import socket
from contextlib import suppress
from functools import partial
from itertools import count, islice

import httpx

LASTING = range(20_000, 30_000)
"""Below the ports that the system deals out to whoever asks for any."""

get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)
request = partial(httpx.request, verify=False)
client = partial(httpx.Client, verify=False)


_mine = count(os.getpid() * 10)


def lasting_port() -> int:
    """A free port that nobody is given while whoever listens there is being started again."""
    for number in islice(_mine, len(LASTING)):
        port = LASTING[number % len(LASTING)]
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no port is free")
