"""Graphs to try lgprof on: what LangGraph engineers really build, without keys or network.

Each module exports a compiled graph `app`; realistic inputs lie beside it in `<module>.jsonl`,
one request a line. Its docstring says what it models and which flaws it contains on purpose:

    lgprof run sample_graphs.customer_support:app -i @sample_graphs/customer_support.jsonl

How long a request takes and what it answers depends on its input alone, not on the order of the
requests, save in `caching` and `resilient`, where what one request leaves to the next is the point.
"""
