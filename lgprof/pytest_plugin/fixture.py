"""What a test does with the fixture ``lgprof``: run a graph, check budgets, compare."""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest

from lgprof.cli.billing import read_billing
from lgprof.cli.run_options import RUN_OPTIONS, read_run_options
from lgprof.config import Settings, load_settings
from lgprof.errors import LgprofError, TargetFailedError, UsageError
from lgprof.gate.baseline import BaselineRules, judge_baseline
from lgprof.gate.budgets import EXAMPLE, judge_budgets, parse_budget
from lgprof.gate.tolerances import Tolerances
from lgprof.model import Failure, Profile, Verdict, read_profile
from lgprof.run.options import Extras
from lgprof.target.inputs import Inputs, parse_inputs

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_WIDTH = 100
_UNNAMED = "LangGraph"
"""What LangGraph calls a graph that was compiled without a name."""
_OPTIONS = (*RUN_OPTIONS, "prices")


def _explained(method: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Fail the test with what lgprof has to say, and without lgprof's own traceback."""

    @wraps(method)
    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return method(*args, **kwargs)
        except LgprofError as error:
            parts = (error.user_traceback, error.message, error.hint)
            words = "\n".join(part.rstrip() for part in parts if part)
        pytest.fail(words, pytrace=False)

    return call


@dataclass(frozen=True, slots=True)
class Measured:
    """A Profile that a test can hold to budgets. What cannot be done fails the test, and why."""

    profile: Profile
    settings: Settings
    folder: Path
    failures: Sequence[Failure] = ()

    @_explained
    def check(self, *budgets: str) -> Verdict:
        """Fail the test unless the Profile keeps to all budgets.

        Args:
            budgets: Such as ``p95<2s``; none for those of ``[tool.lgprof.gate]``.
        """
        texts: Any = budgets or self.settings.options.get("budgets", ())
        texts = [texts] if isinstance(texts, str) else texts
        if not texts:
            raise UsageError("nothing to check", hint=f"give budgets, such as {EXAMPLE}")
        parsed = [parse_budget(text, "budget") for text in texts]
        return self._require(judge_budgets(self.profile, parsed), "does not keep to its budgets")

    @_explained
    def check_baseline(
        self,
        baseline: str | Path | Profile,
        *,
        trust_times: bool = False,
        allow_environment: bool = False,
        tolerance: float = 0.05,
        counts_tolerance: float = 0.0,
    ) -> Verdict:
        """Fail the test where counts, tokens or cost are above those of a stored Profile.

        Args:
            baseline: It, or its file, relative to the root of the tests.
            trust_times: Let stored times fail the test too.
            allow_environment: Compare with a baseline of another environment.
            tolerance: How much more is still good enough of what varies: counts that are not the
                same each time, and times, where they are trusted.
            counts_tolerance: How much more is still good enough of what is exact.
        """
        if not isinstance(baseline, Profile):
            baseline = read_profile(self.folder / baseline)
        tolerances = Tolerances(general=tolerance, counts=counts_tolerance)
        rules = BaselineRules(trust_times, allow_environment, tolerances)
        return self._require(judge_baseline(baseline, self.profile, rules), "is above its baseline")

    def _require(self, verdict: Verdict, complaint: str) -> Verdict:
        if verdict.verdict == "fail" or verdict.invalid:
            pytest.fail(self._words(verdict, complaint), pytrace=False)
        return verdict

    def _words(self, verdict: Verdict, complaint: str) -> str:
        from rich.console import Console

        from lgprof.render.terminal import render_report
        from lgprof.render.terminal.verdict import render_verdict

        text = io.StringIO()
        console = Console(file=text, width=_WIDTH, color_system=None)
        render_verdict(verdict, console)
        if self.failures:
            console.print()
            render_report(self.profile, console, failures=self.failures, sections=["errors"])
        return f"{self.profile.target.spec} {complaint}\n\n{text.getvalue()}"


class Profiler:
    """Runs graphs for one test, with the project's settings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @_explained
    def run(
        self, target: Any = None, inputs: Sequence[Any] | None = None, **options: Any
    ) -> Measured:
        """Profile a few requests, as ``lgprof run`` does.

        Args:
            target: ``module:attr``, ``path/to/file.py:attr``, a name in ``langgraph.json``, or a
                graph itself; None for ``app`` of ``[tool.lgprof]``.
            inputs: One a request, in turn; None for those of the settings, else from the schema.
            options: Those of ``lgprof run`` by their names: ``requests``, ``warmup``, ``timeout``
                (seconds), ``mode``, ``context``, ``config``, ``resume``, ``failed_when``, ...
        """
        from lgprof.langgraph_adapter.input_schema import input_json_schema
        from lgprof.run import profile_run
        from lgprof.target import import_sandbox, inputs_from_schema, load_target
        from lgprof.target.source import TargetSource

        settings = load_settings(self._folder, "gate")
        _refuse_unknown(options)
        run_options = read_run_options(options, settings, self._folder, {})
        if inputs is not None and "requests" not in options:
            run_options = replace(run_options, requests=max(run_options.requests, len(inputs)))
        given = _inputs(inputs, settings, self._folder)
        with import_sandbox(self._folder):
            if target is None or isinstance(target, str):
                source = load_target(target, settings, self._folder)
            else:
                source = TargetSource(spec=_name_of(target), obj=target, attribute="graph")
            result = profile_run(
                source,
                lambda opened: given or inputs_from_schema(input_json_schema(opened.graph)),
                run_options,
                folder=self._folder,
                billing=read_billing(options, settings, self._folder, {}),
                extras=Extras(sample=False),
            )
        if not result.profile.summary.succeeded:
            raise _no_sample(result.failures)
        return Measured(result.profile, settings, self._folder, result.failures)

    @_explained
    def read(self, file: str | Path) -> Measured:
        """A Profile that was saved."""
        settings = load_settings(self._folder, "gate")
        return Measured(read_profile(self._folder / file), settings, self._folder)


def _refuse_unknown(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            close = difflib.get_close_matches(name, _OPTIONS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(_OPTIONS)}"
            raise UsageError(f"lgprof.run has no option {name!r}", hint=hint)


def _inputs(inputs: Sequence[Any] | None, settings: Settings, folder: Path) -> Inputs | None:
    if inputs is None:
        return parse_inputs([], settings, folder)
    if not inputs:
        raise UsageError("lgprof.run: inputs is empty", hint="give at least one, or leave it out")
    return Inputs(list(inputs), "the test")


def _name_of(graph: Any) -> str:
    name = str(getattr(graph, "name", None) or type(graph).__name__)
    return "the graph" if name == _UNNAMED else name


def _no_sample(failures: Sequence[Failure]) -> TargetFailedError:
    if not failures:
        return TargetFailedError("no request succeeded")
    first = failures[0]
    where = f" in node {first.node}" if first.node else ""
    return TargetFailedError(
        f"no request succeeded: {first.error_type}: {first.message}{where}",
        user_traceback=first.traceback,
    )
