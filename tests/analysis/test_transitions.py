"""Which node followed which, from the supersteps and the wiring."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send

from lgprof.analysis.transitions import Course, courses
from tests.profiling import profile_graph


class State(TypedDict, total=False):
    turns: int
    found: Annotated[list[int], operator.add]


def nothing(state: Any) -> dict[str, Any]:
    return {"found": []}


def count_up(state: Any) -> dict[str, Any]:
    return {"turns": state.get("turns", 0) + 1}


def taken(course: Course) -> dict[tuple[str, str], int]:
    return {pair: each.count for pair, each in course.transitions.items() if each.count}


def course_of(graph: Any, path: str = "", runs: int = 2) -> Course:
    return courses(profile_graph(graph, requests=runs).profile)[path]


def test_a_loop_and_its_way_out_are_told_apart():
    graph = StateGraph(State)
    graph.add_node("agent", count_up)
    graph.add_node("tools", nothing)
    graph.add_node("unused", nothing)
    graph.add_edge(START, "agent")
    graph.add_conditional_edges(
        "agent", lambda state: "tools" if state["turns"] < 3 else END, ["tools", "unused", END]
    )
    graph.add_edge("tools", "agent")
    course = course_of(graph.compile())
    assert taken(course) == {
        ("__start__", "agent"): 2,
        ("agent", "tools"): 4,
        ("tools", "agent"): 4,
        ("agent", "__end__"): 2,
    }
    assert course.nodes == {"agent": {1, 3, 5}, "tools": {2, 4}, "unused": set()}
    assert course.transitions["agent", "unused"].count == 0
    assert course.transitions["agent", "tools"].conditional
    assert not course.transitions["tools", "agent"].conditional


def test_a_join_counts_for_each_node_that_it_waited_for():
    graph = StateGraph(State)
    for name in ("short", "long", "longer", "join"):
        graph.add_node(name, nothing)
    graph.add_edge(START, "short")
    graph.add_edge(START, "long")
    graph.add_edge("long", "longer")
    graph.add_edge(["short", "longer"], "join")
    course = course_of(graph.compile(), runs=1)
    assert taken(course) == {
        ("__start__", "short"): 1,
        ("__start__", "long"): 1,
        ("long", "longer"): 1,
        ("short", "join"): 1,
        ("longer", "join"): 1,
        ("join", "__end__"): 1,
    }
    assert course.first_step == {"short": 1, "long": 1, "longer": 2, "join": 3}


def test_sends_count_each_task():
    graph = StateGraph(State)
    graph.add_node("split", nothing)
    graph.add_node("work", nothing)
    graph.add_edge(START, "split")
    graph.add_conditional_edges("split", lambda state: [Send("work", {})] * 5, ["work"])
    assert taken(course_of(graph.compile(), runs=1))["split", "work"] == 5


def test_a_jump_that_is_not_declared_is_inferred():
    graph = StateGraph(State)
    graph.add_node("first", lambda state: Command(goto="second"))
    graph.add_node("second", nothing)
    graph.add_edge(START, "first")
    course = course_of(graph.compile(), runs=1)
    jump = course.transitions["first", "second"]
    assert (jump.count, jump.declared) == (1, False)


def test_a_nested_graph_has_a_course_of_its_own():
    inner = StateGraph(State)
    inner.add_node("one", nothing)
    inner.add_node("two", nothing)
    inner.add_edge(START, "one")
    inner.add_edge("one", "two")
    inner.add_edge("two", END)
    outer = StateGraph(State)
    outer.add_node("inside", inner.compile())
    outer.add_edge(START, "inside")
    course = course_of(outer.compile(), "inside", runs=3)
    assert taken(course) == {
        ("inside/__start__", "inside/one"): 3,
        ("inside/one", "inside/two"): 3,
        ("inside/two", "inside/__end__"): 3,
    }
