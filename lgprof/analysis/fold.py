"""What one request's events tell without building its spans: calls and their latencies.

Under load this is done for every request, so it does no more than a report of all requests needs.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from lgprof.analysis.attribution import BAD, START_NODE
from lgprof.llm.usage import reported_tokens
from lgprof.model import Outcome, Tokens
from lgprof.record.event_log import ID_MASK, OUTCOMES, ModelEvent, RunKind
from lgprof.record.routing import RequestEvents

_RUNNING: Outcome = "running"
_Scope = tuple[str | None, str, bool]
"""Checkpoint namespace of a run, the path of the node around what runs in it, and whether that is
in an attempt that failed."""
_LATER_STEP = int(RunKind.LATER_STEP)
_MODEL, _TOOL, _RETRIEVER = int(RunKind.MODEL), int(RunKind.TOOL), int(RunKind.RETRIEVER)


class NodeCall(msgspec.Struct, frozen=True, gc=False):
    """One call of a node: all its attempts."""

    path: str
    start_ns: int
    end_ns: int
    attempts: int
    outcome: Outcome


class Call(NamedTuple):
    """One call of a model, tool or retriever."""

    kind: str
    """``model``, ``embedding``, ``tool`` or ``retriever``."""
    node: str
    name: str
    start_ns: int
    end_ns: int
    outcome: Outcome
    event: ModelEvent | None
    in_failed_attempt: bool = False
    """In an attempt of its node, or of one around it, that ended in an error."""

    @property
    def tokens(self) -> Tokens | None:
        """What the provider reported."""
        return reported_tokens(self.event.usage) if self.event else None


class Folded(msgspec.Struct):
    """The calls of one request."""

    nodes: list[NodeCall] = []
    calls: list[Call] = []


def fold(events: RequestEvents, end_ns: int) -> Folded:
    """The calls of a request that is over.

    Args:
        events: What was recorded of it.
        end_ns: When it ended; calls that had no end of their own ended then.
    """
    # By the ids as numbers: hashing a UUID is a call of a Python function.
    ends = {event[1].int: event for event in events.end_rows()}
    folded = Folded()
    scopes: dict[int, _Scope] = {0: (None, "", False)}
    attempts: dict[tuple[int, str], NodeCall] = {}
    for t_ns, run, parent_run, namespace, name, _, tags in events.start_rows():
        run_id = run.int
        parent = parent_run if type(parent_run) is int else parent_run.int
        end = ends.get(run_id)
        ended_ns, outcome = (end[0], OUTCOMES[end[3]]) if end else (end_ns, _RUNNING)
        around, path, in_failed = scopes.get(parent) or _scope_of(parent, scopes)
        if type(tags) is int and tags > _LATER_STEP:
            call = _call(tags, run_id, path, name, t_ns, ended_ns, outcome, events)
            folded.calls.append(call._replace(in_failed_attempt=True) if in_failed else call)
        elif namespace and namespace != around and parent:
            path = f"{path}/{name}" if path else name
            in_failed = in_failed or outcome in BAD
            key = parent, namespace
            before = attempts.get(key)
            if before is None:
                attempts[key] = NodeCall(path, t_ns, ended_ns, 1, outcome)
            else:
                tries = before.attempts + 1
                attempts[key] = NodeCall(path, before.start_ns, ended_ns, tries, outcome)
        scopes[run_id] = namespace, path, in_failed
    folded.nodes = [call for call in attempts.values() if call.path != START_NODE]
    return folded


def _scope_of(parent: int, scopes: dict[int, _Scope]) -> _Scope:
    """The scope of a run that is known by half its id, as a node is in a thread that it started."""
    for run_id, scope in scopes.items():
        if run_id & ID_MASK == parent:
            return scope
    return None, "", False


def _call(
    kind: int,
    run_id: int,
    node: str,
    name: str,
    start_ns: int,
    end_ns: int,
    outcome: Outcome,
    events: RequestEvents,
) -> Call:
    event = events.models.get(run_id & ID_MASK) if kind == _MODEL else None
    if event is not None and event.served_model:
        name = event.served_model
    word = {_MODEL: "model", _TOOL: "tool", _RETRIEVER: "retriever"}[kind]
    if event is not None and event.kind == "embedding":
        word = "embedding"
    return Call(word, node, name, start_ns, end_ns, outcome, event)


def failing_node(folded: Folded) -> str | None:
    """Path of the deepest node call that ended badly; the last where there are several."""
    bad = [
        (call.path.count("/"), call.end_ns, call.path)
        for call in folded.nodes
        if call.outcome in BAD or call.outcome == "running"
    ]
    return max(bad)[2] if bad else None
