"""Predicts from a saved Profile what changes to the graph would bring."""

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
from lgprof.whatif.predict import Prediction, WhatIf, predict

__all__ = [
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
    "predict",
]
