"""Renders the page from ``page.html.jinja`` as one self-contained HTML file without scripts."""

import shlex
from collections import Counter

import jinja2

from ..engines.contestants import label
from ..formats import access_report
from ..results import CONTROL, PEER, Results
from .curves import cost_section, speedup_section
from .parts import Table
from .resources import CPU, MEMORY, resource_section, shuffle_section
from .sections import ratio_section, stage_section, startup_section, time_section
from .summary import costs, failed, rows
from .table import NONE, UNSTABLE_IS, number, size_of


def page(results: Results) -> str:
    """Return the whole page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=number, size_of=size_of)
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
    return environment.get_template("page.html.jinja").render(
        results=results,
        largest=results.job(results.sizes[-1]),
        lead=_lead(results),
        tiles=_tiles(results),
        warnings=warnings(results),
        sections=sections,
        peers=Table(("peer", "what it does"), list(results.notes.items()), [1]),
        command=shlex.join(results.command),
        environment=facts(results),
        runs=runs(results),
        **(access_report.section(results.access) if results.access else {"access": None}),
    )


def _lead(results: Results) -> str:
    rounds = len({one.round for one in results.runs if not one.cold})
    pages = " and ".join(f"{number(results.job(size).pages)}" for size in results.sizes)
    cold = ", after a cold one that is kept apart" if any(one.cold for one in results.runs) else ""
    counted = "1 round" if rounds == 1 else f"{rounds} rounds"
    runs = Counter((one.key, one.size) for one in results.runs if not one.cold)
    whole = min(runs.values(), default=0) == results.rounds
    left = "" if whole else f" (of {results.rounds}: it was stopped before its end)"
    return (
        f"{pages} pages of {', '.join(results.inputs)}, {counted}{left}{cold}; in each round every contestant once, in an order "
        f"shuffled with seed {results.seed}. Made {results.created} on {results.machine.cpu}, {results.machine.cores} cores."
    )


def _tiles(results: Results) -> list[tuple[str, str]]:
    """Return the key figures of the largest size, each with a caption."""
    if not results.runs:
        return []
    size = results.sizes[-1]
    engines = [row for row in rows(results, size) if row.kind != PEER and row.seconds]
    shown = [(f"{number(row.rate)} pages/s", "serial, one thread") for row in engines if row.key[0] == CONTROL]
    rivals = [row for row in engines if row.ratio and row.key[0] != CONTROL]
    if rivals:
        best = min(rivals, key=lambda row: row.ratio.middle if row.ratio else 0)
        assert best.ratio is not None
        shown.append((f"{best.ratio.middle:.2f} × serial", f"least time: {best.label}"))
    beaten = sorted({one.name for one in costs(results, size) if one.workers})
    shown.append(
        (f"{len(beaten)} of {len({row.key[0] for row in rivals})}", f"engines beat one thread: {', '.join(beaten) or 'none'}")
    )
    wrong = failed(results)
    answers = f"{len(results.runs) - len(wrong)} of {len(results.runs)}"
    shown.append((answers, "runs finished with the right answer"))
    return shown


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
