"""The report as one HTML file: everything in it, nothing fetched.

`content` makes the data of a Profile, `document` puts it with the scripts and styles beside this
file. The scripts are ES modules, one for each section of the page; no tool is needed to build them.
"""

from lgprof.render.html.report import html_report

__all__ = ["html_report"]
