"""The one grammar that names a number of a Profile: for budgets, gates, diffs and load conditions."""

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
