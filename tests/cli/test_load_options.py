"""What `lgprof load` makes of its options: exact values, conflicts, and which source wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lgprof.cli.fleet_options import is_loopback, read_fleet_options, read_master_address
from lgprof.cli.load_options import is_strict, read_load_options
from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.load.options import FleetOptions, LoadOptions

HERE = Path("here")
FILE = Path("there/pyproject.toml")


def read(
    typed: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    env: dict[str, Any] | None = None,
) -> LoadOptions:
    """The options of what was typed, set in variables and written in the settings."""
    variables = {name: f"LGPROF_{name.upper()}" for name in env or {}}
    found = Settings(options=settings or {}, file=FILE)
    return read_load_options({**(env or {}), **(typed or {})}, found, HERE, variables)


def refused(*sources: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(UsageError) as raised:
        read(*sources)
    return raised.value.message, raised.value.hint or ""


def test_defaults_are_those_of_the_options() -> None:
    assert read() == LoadOptions()


VALUES: dict[str, tuple[Any, str, Any]] = {
    "rps": (0.5, "rps", 0.5),
    "duration": ("2m", "duration_s", 120.0),
    "requests": (7, "requests", 7),
    "stages": ("10:30s, 50.5:1m,0:500ms", "stages", ((10, 30.0), (50.5, 60.0), (0, 0.5))),
    "arrivals": ("poisson", "arrivals", "poisson"),
    "seed": (-3, "seed", -3),
    "users": (20, "users", 20),
    "warmup": ("0", "warmup_s", 0.0),
    "workers": ("3", "workers", 3),
    "max_concurrent": ("1", "max_concurrent", 1),
    "max_in_flight": (1, "max_in_flight", 1),
    "keep": (0, "keep", 0),
    "tolerate_worker_loss": (True, "tolerate_worker_loss", True),
}


@pytest.mark.parametrize("name", VALUES)
def test_value_typed(name: str) -> None:
    value, field, expected = VALUES[name]
    assert getattr(read({name: value}), field) == expected


@pytest.mark.parametrize("name", VALUES)
def test_value_of_the_settings(name: str) -> None:
    value, field, expected = VALUES[name]
    assert getattr(read(settings={name: value}), field) == expected


def test_values_that_go_with_another_one() -> None:
    assert read({"think": "0s", "users": 1}).think_s == 0.0
    assert read({"think": "1500ms", "users": 1}).think_s == 1.5
    assert read({"ramp": "0", "stages": "1:9s"}).ramp_s == 0.0
    assert read({"requests": 5, "users": 2}).requests == 5
    assert read({"duration": "1m", "users": 2, "warmup": "1s"}).duration_s == 60.0


def test_auto_wins_over_a_number_farther_away() -> None:
    settings = {"workers": 4, "max_concurrent": 9}
    made = read({"workers": "auto"}, settings, {"max_concurrent": "auto"})
    assert (made.workers, made.max_concurrent) == (None, None)


def test_forms_of_settings() -> None:
    made = read(
        settings={
            "stages": ["10:30", "20:1m"],
            "warmup": 2,
            "workers": 2,
            "abort_on": ["p99>2s", "dropped>0"],
        }
    )
    assert made.stages == ((10.0, 30.0), (20.0, 60.0))
    assert (made.warmup_s, made.workers) == (2.0, 2)
    assert [(rule.metric, rule.condition.limit) for rule in made.abort_on] == [
        ("p99", 2.0),
        ("dropped", 0.0),
    ]
    [rule] = read(settings={"abort_on": "error_rate>20%"}).abort_on
    assert (rule.text, rule.condition.limit) == ("error_rate>20%", 0.2)


def test_abort_conditions_typed() -> None:
    made = read({"abort_on": ["error_rate>20%", "p99 >= 250ms"]})
    assert [
        (rule.metric, rule.condition.comparison, rule.condition.limit) for rule in made.abort_on
    ] == [
        ("error_rate", ">", 0.2),
        ("p99", ">=", 0.25),
    ]
    assert read({"abort_on": []}).abort_on == ()


def test_request_options_are_those_of_run() -> None:
    typed = {"timeout": "2s", "mode": "sync", "context": '{"a": 1}', "resume": ["yes", "2"]}
    request = read(typed, {"recursion_limit": 9, "timeout": "9s"}).request
    assert (request.timeout_s, request.mode, request.recursion_limit) == (2.0, "sync", 9)
    assert (request.context, request.resumes) == ({"a": 1}, ["yes", 2])
    assert request.failed_when is None


# --- which source wins -------------------------------------------------------------------------


def test_command_line_wins_over_environment_over_settings() -> None:
    settings = {"rps": 1, "warmup": "1s", "keep": 1, "timeout": "1s"}
    env = {"rps": 2.0, "warmup": "2s", "keep": 2}
    made = read({"rps": 3.0, "warmup": "3s"}, settings, env)
    assert (made.rps, made.warmup_s, made.keep, made.request.timeout_s) == (3.0, 3.0, 2, 1.0)


@pytest.mark.parametrize(
    ("typed", "settings", "expected"),
    [
        ({"rps": 5.0}, {"stages": "9:9s"}, LoadOptions(rps=5.0)),
        ({"duration": "1s"}, {"stages": "9:9s"}, LoadOptions(duration_s=1.0)),
        ({"requests": 4}, {"duration": "9s"}, LoadOptions(requests=4)),
        ({"duration": "4s"}, {"requests": 9}, LoadOptions(duration_s=4.0)),
        ({"stages": "5:4s"}, {"rps": 9, "duration": "9s"}, LoadOptions(stages=((5.0, 4.0),))),
        ({"stages": "5:4s"}, {"requests": 9}, LoadOptions(stages=((5.0, 4.0),))),
        ({"users": 3}, {"stages": "9:9s"}, LoadOptions(users=3)),
        ({"users": 3}, {"rps": 9, "arrivals": "poisson"}, LoadOptions(users=3)),
        ({"rps": 5.0}, {"users": 3, "think": "1s"}, LoadOptions(rps=5.0, think_s=1.0)),
        ({"users": 3}, {"rps": 9, "stages": "9:9s"}, LoadOptions(users=3)),
    ],
)
def test_an_option_displaces_what_it_excludes_farther_away(
    typed: dict[str, Any], settings: dict[str, Any], expected: LoadOptions
) -> None:
    assert read(typed, settings) == expected
    assert read(env=typed, settings=settings) == expected


def test_what_is_displaced_displaces_nothing() -> None:
    """The stages of the environment would put the settings' duration out of force."""
    made = read({"rps": 5.0}, {"duration": "7s"}, {"stages": "9:9s"})
    assert made == LoadOptions(rps=5.0, duration_s=7.0)


def test_strict_comes_from_anywhere() -> None:
    assert not is_strict({}, Settings())
    assert is_strict({"strict": True}, Settings())
    assert is_strict({"strict": None}, Settings(options={"strict": True}))
    assert not is_strict({"strict": False}, Settings(options={"strict": True}))


# --- what is refused ---------------------------------------------------------------------------

EXCLUSIVE = {
    ("rps", "stages"): (5.0, "9:9s", "own rate"),
    ("duration", "stages"): ("5s", "9:9s", "own duration"),
    ("requests", "stages"): (5, "9:9s", "how long"),
    ("duration", "requests"): ("5s", 5, "a time or"),
    ("rps", "users"): (5.0, 5, "closed model"),
    ("stages", "users"): ("9:9s", 5, "closed model"),
    ("arrivals", "users"): ("poisson", 5, "closed model"),
}


@pytest.mark.parametrize("names", EXCLUSIVE)
def test_options_that_exclude_each_other(names: tuple[str, str]) -> None:
    *values, why = EXCLUSIVE[names]
    both = dict(zip(names, values, strict=True))
    for given in (both, dict(reversed(both.items()))):
        message, hint = refused(given)
        assert {f"--{name}" for name in names} <= set(message.split())
        assert message.endswith(" exclude each other")
        assert why in hint
    message, hint = refused({}, {}, both)
    assert all(f"LGPROF_{name.upper()}" in message for name in names)
    message, hint = refused({}, both)
    assert message.startswith(f"{FILE}: ")
    assert message.count(str(FILE)) == 1
    assert all(name in message for name in names)


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no rate": ({"rps": 0.0}, "--rps: 0 is no rate", "above 0"),
    "negative rate": ({"rps": -1.0}, "--rps: -1 is no rate", "above 0"),
    "endless rate": ({"rps": float("inf")}, "--rps: inf is no rate", "above 0"),
    "rate of nothing": ({"rps": float("nan")}, "--rps: nan is no rate", "above 0"),
    "too high a rate": ({"rps": 1e300}, "--rps: 1e+300 is no rate", "up to 1000000"),
    "endless": ({"duration": "9" * 400}, "is no duration", "30s"),
    "stage's high rate": ({"stages": "9999999:5s"}, "'9999999:5s' is no stage", "RATE:"),
    "duration": ({"duration": "soon"}, "--duration: 'soon' is no duration", "30s"),
    "no time": ({"duration": "0s"}, "--duration: '0s' is no duration", "30s"),
    "warm-up": ({"warmup": "-1s"}, "--warmup: '-1s' is no duration", "30s"),
    "think": ({"users": 1, "think": "x"}, "--think: 'x' is no duration", "30s"),
    "ramp": ({"stages": "1:9s", "ramp": "5x"}, "--ramp: '5x' is no duration", "30s"),
    "requests": ({"requests": 0}, "--requests: 0 is less than 1", ""),
    "users": ({"users": 0}, "--users: 0 is less than 1", ""),
    "in flight": ({"max_in_flight": 0}, "--max-in-flight: 0 is less than 1", ""),
    "keep": ({"keep": -1}, "--keep: -1 is less than 0", ""),
    "workers": ({"workers": "0"}, "--workers: '0' is neither auto nor", "auto or 4"),
    "half a worker": ({"workers": "1.5"}, "--workers: '1.5' is neither auto nor", "auto or 4"),
    "concurrent": ({"max_concurrent": "all"}, "--max-concurrent: 'all' is neither", "auto or 4"),
    "arrivals": ({"arrivals": "bursts"}, "--arrivals: 'bursts' is no kind of", "poisson"),
    "stage": ({"stages": "10"}, "--stages: '10' is no stage", "RATE:DURATION"),
    "empty stage": ({"stages": "10:5s,"}, "--stages: '' is no stage", "RATE:DURATION"),
    "stage's rate": ({"stages": "x:5s"}, "--stages: 'x:5s' is no stage", "RATE:DURATION"),
    "negative stage": ({"stages": "-1:5s"}, "--stages: '-1:5s' is no stage", "RATE:DURATION"),
    "stage's time": ({"stages": "10:0s"}, "--stages: '0s' is no duration", "30s"),
    "nothing": ({"stages": "0:5s"}, "no request would arrive", "--rps"),
    "too few": ({"rps": 0.01, "duration": "9s"}, "no request would arrive", "--duration"),
    "abort": ({"abort_on": ["p42>1"]}, "--abort-on 'p42>1': no metric 'p42'", "error_rate"),
    "think alone": ({"think": "1s"}, "--think without --users", "add --users"),
    "ramp alone": ({"ramp": "1s"}, "--ramp without --stages", "add --stages"),
    "mode": ({"mode": "fast"}, "--mode: 'fast' is no mode", "async"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_value(case: str) -> None:
    typed, said, advice = WRONG[case]
    message, hint = refused(typed)
    assert said in message
    assert advice in hint


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rps": 0}, "rps: 0 is no rate"),
        ({"warmup": "x"}, "warmup: 'x' is no duration"),
        ({"workers": 0}, "workers: 0 is neither auto nor a number"),
        ({"stages": [[1, 2]]}, "stages: [1, 2] is no stage"),
        ({"abort_on": "p42>1"}, "abort_on: 'p42>1': no metric"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(settings: dict[str, Any], said: str) -> None:
    assert refused({}, settings)[0].startswith(f"{FILE}: {said}")


def test_needless_settings_are_no_error() -> None:
    """They are ready for the day when the other one is typed."""
    assert read(settings={"think": "1s", "ramp": "1s"}) == LoadOptions(think_s=1.0, ramp_s=1.0)


# --- several machines --------------------------------------------------------------------------


def fleet_of(**typed: Any) -> FleetOptions:
    names = ("bind", "expect_workers", "master_host", "master_port", "workers")
    values = {"master": False, "ui": False, **dict.fromkeys(names), **typed}
    return read_fleet_options(values, options(typed))


def master_of(**typed: Any) -> tuple[str, int]:
    values = {"master_host": None, "master_port": None, "worker": True, **typed}
    return read_master_address(values, options({"worker": True, **typed}))


def options(typed: dict[str, Any]) -> dict[str, str]:
    return {name: f"--{name.replace('_', '-')}" for name in typed}


def test_one_machine() -> None:
    assert fleet_of() == FleetOptions(host="127.0.0.1", port=None, expect_workers=None, ui=False)
    assert fleet_of(ui=True).ui


@pytest.mark.parametrize(
    ("bind", "host", "port"),
    [
        (None, "127.0.0.1", 5557),
        ("0.0.0.0:6000", "0.0.0.0", 6000),
        ("10.0.0.5", "10.0.0.5", 5557),
        ("[::1]:6000", "[::1]", 6000),
        ("box.local:1", "box.local", 1),
    ],
)
def test_master(bind: str | None, host: str, port: int) -> None:
    typed = {"master": True, "expect_workers": 4, **({"bind": bind} if bind else {})}
    assert fleet_of(**typed) == FleetOptions(host=host, port=port, expect_workers=4, ui=False)
    assert is_loopback(host) == (host in ("127.0.0.1", "[::1]"))
    assert is_loopback("localhost")
    assert is_loopback("127.8.8.8")


def test_worker() -> None:
    assert master_of(master_host="10.0.0.5") == ("10.0.0.5", 5557)
    assert master_of(master_host="10.0.0.5:6000", target="app:graph") == ("10.0.0.5", 6000)
    assert master_of(master_host="box", master_port=6001, quiet=True) == ("box", 6001)


FLEETS: dict[str, tuple[dict[str, Any], str, str]] = {
    "bind": ({"bind": "0.0.0.0"}, "--bind without --master", "add --master"),
    "expect": ({"expect_workers": 2}, "--expect-workers without --master", "add --master"),
    "host": ({"master_host": "x"}, "--master-host without --worker", "add --worker"),
    "port": ({"master_port": 5}, "--master-port without --worker", "add --worker"),
    "how many": ({"master": True}, "--master without --expect-workers", "--expect-workers 2"),
    "own workers": (
        {"master": True, "expect_workers": 2, "workers": "2"},
        "--master and --workers exclude each other",
        "--expect-workers",
    ),
    "address": (
        {"master": True, "expect_workers": 2, "bind": ":5557"},
        "--bind: ':5557' is no address",
        "HOST:PORT",
    ),
    "no port": (
        {"master": True, "expect_workers": 2, "bind": "h:0"},
        "--bind: 'h:0' is no address",
        "HOST:PORT",
    ),
    "big port": (
        {"master": True, "expect_workers": 2, "bind": "h:65536"},
        "--bind: 'h:65536' is no address",
        "HOST:PORT",
    ),
    "bare IPv6": (
        {"master": True, "expect_workers": 2, "bind": "::1"},
        "--bind: '::1' is no address",
        "HOST:PORT",
    ),
}


@pytest.mark.parametrize("case", FLEETS)
def test_wrong_fleet(case: str) -> None:
    typed, said, advice = FLEETS[case]
    with pytest.raises(UsageError) as raised:
        fleet_of(**typed)
    assert said in raised.value.message
    assert advice in (raised.value.hint or "")


WORKERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no master": ({}, "--worker without --master-host", "--master-host"),
    "both": ({"master": True}, "--master and --worker exclude each other", "two processes"),
    "rate": ({"master_host": "h", "rps": 5.0}, "--rps with --worker", "give --rps to the master"),
    "output": ({"master_host": "h", "output": ["x"]}, "--output with --worker", "master"),
    "timeout": ({"master_host": "h", "timeout": "5s"}, "--timeout with --worker", "master"),
    "two ports": (
        {"master_host": "h:1", "master_port": 2},
        "--master-host has a port already",
        "--master-port",
    ),
    "address": ({"master_host": "a b"}, "--master-host: 'a b' is no address", "HOST:PORT"),
}


@pytest.mark.parametrize("case", WORKERS)
def test_wrong_worker(case: str) -> None:
    typed, said, advice = WORKERS[case]
    with pytest.raises(UsageError) as raised:
        master_of(**typed)
    assert said in raised.value.message
    assert advice in (raised.value.hint or "")
