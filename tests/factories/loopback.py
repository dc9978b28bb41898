"""Requests to this machine, which are not encrypted: loading certificates would take longer than asking."""

from functools import partial

import httpx

get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)
request = partial(httpx.request, verify=False)
client = partial(httpx.Client, verify=False)
