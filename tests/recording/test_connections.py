"""Connections beyond this machine are seen; those within it are not."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest

from lgprof.record.connections import is_local, watched_connections


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.8.7",
        "::1",
        "localhost",
        "0.0.0.0",
        "::",
        "",
        "::1%lo",
        "::ffff:127.0.0.1",
    ],
)
def test_this_machine(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    ["10.0.0.5", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fe80::1%eth0", "api.example.com"],
)
def test_beyond_it(host: str) -> None:
    assert not is_local(host)


def connect(host: str, port: int = 9) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp, suppress(OSError):
        udp.connect((host, port))  # of UDP: nothing is sent


def test_only_other_machines_are_noted_and_only_while_watching() -> None:
    connect("192.0.2.1")
    with watched_connections() as seen:
        connect("127.0.0.1")
        connect("192.0.2.2")
        thread = threading.Thread(target=connect, args=("2001:db8::7",))
        thread.start()
        thread.join()
        with watched_connections() as inner:
            connect("192.0.2.3")
    connect("192.0.2.4")
    assert seen >= {"192.0.2.2", "192.0.2.3"}
    assert not seen & {"192.0.2.1", "192.0.2.4", "127.0.0.1"}
    assert inner == {"192.0.2.3"}
