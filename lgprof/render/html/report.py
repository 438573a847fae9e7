"""From a Profile to the bytes of the page."""

from __future__ import annotations

from typing import Any

from lgprof.analysis.collector import collector_paused
from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.model import Profile
from lgprof.render.html import tables, words
from lgprof.render.html.curves import curves
from lgprof.render.html.document import document
from lgprof.render.html.encoding import Names
from lgprof.render.html.flames import flames
from lgprof.render.html.graph import graph
from lgprof.render.html.over_time import over_time
from lgprof.render.html.requests import requests
from lgprof.render.html.timelines import timelines
from lgprof.render.terminal.charset import UNICODE
from lgprof.render.terminal.critical import critical_spans
from lgprof.render.terminal.page import Page

_WIDTH = 200


def html_report(profile: Profile, flame: FlameOptions = NODE_SECONDS) -> bytes:
    """One file that opens from disk in any current browser, without a network.

    Args:
        profile: Of a run or a load test.
        flame: The flame graph that is shown first; the others are in the page, too.
    """
    return document(f"{profile.target.name} · lgprof", content(profile, flame)).encode()


@collector_paused()
def content(profile: Profile, flame: FlameOptions = NODE_SECONDS) -> dict[str, Any]:
    """Everything that the page shows, by section."""
    page = Page(
        profile=profile,
        width=_WIDTH,
        glyphs=UNICODE,
        colour=True,
        sixteen_colours=False,
        critical_spans=critical_spans,
    )
    names = Names(page.name)
    return {
        "target": words.target(page),
        "verdict": words.verdict(page),
        "latency": words.latency(page),
        "curves": curves(profile, names),
        "arrivals": words.arrivals(page),
        "overTime": over_time(profile, names),
        "requests": requests(profile),
        "attribution": words.attribution(page),
        "graph": graph(profile, names),
        "timelines": timelines(profile, names),
        "flames": flames(profile, names, flame),
        "nodes": tables.nodes(profile, names),
        "models": tables.models(profile, names),
        "tools": tables.tools(profile, names),
        "cost": words.cost(page),
        "advice": tables.advice(profile, names),
        "errors": tables.errors(profile, names),
        "warnings": words.warnings(page),
        "workers": tables.workers(profile, names),
        **words.environment(profile, names),
    }
