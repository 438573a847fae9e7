"""Sees where a graph connects to: beyond this machine may be a provider that costs money."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_watching: list[set[str]] = []
_is_hooked = False


@contextmanager
def watched_connections() -> Iterator[set[str]]:
    """Addresses beyond this machine that Python code connects to until the context ends.

    It reads Python's audit events (PEP 578). Their hook cannot be taken away again, but does
    nothing outside the context.
    """
    global _is_hooked
    if not _is_hooked:
        sys.addaudithook(_audit)
        _is_hooked = True
    seen: set[str] = set()
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching or event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and address and not is_local(str(address[0])):
        for seen in _watching:
            seen.add(str(address[0]))


def is_local(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in ("", "localhost")
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)
