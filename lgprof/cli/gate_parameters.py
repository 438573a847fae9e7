"""The options of ``lgprof gate`` alone, as Typer declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    str | None,
    typer.Argument(
        metavar="TARGET|PROFILE",
        help="A graph to run (module:attr, path/to/file.py:attr or a name in langgraph.json), or a "
        "file that lgprof run or lgprof load saved "
        "[default: app of [tool.lgprof], else the only graph of ./langgraph.json]",
        show_default=False,
    ),
]
Budgets = Annotated[
    list[str] | None,
    typer.Option(
        "-b",
        "--budget",
        metavar="BUDGET",
        help="A bound that must hold: 'p95<2s', 'error_rate<1%', 'cost.per_request<0.02', "
        "'node.search.p95<300ms'; repeat it for several "
        "[default: budgets of [tool.lgprof.gate]]",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="PROFILE",
        help="Fail where counts, tokens or cost are above those of this file.",
    ),
]
TrustTimes = Annotated[
    bool | None,
    typer.Option(
        "--trust-times/--no-trust-times",
        show_default=False,
        help="Let stored times fail the gate too. They differ between machines and hours.",
    ),
]
AllowEnvironment = Annotated[
    bool | None,
    typer.Option(
        "--allow-environment/--no-allow-environment",
        show_default=False,
        help="Compare with a baseline of another environment.",
    ),
]
Tolerance = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[METRIC=]SHARE",
        show_default="5%, p95=20%, counts=0%",
        help="How much more is still good enough: of what varies 5%, or of one metric: p95=30%; of "
        "counts that are exact: counts=2% for all, tokens.input=2% for one; repeat it for several.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_AGAINST",
        metavar="REV",
        help="Compare with another version of the graph: a branch, tag or commit of git. Both "
        "run, in turns.",
    ),
]
BasePython = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_BASE_PYTHON",
        metavar="FILE",
        help="Python interpreter for the base, where it needs other packages; lgprof must be "
        "installed there too.",
    ),
]
TimeBudget = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_TIME_BUDGET",
        metavar="DURATION",
        show_default="120s",
        help="How long --against may take to decide.",
    ),
]
Inconclusive = Annotated[
    str | None,
    typer.Option(
        metavar="pass|fail", show_default="pass", help="What INCONCLUSIVE means for the exit code."
    ),
]
ListMetrics = Annotated[
    bool,
    typer.Option(
        "--list-metrics",
        help="Name every metric with its unit and JSON path; with a PROFILE, its values too.",
    ),
]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Also write the verdict as JUnit (.xml), Markdown (.md) or JSON (.json), or the "
        "report of the Profile that is judged (.html).",
    ),
]
JsonTo = Annotated[
    str | None,
    typer.Option("--json", metavar="-", help="Print the verdict as JSON on standard output."),
]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="The verdict and what failed alone; no progress.")
]
Verbose = Annotated[
    int,
    typer.Option("-v", "--verbose", count=True, show_default=False, help="Every row."),
]
