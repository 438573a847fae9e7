"""What was run: the target, its inputs, the arrivals, the limits."""

from __future__ import annotations

from lgprof.model import Load, Stage
from lgprof.readable import count, plural, rps
from lgprof.render.terminal.facts import fact_lines
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.target import inputs_fact, target_fact, title_note, versions_fact

_KINDS = {"constant": "constant", "poisson": "Poisson"}


def load_target_blocks(page: Page) -> list[Block]:
    """The head of a load test's report."""
    name = page.clean(page.profile.target.name)
    return [Block(name, fact_lines(page, load_target_facts(page)), title_note(page))]


def load_target_facts(page: Page) -> list[tuple[str, str]]:
    """What was run, how requests arrived, and on what."""
    load, target = page.load, page.profile.target
    facts = [
        ("target", target_fact(page)),
        ("inputs", inputs_fact(page)),
        ("arrivals", _arrivals(page, load)),
    ]
    if len(load.stages) > 1:
        facts.append(("stages", _stages(page, load)))
    facts.append(("setup", _setup(page, load)))
    facts.append(("limits", _limits(load)))
    if load.abort_reason is not None:
        facts.append(("stopped", f"early, by --abort-on {page.clean(load.abort_reason)}"))
    facts.append(("checkpointer", page.clean(target.checkpointer or "none")))
    facts.append(("versions", versions_fact(page)))
    return facts


def _arrivals(page: Page, load: Load) -> str:
    duration = page.round_time(load.duration_s)
    if load.arrivals == "closed":
        think = f", {page.round_time(load.think_s)} of think time" if load.think_s else ""
        users = plural(load.users or 0, "user")
        return (
            f"closed model: {users}{think}, for {duration}; each waits for its answer, so they "
            "slow down with the graph, and latency counts from the actual start"
        )
    facts = [plural(load.offered, "arrival")]
    if len(load.stages) > 1:
        rate, facts = "on average", [*facts, _KINDS[load.arrivals]]
    else:
        rate = _KINDS[load.arrivals]
    if load.arrivals == "poisson":
        facts.append(f"seed {load.seed}")
    target = f"{rps(load.target_rps)} " if load.target_rps is not None else ""
    return f"{target}{rate} for {duration} ({', '.join(facts)})"


def _stages(page: Page, load: Load) -> str:
    return f" {page.glyphs.arrow} ".join(_stage(page, stage) for stage in load.stages)


def _stage(page: Page, stage: Stage) -> str:
    duration = page.round_time(stage.duration_s)
    if stage.from_rps == stage.to_rps:
        return f"{rps(stage.from_rps)} for {duration}"
    return f"to {rps(stage.to_rps)} in {duration}"


def _setup(page: Page, load: Load) -> str:
    facts = [_warm_up(page, load)]
    facts.append(plural(len(load.workers), "worker"))
    facts.append(f"{page.profile.target.mode} mode")
    return ", ".join(facts)


def _warm_up(page: Page, load: Load) -> str:
    if load.warm_up is None:
        return "no warm-up"
    warm_up = load.warm_up
    text = (
        f"{page.round_time(warm_up.duration_s)} of warm-up ({plural(warm_up.requests, 'request')}"
    )
    return f"{text}, {count(warm_up.failed)} failed)" if warm_up.failed else f"{text})"


def _limits(load: Load) -> str:
    if load.users is not None:
        facts = ["as many requests at once as there are users"]
    elif load.max_concurrent is None:
        facts = ["as many requests at once as the load asks for"]
    else:
        facts = [f"{plural(load.max_concurrent, 'request')} at once in each worker"]
    if load.max_in_flight is not None:
        facts.append(f"dropped beyond {load.max_in_flight:,} queued or running")
    return ", ".join(facts)
