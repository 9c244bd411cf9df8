"""What the reader ran: the findings of experiments and benchmarks of this machine, or the commands that make them."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..experiments import EXPERIMENTS, conclusion, records
from . import figures
from .sheets import Sheet


@dataclass(frozen=True)
class Ran:
    """A finding with where it comes from, or what an experiment would show (``where`` is "" then), and the command."""

    finding: str
    where: str
    command: str


def of_sheet(sheet: Sheet, recorded: Mapping[str, records.Record], measured: figures.Measured | None) -> list[Ran]:
    """Return what there is to quote for a sheet, and what could be run."""
    listed = []
    if (said := figures.sentence(measured)) and measured:
        listed.append(Ran(said, f"{measured.created}, {measured.cores} cores, {measured.cpu}", measured.command))
    for name in sheet.experiments:
        if one := recorded.get(name):
            where = f"{one.data}; {figures.moment(one.created)}, {one.machine.cores} cores, {one.machine.cpu}"
            listed.append(Ran(conclusion(one.finding, holds=one.holds), where, one.command))
        else:
            listed.append(Ran(f"Not run here yet: {EXPERIMENTS[name].title}.", "", f"bigdata-demos experiments run {name}"))
    return listed
