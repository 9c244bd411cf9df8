"""Processes that tests start, or look at."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

import psutil


def listening(processes: Iterable[psutil.Process]) -> set[tuple[str, int]]:
    """The addresses and ports that processes listen on, IPv4 as such; of one that has ended there are none."""
    return {
        (plain(one.laddr.ip), one.laddr.port)
        for process in processes
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    }


def plain(address: str) -> str:
    """An address, of IPv4 also where it is written as one of IPv6 (as Java's sockets do)."""
    read = ip_address(address)
    return str(read.ipv4_mapped) if isinstance(read, IPv6Address) and read.ipv4_mapped else address


def tree(pid: int | None = None) -> list[psutil.Process]:
    """A process (None: this one) and all that it has started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def kill_and_wait(pid: int) -> None:
    """Kill a process, and wait until it has ended."""
    process = psutil.Process(pid)
    process.kill()
    process.wait(30)
