"""What was run: the target, its inputs, how often and where."""

from __future__ import annotations

from lgprof.readable import count, plural
from lgprof.render.terminal.facts import fact_lines
from lgprof.render.terminal.page import Block, Page


def target_blocks(page: Page) -> list[Block]:
    """The head of the report."""
    name = page.clean(page.profile.target.name)
    return [Block(name, fact_lines(page, target_facts(page)), title_note(page))]


def target_facts(page: Page) -> list[tuple[str, str]]:
    """What was run, how often, and on what."""
    target = page.profile.target
    return [
        ("target", target_fact(page)),
        ("inputs", inputs_fact(page)),
        ("runs", _runs(page)),
        ("checkpointer", page.clean(target.checkpointer or "none")),
        ("versions", versions_fact(page)),
    ]


def title_note(page: Page) -> str:
    """Whose report it is, and whether it is of the whole measurement."""
    note = f"lgprof {page.profile.lgprof}"
    if page.profile.interrupted:
        note = f"{note}, interrupted: only what was measured until then"
    return page.clean(note)


def target_fact(page: Page) -> str:
    """The spec and the size of the graph."""
    target = page.profile.target
    shape = f"{plural(len(target.nodes), 'node')}, {plural(len(target.edges), 'edge')}"
    return f"{page.clean(target.spec)} ({shape})"


def inputs_fact(page: Page) -> str:
    """How many inputs, and where from."""
    inputs = page.profile.target.inputs
    number = plural(inputs.count, "input")
    if inputs.distinct != inputs.count:
        number = f"{number}, {count(inputs.distinct)} distinct"
    source = page.clean(inputs.source)
    return f"{number}, {source}" if source.startswith("made ") else f"{number}, from {source}"


def _runs(page: Page) -> str:
    summary = page.profile.summary
    facts = [plural(summary.requests, "request")]
    if summary.warmup:
        facts.append(f"after {count(summary.warmup)} to warm up")
    if summary.concurrency > 1:
        facts.append(f"{count(summary.concurrency)} at a time")
    else:
        facts.append("one at a time")
    facts.append(f"{page.profile.target.mode} mode")
    return ", ".join(facts)


def versions_fact(page: Page) -> str:
    """What it ran on."""
    environment = page.profile.environment
    facts = [
        f"Python {environment.python}",
        f"LangGraph {environment.langgraph}",
        f"langchain-core {environment.langchain_core}",
        f"{environment.platform}, {plural(environment.cpu_count, 'CPU')}",
    ]
    if environment.git_commit:
        changed = " with changes" if environment.git_dirty else ""
        facts.append(f"commit {environment.git_commit[:10]}{changed}")
    return page.clean(", ".join(facts))
