"""Processes that tests start, or look at."""

import psutil


def addresses_of(process: psutil.Process) -> set[str]:
    """The addresses that a process listens on; of one that has ended, and waits to be asked how, there is nothing to know."""
    if process.status() == psutil.STATUS_ZOMBIE:
        return set()
    return {one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN}


def kill_and_wait(pid: int) -> None:
    """Kill a process, and wait until it has ended."""
    process = psutil.Process(pid)
    process.kill()
    process.wait(30)
