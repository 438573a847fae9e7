"""The options of ``lgprof load`` alone, as Typer declares them.

`LGPROF_REQUESTS` and `LGPROF_WARMUP` are counts of ``run``; those of ``load`` have names of their
own, so that a variable set for one command does not change the other.
"""

from __future__ import annotations

from typing import Annotated

import typer

Rps = Annotated[
    float | None,
    typer.Option(
        metavar="RATE", envvar="LGPROF_RPS", show_default="10", help="Requests per second."
    ),
]
Duration = Annotated[
    str | None,
    typer.Option(
        "-d",
        "--duration",
        metavar="DURATION",
        envvar="LGPROF_DURATION",
        show_default="30s",
        help="How long requests arrive, such as 30s or 5m.",
    ),
]
Requests = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--requests",
        min=1,
        envvar="LGPROF_LOAD_REQUESTS",
        help="Stop after so many requests instead.",
    ),
]
Stages = Annotated[
    str | None,
    typer.Option(
        metavar="RATE:DURATION,...",
        envvar="LGPROF_STAGES",
        help="Rates one after the other, instead of --rps and --duration: '10:30s,50:60s,10:30s'.",
    ),
]
Ramp = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        envvar="LGPROF_RAMP",
        show_default="5s",
        help="How long the rate takes from a stage's to the next one's; 0 for a jump.",
    ),
]
Arrivals = Annotated[
    str | None,
    typer.Option(
        metavar="constant|poisson",
        envvar="LGPROF_ARRIVALS",
        show_default="constant",
        help="Evenly spaced, or at random as independent users come.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        envvar="LGPROF_SEED",
        show_default="0",
        help="Of what is drawn at random; the same seed, the same schedule.",
    ),
]
Users = Annotated[
    int | None,
    typer.Option(
        min=1,
        envvar="LGPROF_USERS",
        help="A closed model instead of a rate: so many users, each waiting for its answer.",
    ),
]
Think = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        envvar="LGPROF_THINK",
        show_default="0s",
        help="A user's pause between an answer and the next request.",
    ),
]
Warmup = Annotated[
    str | None,
    typer.Option(
        "-w",
        "--warmup",
        metavar="DURATION",
        envvar="LGPROF_LOAD_WARMUP",
        show_default="5s",
        help="Load before the measured one, recorded apart; 0 for none.",
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="auto|N",
        envvar="LGPROF_WORKERS",
        show_default="auto",
        help="Processes; auto: by rate and cores.",
    ),
]
MaxConcurrent = Annotated[
    str | None,
    typer.Option(
        metavar="auto|N",
        envvar="LGPROF_MAX_CONCURRENT",
        show_default="auto",
        help="Requests running at once in a worker; the others queue. auto: as many as keep the "
        "throughput at its best.",
    ),
]
MaxInFlight = Annotated[
    int | None,
    typer.Option(
        min=1,
        envvar="LGPROF_MAX_IN_FLIGHT",
        show_default="10000",
        help="Requests running and queued in a worker; one beyond it is dropped.",
    ),
]
Keep = Annotated[
    int | None,
    typer.Option(
        min=0,
        envvar="LGPROF_KEEP",
        show_default="200",
        help="Requests, drawn at random, whose spans are kept; slowest and failed ones besides.",
    ),
]
AbortOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Stop early and exit with 1: 'error_rate>20%', 'p99>2s'; repeat it for several.",
    ),
]
TolerateWorkerLoss = Annotated[
    bool | None,
    typer.Option(
        "--tolerate-worker-loss/--no-tolerate-worker-loss",
        envvar="LGPROF_TOLERATE_WORKER_LOSS",
        show_default=False,
        help="A lost worker does not make the measurement invalid.",
    ),
]
Strict = Annotated[
    bool | None,
    typer.Option(
        "--strict/--no-strict",
        envvar="LGPROF_STRICT",
        show_default=False,
        help="Exit with 5 where the measurement is invalid.",
    ),
]
Ui = Annotated[bool, typer.Option("--ui", help="Also show Locust's web page, on this machine.")]
Master = Annotated[bool, typer.Option("--master", help="Lead workers that run on other machines.")]
Bind = Annotated[
    str | None,
    typer.Option(
        metavar="HOST[:PORT]",
        show_default="127.0.0.1:5557",
        help="Where the master listens. There is no authentication on that port.",
    ),
]
ExpectWorkers = Annotated[
    int | None, typer.Option(min=1, help="Start the load when so many workers have come.")
]
Worker = Annotated[bool, typer.Option("--worker", help="Make the requests that a master asks for.")]
MasterHost = Annotated[
    str | None, typer.Option(metavar="HOST[:PORT]", help="Where the worker finds its master.")
]
MasterPort = Annotated[
    int | None,
    typer.Option(min=1, max=65535, show_default="5557", help="The master's port."),
]
