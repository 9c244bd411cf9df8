"""The page: one file of HTML with all that it needs, no scripts, no network."""

import shlex
from collections import Counter
from collections.abc import Sequence

from .access_report import access_section
from .contestants import label
from .curves import cost_section, speedup_section
from .parts import section, table
from .resources import CPU, MEMORY, resource_section, shuffle_section
from .results import CONTROL, FILE, PEER, Results
from .sections import ratio_section, stage_section, startup_section, time_section
from .style import style
from .summary import costs, failed, rows
from .svg import esc
from .table import NONE, UNSTABLE_IS, number, size_of


def page(results: Results) -> str:
    """The whole page."""
    title = f"bigdata_demos benchmark, {results.created[:10]}"
    parts = [f'<h1>One job on every engine</h1><p class="dim">{esc(lead(results))}</p>', tiles(results), trouble(results)]
    if results.runs:
        parts += [
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
    parts += [access_section(results.access)] if results.access else []
    parts += [peers(results), environment(results), raw(results)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{esc(title)}</title><style>{style()}</style></head><body><main>\n{chr(10).join(parts)}\n</main></body></html>\n"
    )


def lead(results: Results) -> str:
    """What was measured, in a sentence or two."""
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


def tiles(results: Results) -> str:
    """The largest size in a few figures."""
    if not results.runs:
        return '<p class="note">No run has ended.</p>'
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
    inside = "".join(
        f'<div class="tile"><b>{esc(figure)}</b><span class="dim">{esc(what)}</span></div>' for figure, what in shown
    )
    return f'<p class="note">At {number(results.job(size).pages)} pages:</p><div class="tiles">{inside}</div>'


def trouble(results: Results) -> str:
    """What keeps the figures from being what they seem: failures, and times that scatter."""
    said = [f"{label(one.key)}, size {one.size}, round {one.round} failed: {one.error}" for one in failed(results)]
    said += [f"{name} did not run: {why}" for name, why in results.absent.items()]
    for size in results.sizes:
        unstable = [row.label for row in rows(results, size) if row.unstable]
        said += [f"size {size}, unstable ({UNSTABLE_IS}): {', '.join(unstable)}"] if unstable else []
    load = results.machine.load_before
    if load is not None and load > results.machine.cores / 2:
        said.append(f"the machine was busy before the first run: load {load}")
    if not said:
        return ""
    return (
        f'<div class="warn" role="note"><strong>Mind:</strong><ul>{"".join(f"<li>{esc(text)}</li>" for text in said)}</ul></div>'
    )


def peers(results: Results) -> str:
    """What peers do less or more than the job."""
    if not results.notes:
        return ""
    body = [(name, note) for name, note in results.notes.items()]
    words = "Not the same job: what others would write first. Their counts must be one another's before a time of theirs counts."
    return section("Peers: what they do less, or more", words, table(("peer", "what it does"), body, [1]))


def environment(results: Results) -> str:
    """Machine, versions, command."""
    machine = results.machine
    facts: Sequence[tuple[str, str]] = [
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
    listed = "".join(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in facts)
    command = f"<pre>{esc(shlex.join(results.command))}</pre>"
    words = "A commit that ends in + had changes that were not committed."
    return section("Environment and exact command", words, f"{command}<dl>{listed}</dl>")


def raw(results: Results) -> str:
    """Every run, as a table."""
    body = []
    for index, one in enumerate(results.runs):
        body.append((
            f"{index}", label(one.key), f"{one.size}", "cold" if one.cold else f"{one.round}", one.started[:19].replace("T", " "),
            f"{one.seconds:.3f}", number(one.startup), number(one.work), number(one.cpu_seconds), size_of(one.peak_memory_bytes),
            number(one.pages), (one.digest or NONE)[:19], one.error or "",
        ))  # fmt: skip
    head = (
        "",
        "contestant",
        "size",
        "round",
        "started (UTC)",
        "s",
        "start-up",
        "work",
        "CPU s",
        "peak",
        "pages",
        "digest",
        "error",
    )
    inside = f"<details><summary>{len(body)} runs</summary>{table(head, body, [12])}</details>"
    beside = f'<p class="note">The same as JSON, with all phases: <a href="{FILE}">{FILE}</a> beside this page.</p>'
    return section("Every run", "In the order in which they ran.", inside + beside)
