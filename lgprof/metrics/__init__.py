"""Metrics: the one grammar that names any number of a Profile, and conditions on it."""

from lgprof.metrics.catalogue import Measure, Scope, measures
from lgprof.metrics.conditions import Condition, parse_condition
from lgprof.metrics.naming import Metric, metric_of, parse_metric
from lgprof.metrics.units import Unit

__all__ = [
    "Condition",
    "Measure",
    "Metric",
    "Scope",
    "Unit",
    "measures",
    "metric_of",
    "parse_condition",
    "parse_metric",
]
