"""The options of ``lgprof gate --against``, read."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import Any

from lgprof.cli.reading import Choice, Reader, as_written, duration_s
from lgprof.errors import UsageError
from lgprof.gate.quantities import COUNTED
from lgprof.gate.tolerances import COUNTS, TIMES, Tolerances, short_name
from lgprof.gate.versions import Against
from lgprof.metrics import Unit
from lgprof.metrics.units import parse_quantity

_COUNTED = tuple(short_name(metric) for metric in COUNTED)
_METRICS = (*TIMES, COUNTS, *_COUNTED)


def tolerances(choice: Choice) -> Tolerances:
    """What ``--tolerance`` allows: ``5%`` where there is noise, ``p95=30%`` for one metric.

    Raises:
        UsageError: No share, or no metric that has a tolerance.
    """
    texts = choice.value if isinstance(choice.value, list | tuple) else [choice.value]
    general: dict[str, float] = {}
    single: dict[str, float] = {}
    for text in texts:
        metric, equals, share = str(text).rpartition("=")
        if equals:
            single[_metric(metric.strip(), choice)] = _share(share.strip(), choice)
        else:
            general["general"] = _share(share.strip(), choice)
    if COUNTS in single:
        general["counts"] = single.pop(COUNTS)
    found = Tolerances(of=single, **general)
    for metric in TIMES:
        if found.time(metric) <= 0:
            raise UsageError(
                f"{choice.where}: {metric} is a time, and no two are equal: 0% could never pass",
                hint=f"write {metric}=5%; only {', '.join((COUNTS, *_COUNTED))} may be 0%",
            )
    return found


def _metric(name: str, choice: Choice) -> str:
    name = short_name(name)
    if name not in _METRICS:
        close = difflib.get_close_matches(name, _METRICS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"these have one: {', '.join(_METRICS)}"
        raise UsageError(f"{choice.where}: {name!r} has no tolerance", hint=hint)
    return name


def _share(text: str, choice: Choice) -> float:
    share = parse_quantity(text, Unit.SHARE, choice.where)
    if share > 1 and not text.endswith("%"):
        raise UsageError(f"{choice.where}: {text} is {share:.0%}", hint=f"write {text}%")
    return share


def _interpreter(choice: Choice) -> str:
    text = str(Path(choice.value).expanduser())
    file = choice.folder / text
    if file.is_file():
        return str(file.absolute())  # not resolved: the link is what makes it another environment
    found = shutil.which(text)
    if found is None:
        raise UsageError(
            f"{choice.where}: there is no {choice.value}",
            hint="name a Python interpreter, such as ../base/.venv/bin/python",
        )
    return found


AGAINST: dict[str, Reader] = {
    "against": as_written,
    "base_python": _interpreter,
    "time_budget": duration_s,
}
"""How each option of ``--against`` is read."""


def against_of(values: dict[str, Any], allowed: Tolerances) -> Against | None:
    """What to compare with; None without ``--against``."""
    if "against" not in values:
        return None
    given = {"time_budget_s": values["time_budget"]} if "time_budget" in values else {}
    return Against(
        revision=values["against"],
        base_python=values.get("base_python"),
        tolerances=allowed,
        **given,
    )
