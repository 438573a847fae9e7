"""What LangGraph, asyncio and threads cost where a change adds them.

Chosen once, on 2 shared cores with Python 3.11 and LangGraph 1.2.22, from the differences between
small graphs whose nodes wait: after a wait the same code takes two to four times as long as in a
tight loop. They are not measured anew on the user's machine; ``tests/benchmarks/whatif.py`` shows
how true the predictions are that rest on them. What a change takes away is not looked up here but
taken from the recording.
"""

from __future__ import annotations

BESIDE_S = 0.0001
"""A task in a superstep with others, over one that is alone in it, on the event loop."""
THREAD_START_S = 0.0005
"""The same in a sync run, whose thread pool starts with it."""
THREAD_HOP_S = 0.00025
"""From the event loop to a thread of its executor and back."""
TIMER_S = 0.0002
"""How much later than asked a sleep ends."""
CHECKPOINT_S = 0.0001
"""What LangGraph does on the event loop for one checkpoint, its writing apart."""
SAVER_BESIDE_S = 0.00015
"""What an operation of a saver in a thread takes from the node that it runs beside."""
