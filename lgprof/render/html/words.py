"""What the page says in words: the same as the terminal's report says."""

from __future__ import annotations

from typing import Any

from lgprof.model import ATTRIBUTION_CATEGORIES, CATEGORY_LABELS, LatencySummary, Profile, Summary
from lgprof.readable import count, plural, whole_percent
from lgprof.render.category_label import category_label
from lgprof.render.html.encoding import Names, number
from lgprof.render.terminal.category_colours import category_colours, is_dark
from lgprof.render.terminal.cost import cost_facts, whose_prices
from lgprof.render.terminal.latency import is_maximum, run_facts
from lgprof.render.terminal.load.arrivals import arrival_rate, peak_facts
from lgprof.render.terminal.load.fidelity import answers
from lgprof.render.terminal.load.latency import latency_rows, load_facts, population
from lgprof.render.terminal.load.percentiles import FIRM, is_firm
from lgprof.render.terminal.load.target import load_target_facts
from lgprof.render.terminal.page import Page
from lgprof.render.terminal.target import target_facts

Facts = list[list[str]]
_ARRIVALS = ("started", "completed", "failed", "timed_out", "cancelled", "dropped", "unsent")
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9}


def verdict(page: Page) -> list[dict[str, Any]]:
    """The first thing to know: a badge and why, one or two of them."""
    if page.profile.load is None:
        return [_run_verdict(page)]
    return [
        {"about": each.about, "badge": each.badge, "tone": each.tone, "reasons": each.reasons}
        for each in answers(page)
    ]


def _run_verdict(page: Page) -> dict[str, Any]:
    summary = page.profile.summary
    badge, tone = _outcome(summary)
    reasons = []
    if summary.latency_s is not None:
        reasons.append(
            f"{page.time(summary.latency_s.p50)} at the median"
            f" of {plural(summary.succeeded + summary.timed_out, 'request')}"
            f"{_mostly(page)}"
        )
    if page.profile.warnings:
        reasons.append(f"{plural(len(page.profile.warnings), 'warning')}, see below")
    return {"about": "the requests", "badge": badge, "tone": tone, "reasons": reasons}


def _outcome(summary: Summary) -> tuple[str, str]:
    lost = summary.failed + summary.timed_out
    if not summary.succeeded:
        return "NONE SUCCEEDED", "poor"
    if lost:
        share = f"{count(lost)} OF {count(summary.requests)} FAILED"
        return share, "poor" if summary.error_rate >= 0.5 else "fair"
    return "ALL SUCCEEDED", "good"


def _mostly(page: Page) -> str:
    """What most of the critical path is spent on, and where."""
    kinds: dict[str, float] = {}
    nodes: dict[str, float] = {}
    for row in page.profile.critical_path:
        kinds[row.kind] = kinds.get(row.kind, 0.0) + row.share
        if row.path:
            nodes[row.path] = nodes.get(row.path, 0.0) + row.share
    if not kinds or not nodes:
        return ""
    kind, node = max(kinds, key=lambda k: kinds[k]), max(nodes, key=lambda n: nodes[n])
    label = CATEGORY_LABELS.get(kind, kind)
    return (
        f"; of the critical path {whole_percent(kinds[kind])} is {label}, "
        f"and {whole_percent(nodes[node])} lies in {page.name(node)}"
    )


def target(page: Page) -> dict[str, Any]:
    """What was measured and on what."""
    profile = page.profile
    facts = load_target_facts(page) if profile.load else target_facts(page)
    return {
        "name": page.name(profile.target.name),
        "spec": page.clean(profile.target.spec),
        "kind": profile.kind,
        "mode": profile.target.mode,
        "created": profile.created,
        "lgprof": page.clean(profile.lgprof),
        "interrupted": profile.interrupted,
        "facts": _facts(facts),
    }


def latency(page: Page) -> dict[str, Any]:
    """The table of percentiles, those that the sample cannot tell marked as weak, and facts."""
    profile = page.profile
    summary = profile.summary
    sample = summary.succeeded + summary.timed_out
    if profile.load is not None:
        sample = profile.load.completed + profile.load.timed_out
        weak = [name for name, q in _PERCENTILES.items() if not is_firm(q, sample)]
        rows = [
            {
                "label": row.label,
                "p99_9": number(row.p99_9_s),
                **_summary(row.summary),
            }
            for row in latency_rows(profile.load)
        ]
        note = f"rests on fewer than {FIRM} requests: the next test may differ"
        facts, of = load_facts(page), population(profile.load)
    else:
        weak = [name for name, q in _PERCENTILES.items() if is_maximum(q, sample)]
        rows = []
        if summary.latency_s is not None:
            rows = [{"label": "latency"} | _summary(summary.latency_s)]
        note = "the only one" if sample == 1 else f"the slowest of {count(sample)}"
        facts, of = run_facts(page, summary), plural(sample, "successful request")
        if summary.timed_out:
            of = f"{plural(sample, 'request')}, {count(summary.timed_out)} of them timed out"
    return {"of": of, "rows": rows, "weak": weak, "weakNote": note, "facts": _facts(facts)}


def _summary(latency: LatencySummary) -> dict[str, Any]:
    return {name: number(getattr(latency, name)) for name in latency.__struct_fields__}


def arrivals(page: Page) -> dict[str, Any] | None:
    """What became of the arrivals of a load test."""
    load = page.profile.load
    if load is None:
        return None
    rows = []
    for name in ("offered", *_ARRIVALS):
        rate, words = arrival_rate(page, load, name)
        rows.append(
            {
                "name": name.replace("_", " "),
                "count": getattr(load, name),
                "rate": rate,
                "of": words,
            }
        )
    return {"rows": rows, "facts": _facts(peak_facts(page, load))}


def attribution(page: Page) -> dict[str, Any] | None:
    """Where the mean latency goes; None where no request gave one."""
    profile = page.profile
    seconds = {name: getattr(profile.attribution_s, name) or 0.0 for name in ATTRIBUTION_CATEGORIES}
    total = sum(seconds.values())
    if total <= 0:
        return None
    ordered = sorted((name for name in seconds if seconds[name] > 0), key=lambda n: -seconds[n])
    colours = category_colours([*ordered, "unattributed"], sixteen=False)
    places: dict[str, list[list[Any]]] = {}
    for row in sorted(profile.critical_path, key=lambda row: -row.mean_s):
        if row.path:
            places.setdefault(row.kind, []).append([page.name(row.path), number(row.mean_s)])
    sampled = profile.load.sampled_requests if profile.load else None
    return {
        "total": number(total),
        "label": "mean latency" if profile.load is None else "mean service time",
        "note": "mean per request, on its critical path"
        if sampled is None
        else f"mean of {plural(sampled, 'sampled request')}, on the critical path",
        "parts": [
            {
                "name": category_label(profile, name),
                "colour": colours[name],
                "dark": is_dark(colours[name]),
                "seconds": number(seconds[name]),
                "places": places.get(name, []),
            }
            for name in ordered
        ],
    }


def cost(page: Page) -> dict[str, Any] | None:
    """The bill in words; None without a model call."""
    rows = sorted(page.profile.models, key=lambda row: -(row.cost_usd or 0))
    if not rows:
        return None
    return {"facts": _facts(cost_facts(page, rows)), "prices": whose_prices(page)}


def environment(profile: Profile, names: Names) -> dict[str, Facts]:
    """Where it was measured, and the settings that shaped it."""
    found = profile.environment
    facts = [
        ("Python", found.python),
        ("LangGraph", found.langgraph),
        ("langchain-core", found.langchain_core),
        ("platform", found.platform),
        ("CPUs", str(found.cpu_count)),
        ("git commit", found.git_commit or "unknown"),
        ("working tree", {True: "changed", False: "clean", None: "unknown"}[found.git_dirty]),
        ("prices", found.prices_source or "none"),
        ("newest price", found.prices_date or "none"),
        ("inputs sha256", profile.target.inputs.sha256),
        ("measured", profile.created),
        ("lgprof", profile.lgprof),
    ]
    settings = [(name, _setting(value)) for name, value in sorted(profile.settings.items())]
    return {
        "environment": [[label, names.of(value)] for label, value in facts],
        "settings": [[names.of(label), names.of(value)] for label, value in settings],
    }


def _setting(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def warnings(page: Page) -> list[list[str | None]]:
    """Each warning with its fix."""
    return [
        [page.clean(each.message), page.clean(each.fix) if each.fix else None]
        for each in page.profile.warnings
    ]


def _facts(facts: list[tuple[str, str]]) -> Facts:
    return [[label, value] for label, value in facts]
