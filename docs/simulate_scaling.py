"""Simulates the job on 1 to 1,000 machines: ``python docs/simulate_scaling.py`` prints the tables of docs/scaling.md.

It is a simulation of events: a driver starts tasks one by one, slots run them, machines fail, and tasks whose machine has failed,
or whose output is lost with it, run again. The times of tasks come from the results of the benchmark in docs/benchmark, all other
rates from the constants below. It knows nothing of queues in the network, of disks, or of other users.
"""

import heapq
import random
from dataclasses import dataclass
from math import exp
from pathlib import Path
from statistics import median

from bigdata_demos.bench import results

SLOTS = 8  # of a machine
DISPATCH = 0.003  # seconds of the driver for each task: 100 tasks that do nothing take 0.6 s on two slots (docs/performance.md)
FAILURES = 1 / (30 * 24 * 3600)  # of a machine, each second: one in 30 days
REPLACED = 60.0  # seconds until another machine has its place
NETWORK = 125e6  # bytes each second of a machine: 1 Gbit/s
BLOCK = 0.00002  # seconds to fetch a block of a shuffle, besides its bytes
SPREAD = 0.5  # of the logarithms of task times: one task in a hundred takes three times the median
SPLIT = 16 << 20  # bytes of WARC.gz for each map task
PAGE = 4_000  # bytes of WARC.gz for each page
MAX_BUCKETS = 4096
BROADCAST = 128 << 20  # the largest table of frequencies that is broadcast
PHRASES = 60.0  # phrases of a page that another page has as well; their number grows with the square root of the pages


@dataclass(frozen=True)
class Stage:
    """The tasks of a stage, in seconds each, and whether later stages need what they left on their machine."""

    tasks: list[float]
    keeps_output: bool


@dataclass
class Outcome:
    """What a simulated job took: seconds, tasks that were started, how many of them again, and the driver's busy seconds."""

    seconds: float
    tasks: int
    again: int
    driver: float


def task_times(number: int, mean: float, chance: random.Random) -> list[float]:
    """Draw the times of tasks from a log-normal distribution with a mean."""
    return [mean * exp(chance.gauss(-(SPREAD**2) / 2, SPREAD)) for _ in range(number)]


def simulate(stages: list[Stage], machines: int, slots: int, chance: random.Random, dispatch: float = DISPATCH) -> Outcome:
    """Run stages one after another on machines with some slots each."""
    now = driver = 0.0
    started = again = 0
    free = [(0.0, slot) for slot in range(machines * slots)]
    failure = chance.expovariate(FAILURES * machines)  # when the next machine fails
    for stage in stages:
        waiting, running = list(stage.tasks)[::-1], list[tuple[float, int, float]]()  # running: end, slot, duration
        done: dict[int, list[float]] = {}  # by machine
        free = [(max(now, at), slot) for at, slot in free]
        heapq.heapify(free)
        while waiting or running:
            if waiting and free and (not running or free[0][0] <= running[0][0]):
                at, slot = heapq.heappop(free)
                driver = max(driver, at) + dispatch
                duration = waiting.pop()
                heapq.heappush(running, (driver + duration, slot, duration))
                started += 1
                continue
            end, slot, duration = running[0]
            if failure < end:
                at, lost = failure, chance.randrange(machines)
                failure += chance.expovariate(FAILURES * machines)
                theirs = [one for one in running if one[1] // slots == lost]
                repeated = [one[2] for one in theirs] + (done.pop(lost, []) if stage.keeps_output else [])
                waiting += repeated
                again += len(repeated)
                running = [one for one in running if one[1] // slots != lost]
                heapq.heapify(running)
                free = [(at + REPLACED if one // slots == lost else since, one) for since, one in free]
                free += [(at + REPLACED, one) for _, one, _ in theirs]
                heapq.heapify(free)
                continue
            heapq.heappop(running)
            done.setdefault(slot // slots, []).append(duration)
            heapq.heappush(free, (end, slot))
            now = max(now, end)
    return Outcome(now, started, again, started * dispatch)


def job(
    pages: int, machines: int, map_seconds: float, score_seconds: float, chance: random.Random
) -> tuple[list[Stage], int, int, float]:
    """Return the stages of the job, its map tasks, its buckets, and the bytes of its table. Seconds are those of a page."""
    maps = max(24, pages * PAGE // SPLIT)
    buckets = min(max(8, pages * PAGE * 4 // (64 << 20)), MAX_BUCKETS)
    table = PHRASES * pages**0.5 * 1000 * 12
    sent = pages * 5_000  # bytes of frequencies: 5 KB for each page (docs/performance.md)
    fetch = sent / machines / NETWORK * (1 - 1 / machines) * SLOTS * machines / buckets + maps * BLOCK
    everywhere = table / NETWORK if table <= BROADCAST else sent / machines / NETWORK
    mapped = Stage(task_times(maps, map_seconds * pages / maps, chance), keeps_output=True)
    merged = Stage([fetch + sent / buckets / 200e6] * buckets, keeps_output=False)
    scored = Stage(
        [one + everywhere * SLOTS * machines / maps for one in task_times(maps, score_seconds * pages / maps, chance)], True
    )
    index = Stage([fetch / 5] * buckets, keeps_output=False)
    return [mapped, merged, scored, index], maps, buckets, table


def measured_runs(loaded: results.Results) -> list[results.Run]:
    """Return the runs of the largest size on the compose cluster."""
    of_cluster = (one for one in loaded.runs if one.contestant == "spark" and one.cluster and one.counts)
    return [one for one in of_cluster if one.size == loaded.sizes[-1]]


def check(loaded: results.Results) -> list[str]:
    """Return the rows of a table: what the simulation predicts for the compose cluster, beside what was measured there."""
    runs = [
        one for one in loaded.runs if one.contestant == "spark" and one.cluster and one.counts and one.size == loaded.sizes[-1]
    ]
    phases = {name: median(one.phases[name] for one in runs if one.workers == 1) for name in ("map", "score")}
    rows = ["| workers | measured work, s | simulated, s |", "|---|---|---|"]
    for workers in (1, 2):
        chance = random.Random(1)  # noqa: S311
        stages = [
            Stage(task_times(24, (seconds - 24 * DISPATCH) / 24, chance), keeps_output=False) for seconds in phases.values()
        ]
        measured = median(one.work or 0 for one in runs if one.workers == workers)
        rows.append(f"| {workers} | {measured:.1f} | {simulate(stages, workers, 1, chance).seconds:.1f} |")
    return rows


def predict(loaded: results.Results, machines: int) -> str:
    """Return the row of a table for a number of machines."""
    runs, pages = measured_runs(loaded), loaded.job(loaded.sizes[-1]).pages or 1
    each = {name: median(one.phases[name] for one in runs if one.workers == 1) / pages for name in ("map", "score")}
    wanted, chance = 3_000_000 * machines, random.Random(1)  # noqa: S311
    stages, maps, buckets, table = job(wanted, machines, each["map"], each["score"], chance)
    outcome = simulate(stages, machines, SLOTS, chance)
    ideal = wanted * (each["map"] + each["score"]) / machines / SLOTS
    cells = (
        f"{machines:,}", f"{wanted:,}", f"{outcome.seconds / 60:.0f}", f"{ideal / outcome.seconds:.0%}", f"{maps:,}",
        f"{maps * buckets:,}", f"{outcome.driver / outcome.seconds:.0%}", f"{outcome.again:,}", f"{table / 1e9:.1f} GB",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the tables."""
    loaded = results.load(Path(__file__).parent / "benchmark" / "results.json")
    print(*check(loaded), "", sep="\n")
    print("| machines | pages | minutes | ideal | map tasks | blocks | driver busy | tasks again | table of frequencies |")
    print("|---|---|---|---|---|---|---|---|---|")
    for machines in (1, 10, 100, 1000):
        print(predict(loaded, machines), flush=True)


if __name__ == "__main__":
    main()
