"""The graph as a picture: nodes by superstep, heat by share of the critical path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from lgprof.errors import UsageError
from lgprof.model import Profile
from lgprof.readable import count, plural, whole_percent
from lgprof.render.flame_diff_text import diff_colour
from lgprof.render.graph_marks import SIGNS, Marks
from lgprof.render.html.encoding import Names
from lgprof.render.html.graph import graph
from lgprof.render.terminal.charset import UNICODE
from lgprof.render.terminal.text import clean, fit_middle

_PAD, _TITLE = 16, 34
_CHARACTER = 8.2
_KEY = (
    "time per request: red more, blue less, with the change",
    "+ and a heavy line: new · - and dots: gone",
)
_KEY_WIDTH = 330
_COLD, _HOT = (238, 243, 250), (229, 116, 60)
_STYLE = """
text { font: 13px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #1b1f24; }
.title { font-size: 15px; font-weight: bold; }
.quiet { font-size: 11.5px; fill: #4c545e; }
.facts { font-size: 11.5px; }
.edge { fill: none; stroke: #7b8694; }
.conditional { stroke-dasharray: 5 4; }
.untaken { stroke: #c4cbd3; }
.added { stroke: #b5402f; stroke-width: 2.5; }
.removed { stroke: #3f7cc4; stroke-dasharray: 3 4; }
.count { font-size: 11px; text-anchor: middle; }
"""


def graph_svg(profile: Profile, marks: Marks | None = None) -> str:
    """The graph of a Profile; with requests, edges tell how often they were taken.

    Args:
        profile: Whose graph it is.
        marks: What differs from another Profile's graph: then nodes are coloured by that.

    Raises:
        UsageError: There is no node to draw, or more than can be read.
    """
    picture = graph(profile, Names(lambda name: clean(name).strip() or "(unnamed)"), marks)
    if picture is None:
        raise UsageError("no picture of the graph: no node is known, or more than can be read")
    width, height = picture["width"] + 2 * _PAD, picture["height"] + 2 * _PAD + _TITLE
    key = ""
    if marks is not None:
        width = max(width, _KEY_WIDTH)
        key = "".join(_key_line(line, height + 16 * at) for at, line in enumerate(_KEY))
        height += 16 * len(_KEY)
    title = escape(clean(profile.target.name))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n<style><![CDATA[{_STYLE}]]></style>\n'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
        'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        '<path d="M0 .6 7.4 4 0 7.4z" fill="#7b8694"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f'<text class="title" x="{_PAD}" y="25">{title}</text>\n'
        f'<g transform="translate({_PAD} {_PAD + _TITLE})">\n'
        + "\n".join(_parts(picture))
        + f"\n</g>\n{key}</svg>\n"
    )


def _key_line(text: str, y: float) -> str:
    return f'<text class="quiet" x="{_PAD}" y="{y}">{text}</text>\n'


def _parts(picture: dict[str, Any]) -> Iterator[str]:
    """Boxes around other graphs first, so that edges are seen before them."""
    nodes = picture["nodes"]
    yield from (_box(node) for node in nodes if "inner" in node)
    for edge in picture["edges"]:
        yield from _edge(edge)
    yield from (
        _pill(node) if "end" in node else _box(node) for node in nodes if "inner" not in node
    )
    for node in nodes:
        if "inner" in node:
            x, y = node["x"] + node["inner"]["dx"], node["y"] + node["inner"]["dy"]
            yield f'<g transform="translate({x} {y})">'
            yield from _parts(node["inner"])
            yield "</g>"


def _edge(edge: dict[str, Any]) -> Iterator[str]:
    taken = edge["count"] > 0
    dashed = edge.get("conditional") or edge.get("inferred")
    kind = f"edge{' conditional' if dashed else ''}{'' if taken else ' untaken'}"
    if presence := edge.get("presence"):
        kind = f"edge {presence}"
    width = 1.8 if taken else 1.2
    yield f'<path class="{kind}" d="{edge["d"]}" stroke-width="{width}" marker-end="url(#arrow)"/>'
    if taken:
        text = count(edge["count"])
        half = len(text) * 3.4 + 5
        yield (
            f'<rect x="{edge["x"] - half}" y="{edge["y"] - 8}" width="{2 * half}" height="16" '
            f'rx="8" fill="#ffffff" stroke="#c4cbd3"/>'
            f'<text class="count" x="{edge["x"]}" y="{edge["y"] + 4}">{text}</text>'
        )


def _pill(node: dict[str, Any]) -> str:
    x, y, width, height = (node[key] for key in "xywh")
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{height / 2}" '
        f'fill="#f4f6f8" stroke="#7b8694"/><text class="quiet" text-anchor="middle" '
        f'x="{x + width / 2}" y="{y + height / 2 + 4}">{node["end"]}</text>'
    )


def _box(node: dict[str, Any]) -> str:
    x, y, width, height = (node[key] for key in "xywh")
    top = y + 21 if "inner" in node or node["calls"] else y + height / 2 + 5
    label = fit_middle(node["label"], int((width - 24) / _CHARACTER), UNICODE.ellipsis)
    if "diff" in node:
        return _marked(node, top, label)
    fill = "#fafbfc" if "inner" in node else _heat(node.get("time") or 0.0)
    facts = ""
    if node["calls"]:
        failed = f", {count(node['errors'])} failed" if node.get("errors") else ""
        told = f"{whole_percent(node.get('time') or 0.0)} · {plural(node['calls'], 'call')}{failed}"
        facts = f'<text class="quiet" x="{x + 12}" y="{top + 17}">{escape(told)}</text>'
    return (
        f"<g><title>{escape(node['path'])}</title>"
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="9" fill="{fill}" '
        f'stroke="#7b8694"/><text x="{x + 12}" y="{top}">{escape(label)}</text>{facts}</g>'
    )


def _marked(node: dict[str, Any], top: float, label: str) -> str:
    """A box of what differs, told by its sign and percentage, too."""
    x, y, width, height = (node[key] for key in "xywh")
    mark = node["diff"]
    name = f"{SIGNS[mark['presence']]} {label}".lstrip()
    border = "" if mark["presence"] == "both" else f' class="{mark["presence"]}"'
    fill = diff_colour(mark["tone"])
    if "inner" in node:  # a light shade: its nodes have colours of their own
        fill = diff_colour(max(-1, min(mark["tone"], 1))) if mark["tone"] else "#fafbfc"
    if not node["calls"] and "inner" not in node:
        top -= 9
    return (
        f"<g><title>{escape(node['path'])}: {escape(mark['told'] or mark['text'])}</title>"
        f'<rect{border} x="{x}" y="{y}" width="{width}" height="{height}" rx="9" fill="{fill}" '
        f'stroke="#7b8694"/><text x="{x + 12}" y="{top}">{escape(name)}</text>'
        f'<text class="facts" x="{x + 12}" y="{top + 17}">{escape(mark["text"])}</text></g>'
    )


def _heat(share: float) -> str:
    """A colour for a share of the critical path; a small one is to be seen, too."""
    at = 0.06 + 0.94 * min(share, 1.0) ** 0.5 if share > 0 else 0.0
    parts = [round(cold + (hot - cold) * at) for cold, hot in zip(_COLD, _HOT, strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*parts)
