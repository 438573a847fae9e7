"""Code that goes by the exact type of its state gives the same results while reads are tracked."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import ormsgpack
import pytest
import yaml
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, Send
from pydantic import BaseModel
from typing_extensions import TypedDict

from lgprof.run import RunResult
from tests.profiling import profile_graph
from tests.recording.test_known_answers import node


class Typed(TypedDict, total=False):
    a: int
    b: int
    made: Any


@dataclasses.dataclass
class Data:
    a: int = 0
    b: int = 0
    made: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int = 0
    b: int = 0
    made: Any = None


class Model(BaseModel):
    a: int = 0
    b: int = 0
    made: Any = None


NAMES = {dict: "dict", Data: "Data", Frozen: "Frozen", Model: "Model"}


def graph_of(schema: type, **nodes: Any) -> Any:
    builder = StateGraph(schema)
    before = START
    for name, function in nodes.items():
        builder.add_node(name, function)
        builder.add_edge(before, name)
        before = name
    return builder.compile()


def made_by(schema: type, make: Any) -> tuple[Any, RunResult]:
    """What a node makes of its state, and the run."""
    made = []

    def work(state):
        made.append(make(state))
        return {"made": 1}

    result = profile_graph(graph_of(schema, work=work), {"a": 1})
    assert result.profile.summary.succeeded == 1
    return made[-1], result


def codes(result: RunResult) -> list[str]:
    return [warning.code for warning in result.profile.warnings]


@pytest.mark.parametrize("schema", [Data, Frozen, Model])
class TestObjects:
    def test_their_type_is_their_own_and_reads_are_seen(self, schema: type) -> None:
        made, result = made_by(schema, lambda state: (NAMES[type(state)], state.a))
        assert made == (schema.__name__, 1)
        assert node(result.profile, "work").reads == ["a"]
        assert codes(result) == []

    def test_fields_read_in_threads_are_seen(self, schema: type) -> None:
        def in_thread(state):
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(lambda: state.b).result()

        _, result = made_by(schema, in_thread)
        assert node(result.profile, "work").reads == ["b"]

    def test_the_class_is_left_as_it_was(self, schema: type) -> None:
        before = dict(vars(schema))
        made_by(schema, lambda state: state.a)
        assert dict(vars(schema)) == before

    def test_other_objects_of_the_class_are_not_taken_for_the_state(self, schema: type) -> None:
        _, result = made_by(schema, lambda state: schema(a=1).b)
        assert node(result.profile, "work").reads == []


@pytest.mark.parametrize("pack", [orjson.dumps, ormsgpack.packb])
def test_serializers_written_in_c(pack: Any) -> None:
    for schema in (Data, Typed):
        made, result = made_by(schema, pack)
        state = {"a": 1} if schema is Typed else Data(1)
        assert made == pack(state)
        assert codes(result) == []


@pytest.mark.parametrize("dump", [yaml.safe_dump, yaml.dump])
def test_yaml_writes_a_tracked_dict_as_a_dict(dump: Any) -> None:
    before = dict(yaml.SafeDumper.yaml_representers)
    made, result = made_by(Typed, dump)
    assert made == "a: 1\n"
    assert node(result.profile, "work").reads == "all"
    assert yaml.SafeDumper.yaml_representers == before


def test_dicts_made_of_the_states_type_are_dicts() -> None:
    made, _ = made_by(Typed, lambda state: [type(state)(x=1), state.__class__({"x": 1})])
    assert made == [{"x": 1}] * 2
    assert [type(item) for item in made] == [dict, dict]


def matched(state: Any) -> str:
    match state:
        case {"b": 9}:
            return "b"
        case {"a": 1}:
            return "a"
    return "none"


def matched_with_rest(state: Any) -> Any:
    match state:
        case {"a": 1, **rest}:
            return rest


def matched_object(state: Any) -> Any:
    match state:
        case Data(a=1) | Model(a=1):
            return "a"


@pytest.mark.parametrize(
    ("schema", "match", "made", "reads"),
    [
        (Typed, matched, "a", ["a", "b"]),
        (Typed, matched_with_rest, {}, "all"),
        (Typed, len, 1, "all"),
        (Typed, lambda state: [len(state), *state], [1, "a"], "all"),
        (Data, matched_object, "a", ["a"]),
        (Model, matched_object, "a", ["a"]),
    ],
)
def test_match_statements(schema: type, match: Any, made: Any, reads: Any) -> None:
    found, result = made_by(schema, match)
    assert found == made
    assert node(result.profile, "work").reads == reads


class TestBlame:
    """A node that fails with its tracked state and not with the plain one gets the plain one."""

    def test_an_error_that_speaks_of_tracking(self) -> None:
        made, result = made_by(Typed, lambda state: NAMES[type(state)])
        assert made == "dict"
        assert codes(result) == ["not_tracked"]
        [warning] = result.profile.warnings
        assert "work failed" in warning.message
        assert "1 request more" in warning.message
        assert "--no-probes" in warning.fix
        assert node(result.profile, "work").reads is None
        assert node(result.profile, "work").calls == 1

    def test_an_error_that_does_not(self) -> None:
        made, result = made_by(Typed, lambda state: {True: "dict"}[type(state) is dict])
        assert made == "dict"
        assert codes(result) == ["not_tracked"]
        assert "2 requests more" in result.profile.warnings[0].message

    def test_an_error_that_the_graph_handles(self) -> None:
        tries = []

        def picky(state):
            tries.append(type(state))
            assert type(state) is dict
            return {"b": 1}

        builder = StateGraph(Typed)
        policy = RetryPolicy(initial_interval=0.001, max_attempts=2, retry_on=AssertionError)
        builder.add_node("picky", picky, retry_policy=policy)
        builder.add_edge(START, "picky")
        result = profile_graph(builder.compile(), *[{"a": 1}] * 3)
        assert codes(result) == ["not_tracked"]
        assert node(result.profile, "picky").attempts == 3
        assert tries[-3:] == [dict] * 3

    def test_several_nodes_one_after_another_and_at_once(self) -> None:
        def name(state):
            return {"b": len(NAMES[type(state)])}

        graph = graph_of(Typed, first=name, second=lambda state: {"a": state["b"]}, third=name)
        inputs = [{"a": i} for i in range(8)]
        result = profile_graph(graph, *inputs, concurrency=4)
        profile = result.profile
        assert profile.summary.succeeded == 8
        assert sorted(request.index for request in profile.requests) == list(range(8))
        assert [len(request.spans) for request in profile.requests] == [7] * 8
        assert codes(result) == ["not_tracked"]
        assert node(profile, "first").reads is node(profile, "third").reads is None
        assert node(profile, "second").reads in (["b"], None)

    def test_nodes_that_get_their_state_by_send(self) -> None:
        builder = StateGraph(Typed)
        builder.add_node("work", lambda state: NAMES[type(state)] and None)
        builder.add_conditional_edges(START, lambda state: [Send("work", {"a": i}) for i in "ab"])
        result = profile_graph(builder.compile(), {"a": 1})
        assert result.profile.summary.succeeded == 1
        assert codes(result) == ["not_tracked"]

    def test_a_subgraph_is_not_blamed_for_its_node(self) -> None:
        inner = graph_of(Typed, picky=lambda state: {"b": len(NAMES[type(state)])})
        graph = graph_of(Typed, sub=inner, after=lambda state: {"made": state["b"]})
        result = profile_graph(graph, {"a": 1})
        assert codes(result) == ["not_tracked"]
        assert result.profile.warnings[0].message.startswith("picky failed")
        assert node(result.profile, "sub/picky").reads is None
        assert node(result.profile, "sub").reads is not None

    def test_an_error_about_the_type_that_is_the_users_own_speaks_of_their_type(self) -> None:
        graph = graph_of(Typed, work=lambda state: {int: "int"}[type(state)])
        result = profile_graph(graph, *[{"a": 1}] * 2)
        assert result.profile.summary.failed == 2
        assert codes(result) == ["made_again"]
        assert [failure.message for failure in result.failures] == ["<class 'dict'>"]

    def test_a_node_that_fails_by_itself_is_not_excused(self) -> None:
        def fail(state):
            raise ValueError(state["a"])

        result = profile_graph(graph_of(Typed, work=fail), *[{"a": 1}] * 3)
        assert result.profile.summary.failed == 3
        assert codes(result) == ["made_again"]
        assert "1 request more" in result.profile.warnings[0].message
        assert result.profile.errors[0].count == 3

    def test_a_node_that_fails_now_and_then_is_not_excused(self) -> None:
        calls = []

        def flaky(state):
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("this once")
            return {"b": state["a"]}

        result = profile_graph(graph_of(Typed, work=flaky), *[{"a": 1}] * 3)
        assert [request.outcome for request in result.profile.requests] == ["failed", "ok", "ok"]
        assert codes(result) == ["made_again"]
        assert node(result.profile, "work").reads == ["a"]

    def test_a_node_that_has_worked_is_not_suspected(self) -> None:
        def fragile(state):
            return {"b": 1 // state["a"]}

        result = profile_graph(graph_of(Typed, work=fragile), {"a": 1}, {"a": 0}, {"a": 2})
        assert result.profile.summary.failed == 1
        assert codes(result) == []

    def test_each_try_is_a_conversation_of_its_own(self) -> None:
        threads = []

        def work(state, config):
            threads.append(config["configurable"]["thread_id"])
            return {"made": NAMES[type(state)]}

        profile_graph(graph_of(Typed, work=work), {"a": 1})
        assert len(set(threads)) == len(threads) == 2

    def test_the_warm_up_finds_out_for_the_measurement(self) -> None:
        def work(state):
            return {"made": NAMES[type(state)]}

        result = profile_graph(graph_of(Typed, work=work), {"a": 1}, warmup=2)
        assert result.profile.summary.cold_s is None
        assert codes(result) == ["not_tracked"]
        assert node(result.profile, "work").calls == 1
