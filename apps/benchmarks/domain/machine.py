"""CPU and memory of processes and of the machine, sampled from outside the measured ones."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Sample:
    """cpu_percent: 100 is one core. For the system, rss_bytes is the memory in use."""

    part: str
    cpu_percent: float
    rss_bytes: int


class Sampler:
    """Follows named processes with their children. A process that ended or may not be read is left out."""

    def __init__(self, parts: Mapping[str, int]) -> None:
        self._parts = {part: _Tree(pid) for part, pid in parts.items()}
        self._cores = psutil.cpu_count() or 1
        self.sample()

    def sample(self) -> list[Sample]:
        """CPU since the last call and memory now."""
        samples = []
        for part, tree in self._parts.items():
            if (value := tree.sample()) is not None:
                samples.append(Sample(part, *value))
        used = psutil.virtual_memory()
        cpu = psutil.cpu_percent() * self._cores
        samples.append(Sample(SYSTEM, round(cpu, 1), int(used.total - used.available)))
        return samples

    @property
    def cores(self) -> int:
        return self._cores


class _Tree:
    """A process and its children; CPU is the growth of their times between two calls."""

    def __init__(self, pid: int) -> None:
        self._members: dict[int, psutil.Process] = {}
        self._pid = pid

    def sample(self) -> tuple[float, int] | None:
        self._find()
        cpu, rss, alive = 0.0, 0, False
        for pid, process in list(self._members.items()):
            try:
                cpu += process.cpu_percent()
                rss += process.memory_info().rss
                alive = True
            except psutil.Error:
                del self._members[pid]
        return (round(cpu, 1), rss) if alive else None

    def _find(self) -> None:
        try:
            root = self._members.get(self._pid) or psutil.Process(self._pid)
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            return
        for process in family:
            self._members.setdefault(process.pid, process)


def is_this_machine(base_url: str) -> bool:
    """Whether an address is served by this machine: loopback, or one of its own addresses."""
    host = urlsplit(base_url).hostname or ""
    try:
        found = {str(item[4][0]).partition("%")[0] for item in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    own = {
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
    }
    return bool(found) and all(ipaddress.ip_address(ip).is_loopback or ip in own for ip in found)


def pid_listening_on(base_url: str) -> int | None:
    """The process that listens on the port of an address of this machine, where it may be seen."""
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not is_this_machine(base_url):
        return None
    try:
        rows = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    listening = (row for row in rows if row.status == psutil.CONN_LISTEN)
    return next(
        (row.pid for row in listening if row.pid and getattr(row.laddr, "port", 0) == port), None
    )
