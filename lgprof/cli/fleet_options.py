"""Where master and workers meet: the options of a load test on several machines."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from lgprof.errors import UsageError
from lgprof.load.options import DEFAULT_PORT, FleetOptions

_OF_A_WORKER = ("target", "worker", "master_host", "master_port", "quiet", "verbose")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+)(?::(\d{1,5}))?")


def read_fleet_options(typed: Mapping[str, Any], given: Mapping[str, str]) -> FleetOptions:
    """The options of a master, or of a test on this machine alone.

    Args:
        typed: Values by parameter.
        given: Parameters given on the command line, each with the name of its option.

    Raises:
        UsageError: Options that do not go together, or an address that is none.
    """
    _refuse_without(given, "worker", ("master_host", "master_port"), "add --worker")
    if not typed["master"]:
        hint = "add --master, or leave it out: the workers then run on this machine"
        _refuse_without(given, "master", ("bind", "expect_workers"), hint)
        return FleetOptions(ui=typed["ui"])
    if "workers" in given:
        raise UsageError(
            "--master and --workers exclude each other",
            hint="--expect-workers N says how many come from other machines",
        )
    if typed["expect_workers"] is None:
        raise UsageError("--master without --expect-workers", hint="add --expect-workers 2")
    host, port = _address("--bind", typed["bind"] or FleetOptions().host)
    return FleetOptions(host, port or DEFAULT_PORT, typed["expect_workers"], typed["ui"])


def read_master_address(typed: Mapping[str, Any], given: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of a worker's master.

    Args:
        typed: Values by parameter.
        given: Parameters given on the command line, each with the name of its option.

    Raises:
        UsageError: Options that a worker does not take, or an address that is none.
    """
    if "master" in given:
        raise UsageError("--master and --worker exclude each other", hint="start two processes")
    for name, option in given.items():
        if name not in _OF_A_WORKER:
            raise UsageError(
                f"{option} with --worker: a worker takes its plan from the master",
                hint=f"give {option} to the master",
            )
    if not typed["master_host"]:
        raise UsageError("--worker without --master-host", hint="add --master-host 10.0.0.5")
    host, port = _address("--master-host", typed["master_host"])
    if port is not None and "master_port" in given:
        raise UsageError("--master-host has a port already", hint="leave out --master-port")
    return host, port or typed["master_port"] or DEFAULT_PORT


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it; False for a name other than ``localhost``."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_without(
    given: Mapping[str, str], needed: str, names: tuple[str, ...], hint: str
) -> None:
    for name in names:
        if name in given:
            raise UsageError(f"{given[name]} without --{needed}", hint=hint)


def _address(option: str, text: str) -> tuple[str, int | None]:
    match = _ADDRESS.fullmatch(text)
    port = int(match[2]) if match and match[2] else None
    if match is None or (port is not None and not 1 <= port <= 65535):
        raise UsageError(
            f"{option}: {text!r} is no address",
            hint=f"write HOST or HOST:PORT, such as 10.0.0.5:{DEFAULT_PORT}",
        )
    return match[1], port
