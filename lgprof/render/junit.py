"""A verdict as JUnit XML: a test case per check, as CI systems read it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from lgprof.model import Check, Verdict
from lgprof.render.check_words import decision, name, sentence
from lgprof.render.quantity import bound

_SUITE = "lgprof gate"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


def junit(verdict: Verdict) -> bytes:
    """The XML, in UTF-8. What is undecided is skipped, or an error where it is invalid."""
    suite = ElementTree.Element("testsuite", name=_SUITE)
    for check in verdict.checks:
        suite.append(_case(check, verdict))
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.set("tests", str(len(verdict.checks)))
    for attribute, tag in counts.items():
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", f"{verdict.elapsed_s:.3f}")
    if verdict.reasons or verdict.warnings:
        output = ElementTree.SubElement(suite, "system-out")
        output.text = _clean("\n".join([*verdict.reasons, *verdict.warnings]))
    suites = ElementTree.Element("testsuites", {key: suite.attrib[key] for key in suite.attrib})
    suites.append(suite)
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _case(check: Check, verdict: Verdict) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_clean(f"{_SUITE}.{check.node or 'graph'}"))
    case.set("name", _clean(_case_name(check)))
    message = _clean(sentence(check))
    if check.verdict == "fail":
        failure = ElementTree.SubElement(case, "failure", message=message, type="regression")
        failure.text = message
    elif check.verdict == "inconclusive":
        if verdict.invalid:
            ElementTree.SubElement(case, "error", message=message, type="invalid")
        else:
            ElementTree.SubElement(case, "skipped", message=f"{decision(check)}: {message}")
    else:
        ElementTree.SubElement(case, "system-out").text = message
    return case


def _case_name(check: Check) -> str:
    """With the limit of a budget: the same metric may be held to a base too."""
    is_budget = check.base is None and bound(check)
    return f"{name(check)} {bound(check)}" if is_budget else name(check)


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
