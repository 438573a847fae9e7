"""Predicts from a saved Profile what changes to the graph would bring."""

from lgprof.whatif.ask import Answer, ask
from lgprof.whatif.changes import (
    BatchCalls,
    CacheNode,
    Change,
    Durability,
    Faster,
    FewerOutputTokens,
    MaxConcurrency,
    Parallel,
    PoolSize,
    PromptCacheUsed,
    RemoveBarrier,
    Retry,
    SwapCheckpointer,
    SwapModel,
    Unblock,
)
from lgprof.whatif.grammar import parse_what_if
from lgprof.whatif.predict import Prediction, WhatIf, predict

__all__ = [
    "Answer",
    "BatchCalls",
    "CacheNode",
    "Change",
    "Durability",
    "Faster",
    "FewerOutputTokens",
    "MaxConcurrency",
    "Parallel",
    "PoolSize",
    "Prediction",
    "PromptCacheUsed",
    "RemoveBarrier",
    "Retry",
    "SwapCheckpointer",
    "SwapModel",
    "Unblock",
    "WhatIf",
    "ask",
    "parse_what_if",
    "predict",
]
