"""Recordings as large as one likes, made through the recorder itself but without any graph."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from uuid import UUID, uuid4

from lgprof.analysis.spans import Leg, RequestLog
from lgprof.clock import Clock
from lgprof.record.event_log import ID_MASK, IoEvent, NodeDigest, Recording, WorkThread
from lgprof.record.recorder import RecordingHandler

_US = 1_000


class Story:
    """Tells the recorder what happened, on a clock of its own."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.logs: list[RequestLog] = []
        self._now_ns = 1_000_000_000
        self._handler = RecordingHandler(self.recording, Clock(now_ns=lambda: self._now_ns))
        self._chance = Random(0)

    def request(self, fill: Callable[[UUID], None]) -> None:
        """One request; ``fill`` tells what happens in it."""
        root = uuid4()
        start_ns = self._now_ns
        self._handler.on_chain_start(None, {}, run_id=root, name="LangGraph", metadata={})
        self.recording.graphs.add(root.int & ID_MASK)
        self.pass_us(100)
        fill(root)
        self.pass_us(100)
        self._handler.on_chain_end({}, run_id=root)
        leg = Leg(root.int & ID_MASK, start_ns, self._now_ns)
        self.logs.append(RequestLog(len(self.logs), [leg], "ok", cpu_ns=5_000_000))
        self.pass_us(100)

    def pass_us(self, microseconds: int) -> None:
        self._now_ns += microseconds * _US

    def node(self, parent: UUID, name: str, step: int, *, attempts: int = 1) -> None:
        """One call of a node, with what is usual inside."""
        namespace = f"{name}:{uuid4()}"
        for number in range(1, attempts + 1):
            run = self.begin_attempt(parent, name, step, namespace)
            if self._chance.random() < 0.3:
                self._model(run, namespace)
            if self._chance.random() < 0.3:
                self._tool(run, namespace)
            self.pass_us(2_000)
            self.end_attempt(run, failed=number < attempts)
            self.pass_us(50)

    def begin_attempt(self, parent: UUID, name: str, step: int, namespace: str) -> UUID:
        run = uuid4()
        metadata = {"langgraph_checkpoint_ns": namespace, "langgraph_step": step}
        self._handler.on_chain_start(
            None, {}, run_id=run, parent_run_id=parent, metadata=metadata, name=name
        )
        return run

    def end_attempt(self, run: UUID, *, failed: bool = False, lasted_us: int = 2_000) -> None:
        """Two holds of the loop around a wait, and what was read and written."""
        number, end_ns = run.int & ID_MASK, self._now_ns
        work = (end_ns - (lasted_us - 50) * _US, end_ns - 50 * _US)
        self.recording.works.add((*work, number, 0, WorkThread.LOOP))
        for start_ns in (work[0], work[1] - 60 * _US):
            self.recording.holds.add((start_ns, 60 * _US, 50 * _US, number, 0, 0))
        self.recording.digests[number] = NodeDigest(
            reads={"question": "00112233aabbccdd"},
            writes={"answer": "00112233aabbccdd"},
            output_hash="ddccbbaa",
            read_bytes=40,
            write_bytes=80,
            marked_failed=False,
        )
        if failed:
            self._handler.on_chain_error(ValueError("again"), run_id=run)
        else:
            self._handler.on_chain_end({}, run_id=run)

    def side_by_side(self, parent: UUID, name: str, tasks: int) -> None:
        """Tasks that all begin before the first of them ends."""
        runs = []
        for _ in range(tasks):
            runs.append(self.begin_attempt(parent, name, 1, f"{name}:{uuid4()}"))
            self.pass_us(100)
        for run in runs:
            self.end_attempt(run, lasted_us=100 * tasks)
            self.pass_us(100)

    def checkpoint(self, graph: UUID) -> None:
        start_ns = self._now_ns
        self.pass_us(40)
        scope = graph.int & ID_MASK
        self.recording.io.append(IoEvent("checkpoint", "put", start_ns, self._now_ns, scope))

    def _model(self, parent: UUID, namespace: str) -> None:
        run, metadata = uuid4(), {"langgraph_checkpoint_ns": namespace, "ls_model_name": "gpt-4o"}
        self._handler.on_chat_model_start(
            None, [], run_id=run, parent_run_id=parent, metadata=metadata
        )
        self.pass_us(800)
        self._handler.on_llm_new_token("a", run_id=run)
        self.pass_us(800)
        self._handler.on_llm_end(None, run_id=run)

    def _tool(self, parent: UUID, namespace: str) -> None:
        run, metadata = uuid4(), {"langgraph_checkpoint_ns": namespace}
        self._handler.on_tool_start(
            {"name": "search"}, "", run_id=run, parent_run_id=parent, metadata=metadata
        )
        self.pass_us(700)
        self._handler.on_tool_end("", run_id=run)


def many_requests(spans: int) -> Story:
    """Requests of a few dozen nodes, some of them retried, with models, tools and checkpoints."""
    story = Story()

    def nodes(root: UUID) -> None:
        for step in range(1, 31):
            retried = (len(story.logs) + step) % 20 == 0
            story.node(root, f"node_{step % 12}", step, attempts=2 if retried else 1)
            story.checkpoint(root)

    # One node makes about 3.65 spans: itself, 1.05 attempts, 0.6 calls and a checkpoint.
    for _ in range(round(spans / (30 * 3.65))):
        story.request(nodes)
    return story


def long_loop(steps: int) -> Story:
    """One request in which two nodes take turns, with a checkpoint after each."""
    story = Story()

    def loop(root: UUID) -> None:
        for step in range(1, steps + 1):
            story.node(root, ("think", "act")[step % 2], step)
            story.checkpoint(root)

    story.request(loop)
    return story


def parallel_tasks(tasks: int) -> Story:
    """One attempt, as of an ``@entrypoint``, that awaits all of its tasks at once."""
    story = Story()

    def entrypoint(root: UUID) -> None:
        outer = story.begin_attempt(root, "main", 1, f"main:{uuid4()}")
        story.side_by_side(outer, "task", tasks)
        story.end_attempt(outer, lasted_us=tasks * 200)

    story.request(entrypoint)
    return story


def serial_tasks(tasks: int) -> Story:
    """One attempt, as of an ``@entrypoint``, that awaits its tasks one after another."""
    story = Story()

    def entrypoint(root: UUID) -> None:
        outer = story.begin_attempt(root, "main", 1, f"main:{uuid4()}")
        for _ in range(tasks):
            run = story.begin_attempt(outer, "task", 1, f"main:1|task:{uuid4()}")
            story.pass_us(2_000)
            story.end_attempt(run)
            hold = (story._now_ns, 60 * _US, 50 * _US, outer.int & ID_MASK, 0, 0)
            story.recording.holds.add(hold)
            story.pass_us(70)
        story.end_attempt(outer, lasted_us=tasks * 2_070)

    story.request(entrypoint)
    return story


def wide_step(tasks: int) -> Story:
    """One superstep of many ``Send``s that overlap."""
    story = Story()

    def step(root: UUID) -> None:
        story.side_by_side(root, "work", tasks)

    story.request(step)
    return story
