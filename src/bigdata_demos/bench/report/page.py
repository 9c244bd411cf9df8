"""Renders the page of a benchmark as one self-contained HTML file without scripts."""

import shlex
from collections import Counter

from ...web.render import render
from ..engines.contestants import label
from ..formats import access_report
from ..results import Results
from .curves import cost_section, speedup_section
from .parts import Table
from .resources import CPU, MEMORY, resource_section, shuffle_section
from .sections import faster, ratio_section, stage_section, startup_section, time_section
from .summary import failed, rows
from .table import NONE, UNSTABLE_IS, headline, inputs, number, size_of


def page(results: Results) -> str:
    """Return the whole page."""
    sections = (
        [
            time_section(results),
            ratio_section(results),
            startup_section(results),
            stage_section(results),
            speedup_section(results),
            cost_section(results),
            resource_section(results, CPU),
            resource_section(results, MEMORY),
            shuffle_section(results),
        ]
        if results.runs
        else []
    )
    access = results.access
    return render(
        "benchmark",
        results=results,
        headline=headline(results),
        lead=_lead(results),
        faster=faster(results),
        warnings=warnings(results),
        sections=sections,
        peers=Table(("peer", "what it does"), list(results.notes.items()), [1]),
        command=shlex.join(results.command),
        environment=facts(results),
        runs=runs(results),
        **(access_report.section(access) | {"block_size": size_of(access.block_bytes)} if access else {"access": None}),
    )


def _lead(results: Results) -> str:
    rounds = len({one.round for one in results.runs if not one.cold})
    pages = " and ".join(f"{number(results.job(size).pages)}" for size in results.sizes)
    cold = ", after a cold one that is kept apart" if any(one.cold for one in results.runs) else ""
    counted = "1 round" if rounds == 1 else f"{rounds} rounds"
    runs = Counter((one.key, one.size) for one in results.runs if not one.cold)
    whole = min(runs.values(), default=0) == results.rounds
    left = "" if whole else f" (of {results.rounds}: it was stopped before its end)"
    right = len(results.runs) - len(failed(results))
    return (
        f"{pages} pages of {inputs(results)}, {counted}{left}{cold}; in each round every contestant once, in an order "
        f"shuffled with seed {results.seed}. {right} of {len(results.runs)} runs gave the right answer. "
        f"Made {results.created} on {results.machine.cpu}, {results.machine.cores} cores."
    )


def warnings(results: Results) -> list[str]:
    """Return what limits the figures: failures, absent contestants, unstable times, a busy machine."""
    said = [f"{label(one.key)}, size {one.size}, round {one.round} failed: {one.error}" for one in failed(results)]
    said += [f"{name} did not run: {why}" for name, why in results.absent.items()]
    for size in results.sizes:
        unstable = [row.label for row in rows(results, size) if row.unstable]
        said += [f"size {size}, unstable ({UNSTABLE_IS}): {', '.join(unstable)}"] if unstable else []
    load = results.machine.load_before
    if load is not None and load > results.machine.cores / 2:
        said.append(f"the machine was busy before the first run: load {load}")
    return said


def facts(results: Results) -> list[tuple[str, str]]:
    """Return machine, versions and inputs, as names and values."""
    machine = results.machine
    return [
        (
            "machine",
            f"{machine.host}, {machine.cpu}, {machine.cores} cores, {size_of(machine.memory_bytes)} of memory (id {machine.id})",
        ),
        ("kernel", machine.kernel),
        ("load before", NONE if machine.load_before is None else f"{machine.load_before:g}"),
        ("commit", results.commit or "not a git tree"),
        *results.versions.items(),
        *((f"digest, size {job.size}", job.digest or NONE) for job in results.jobs),
        *(
            (f"input, size {job.size}", f"{number(job.pages)} pages, {size_of(job.input_bytes)} as stored")
            for job in results.jobs
        ),
    ]


def runs(results: Results) -> Table:
    """Return the table of all runs."""
    body = []
    for index, one in enumerate(results.runs):
        body.append((
            f"{index}", label(one.key), f"{one.size}", "cold" if one.cold else f"{one.round}", one.started[:19].replace("T", " "),
            f"{one.seconds:.3f}", number(one.startup), number(one.work), number(one.cpu_seconds), size_of(one.peak_memory_bytes),
            number(one.pages), (one.digest or NONE)[:19], one.error or "",
        ))  # fmt: skip
    times = ("started (UTC)", "s", "start-up", "work", "CPU s")
    head = ("", "contestant", "size", "round", *times, "peak", "pages", "digest", "error")
    return Table(head, body, [12])
