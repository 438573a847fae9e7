"""What a gate and the two sides of a pair tell each other: one JSON document a line.

The gate asks, a side answers each question with one answer, or with a `Problem`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import msgspec

from lgprof.model import Environment, Failure, ModelCall, Outcome
from lgprof.predicate import parse_predicate
from lgprof.run.options import RunOptions


class Open(msgspec.Struct, tag=True):
    """Load the target, open its graph, make its first request."""

    spec: str | None
    """As typed, with a path inside the tree; None: ``app`` of the settings."""
    app: str | None
    settings_file: str | None
    """In the side's own tree."""
    request: dict[str, Any]
    """Fields of `RunOptions`, but ``failed_when``."""
    failed_when: str | None
    inputs: list[Any] | None
    """None: made from the graph's input schema."""
    root: str
    """The user's working tree."""
    tree: str
    """The side's own, whose modules take the place of those of the working tree."""
    foreign: list[str]
    """Folders that none of the side's modules may come from: they hold other versions."""


class Opened(msgspec.Struct, tag=True):
    """The graph is open and has answered, or failed, its first request."""

    lgprof: str
    """Version."""
    environment: Environment
    inputs: list[Any]
    first: RequestRow
    live_hosts: list[str]
    """Where the first request connected to beyond this machine."""
    foreign_modules: list[str]
    """Files of modules that came from a folder of `Open.foreign`."""
    failures: list[Failure]


class WarmUp(msgspec.Struct, tag=True):
    """Make requests until a time is over, one at least; then settle the garbage collector."""

    first_index: int
    most: int
    within_s: float


class WarmedUp(msgspec.Struct, tag=True):
    """How the warm-up went."""

    wall_s: list[float]
    cpu_share: float
    """CPU time by wall time: above 1 the graph used several cores."""
    has_children: bool
    """The graph started processes that still run."""
    succeeded: int
    failures: list[Failure]


class Pin(msgspec.Struct, tag=True):
    """Stay on one core from now on, with all threads."""

    core: int


class Run(msgspec.Struct, tag=True):
    """Make the requests of these indices, one after another."""

    first_index: int
    count: int


class Ran(msgspec.Struct, tag=True):
    """They are over."""

    stuck: bool
    """A request timed out and still runs: no further one can be measured in this process."""


class Report(msgspec.Struct, tag=True):
    """Tell of all requests that `Run` made."""


class Reported(msgspec.Struct, tag=True):
    """All measured requests, in order."""

    rows: list[RequestRow]
    failures: list[Failure]


class Done(msgspec.Struct, tag=True):
    """What was asked is done."""


class Problem(msgspec.Struct, tag=True):
    """What was asked cannot be done."""

    kind: str
    """Name of the error's class in `lgprof.errors`."""
    message: str
    hint: str | None = None
    user_traceback: str | None = None


class NodeFigures(msgspec.Struct, array_like=True):
    """A node in one request."""

    calls: int
    seconds: float
    """Over its calls, without the nodes inside it."""


class RequestRow(msgspec.Struct, array_like=True):
    """What one request took."""

    index: int
    outcome: Outcome
    error_type: str | None
    wall_s: float
    cpu_s: float | None
    models: list[AskedModel]
    nodes: dict[str, NodeFigures]


class AskedModel(msgspec.Struct, array_like=True):
    """One model call."""

    node: str
    asked: str
    """The name by which the model was asked for."""
    call: ModelCall


Question = Open | WarmUp | Pin | Run | Report
Answer = Opened | WarmedUp | Ran | Reported | Done | Problem

_encoder = msgspec.json.Encoder()
_questions: msgspec.json.Decoder[Question] = msgspec.json.Decoder(Question)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def encode(message: Question | Answer) -> bytes:
    """One line."""
    return _encoder.encode(message) + b"\n"


def decode_question(line: bytes) -> Question:
    """What the gate asks.

    Raises:
        msgspec.DecodeError: Another protocol.
    """
    return _questions.decode(line)


def decode_answer(line: bytes) -> Answer:
    """What a side answers.

    Raises:
        msgspec.DecodeError: Another protocol.
    """
    return _answers.decode(line)


def packed_options(options: RunOptions) -> dict[str, Any]:
    """The fields of `Open` that say how requests are made."""
    given = {field.name: getattr(options, field.name) for field in fields(options)}
    predicate = given.pop("failed_when")
    return {"request": given, "failed_when": predicate.text if predicate else None}


def unpacked_options(message: Open) -> RunOptions:
    """How requests are made."""
    predicate = parse_predicate(message.failed_when) if message.failed_when else None
    return RunOptions(**message.request, failed_when=predicate)
