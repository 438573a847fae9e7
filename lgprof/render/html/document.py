"""The page around the data: template, styles, scripts, and a policy that allows these alone.

The scripts are ES modules. `bundle` joins them in the order of their imports: each becomes a
function that returns what it exports, so that the page opens from disk and nothing needs a build.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache
from importlib import resources
from string import Template
from typing import Any

from lgprof.render.html.encoding import script_json

_HERE = resources.files("lgprof.render.html")
_STYLES = (
    *("base.css", "sections.css", "graph.css", "timeline.css", "flame.css", "diff.css"),
    "print.css",
)
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const|let) (\w+)", re.MULTILINE)


def document(title: str, content: dict[str, Any], entry: str = "main") -> str:
    """The whole page.

    Args:
        title: Of the window.
        content: The data that the script reads.
        entry: Name of the script that builds the page.
    """
    scripts = bundle(entry)
    library = _read("vendor/uplot/uPlot.iife.min.js") if "uPlot" in scripts else ""
    styles = [_read(f"styles/{name}") for name in _STYLES]
    if library:
        styles.insert(0, _read("vendor/uplot/uPlot.min.css"))
    style = "\n".join(styles)
    return Template(_read("page.html")).substitute(
        policy=html.escape(_policy([library, scripts], style)),
        title=html.escape(title),
        styles=style,
        data=script_json(content),
        library=_chart_library(library) if library else "",
        scripts=scripts,
    )


def _chart_library(code: str) -> str:
    licence = html.escape(_read("vendor/uplot/LICENSE"))
    return f"<!-- uPlot\n{licence}\n-->\n<script>{code}</script>"


def _policy(scripts: list[str], styles: str) -> str:
    """Nothing may be loaded or sent; only these very scripts and styles run."""
    allowed = " ".join(_hash(script) for script in scripts if script)
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {allowed}",
            f"style-src {_hash(styles)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def bundle(entry: str = "main") -> str:
    """All modules that the entry imports, each after those that it imports itself.

    Raises:
        ValueError: Modules import each other in a circle.
    """
    done: dict[str, str] = {}

    def add(name: str, around: tuple[str, ...]) -> None:
        if name in around:
            raise ValueError(f"modules import each other: {' -> '.join([*around, name])}")
        if name not in done:
            source = _read(f"scripts/{name}.js")
            for _, other in _IMPORT.findall(source):
                add(other, (*around, name))
            done[name] = _as_function(name, source)

    add(entry, ())
    return "\n".join(["const modules = {};", *done.values()])


def _as_function(name: str, source: str) -> str:
    exports = ", ".join(found for _, found in _EXPORT.findall(source))
    body = _IMPORT.sub(_import_from, _EXPORT.sub(r"\1 \2", source))
    return f"modules[{name!r}] = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();"


def _import_from(found: re.Match[str]) -> str:
    names, module = found.groups()
    return f"const {{{names.replace(' as ', ': ')}}} = modules[{module!r}];"


@cache
def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")
