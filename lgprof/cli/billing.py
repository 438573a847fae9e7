"""From what was typed, the environment and the settings to how calls are billed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgprof.cli.reading import Choice, Reader, choose, read
from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.llm.price_table import PriceTable, parse_price_table, read_price_file
from lgprof.run.options import Billing


def _price_table(choice: Choice) -> PriceTable:
    if isinstance(choice.value, dict):
        return parse_price_table(choice.value, choice.where)
    return read_price_file(choice.folder / choice.value, choice.where)


def _traffic(choice: Choice) -> float:
    requests = float(choice.value)
    if not 0 < requests < math.inf:
        raise UsageError(f"{choice.where}: {choice.value} is no number of requests")
    return requests


_BILLING: dict[str, Reader] = {"prices": _price_table, "monthly_requests": _traffic}


def read_billing(
    typed: Mapping[str, Any], settings: Settings, cwd: Path, variables: Mapping[str, str]
) -> Billing:
    """The user's own prices, and the traffic to project costs to.

    Args:
        typed: Values by parameter; None where not given.
        settings: Of the project.
        cwd: Where relative paths that were typed start.
        variables: Parameters whose value is that of their variable, with its name.

    Raises:
        UsageError: A value that cannot be read.
    """
    choices = choose(typed, settings, cwd, variables, _BILLING)
    return Billing(**read(choices, _BILLING, {}))
