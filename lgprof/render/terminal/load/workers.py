"""The worker processes, and what they used."""

from __future__ import annotations

from rich.text import Text

from lgprof.model import LoadWorker
from lgprof.readable import count, percent, plural, size, whole_percent
from lgprof.render.terminal import palette
from lgprof.render.terminal.node_table import small_bar
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.palette import Role
from lgprof.render.terminal.table import Column, table_lines


def worker_blocks(page: Page) -> list[Block]:
    """A row for each worker; empty where none came."""
    workers = page.load.workers
    if not workers:
        return []
    started = sum(worker.started for worker in workers)
    columns = [
        Column("worker", [Text(str(number)) for number in range(1, len(workers) + 1)], 100),
        Column("host", [Text(page.name(worker.host)) for worker in workers], 90, True, 10),
        Column("started", [Text(count(worker.started)) for worker in workers], 80),
        Column("share", [_share(worker, started) for worker in workers], 60),
        Column("CPU of one core", [_cpu(page, worker) for worker in workers], 95, True),
        Column("peak memory", [_memory(worker) for worker in workers], 85),
    ]
    lost = sum(worker.lost for worker in workers)
    if lost:
        cells = [Text("!lost" if worker.lost else "", palette.ERROR) for worker in workers]
        columns.append(Column("", cells, 99, True))
    note = f"{count(lost)} of {plural(len(workers), 'worker')} lost" if lost else ""
    return [Block("Workers", table_lines(page, columns), note)]


def _share(worker: LoadWorker, started: int) -> Text:
    return Text(percent(worker.started / started) if started else "-")


def _cpu(page: Page, worker: LoadWorker) -> Text:
    if worker.cpu_share is None:
        return Text("   ?", style=palette.QUIET)
    text = Text(whole_percent(worker.cpu_share).rjust(4)).append(" ")
    bar = small_bar(page, min(worker.cpu_share, 1.0))
    return text.append(bar, style=palette.bar_style(Role.NODE))


def _memory(worker: LoadWorker) -> Text:
    if worker.peak_rss_bytes is None:
        return Text("?", style=palette.QUIET)
    return Text(size(worker.peak_rss_bytes))
