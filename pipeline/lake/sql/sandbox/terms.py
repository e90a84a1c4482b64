"""The limits of a query, the walls around it, and the setup that the child gets when it starts."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Limits:
    """The most that one query may take."""

    memory: int = 4_000_000_000
    """Bytes of memory of the child in all."""
    engine_memory: int = 2_000_000_000
    """Bytes that the engine uses for tables, sorts and joins before it spills; functions may take the rest."""
    spilled: int = 10_000_000_000
    """Bytes of temporary files."""
    answer: int = 1 << 31
    """Bytes of an answer in memory."""
    row: int = 256_000_000
    """Bytes of one row of an answer."""
    processor_seconds: int = 7_200
    """Seconds of processor time, of all cores together."""


@dataclass(frozen=True)
class Walls:
    """The walls to put up: all, except in tests that show that each wall holds without the others."""

    landlock: int = 99
    """The kernel opens only the files in `Setup`: the newest version of Landlock to use, 0 for none."""
    system_calls: bool = True
    """The kernel refuses system calls that a query never needs (seccomp)."""
    limits: bool = True
    """Limits of memory, processor time and file size, set with the operating system."""
    open_functions: bool = True
    """Only reviewed functions may be called."""


@dataclass(frozen=True)
class Standing:
    """The kernel's walls that stand in a child, as the child reports them."""

    landlock: int = 0
    """Version of Landlock; 0 when there is none."""
    system_calls: bool = False
    limits: tuple[str, ...] = ()
    """Names of the limits that are set."""

    def words(self) -> str:
        """Return which walls stand and which do not, for a person."""
        has_memory, has_time = ("RLIMIT_DATA" in self.limits), ("RLIMIT_CPU" in self.limits)
        walls = {
            f"Landlock (version {self.landlock})" if self.landlock else "Landlock": self.landlock > 0,
            "a filter of system calls (seccomp)": self.system_calls,
            "a limit of memory": has_memory,
            "a limit of processor time": has_time,
        }
        up = ["a process of its own", *(name for name, stands in walls.items() if stands), "reviewed functions only"]
        missing = [name for name, stands in walls.items() if not stands]
        return ", ".join(up) + (f"; this system lacks {', '.join(missing)}" if missing else "")


@dataclass(frozen=True)
class Setup:
    """Everything that a child gets before its first query."""

    place: dict[str, Any]
    """The place of the lake. For a lake on S3 it contains the secret."""
    spill: str
    """Folder of the child's temporary files, the only folder that it may write to."""
    readable: list[str]
    """Files and folders that it may read."""
    modules: list[str]
    """Folders of installed packages."""
    ports: list[int] = field(default_factory=list)
    """TCP ports it may connect to."""
    environment: dict[str, str] = field(default_factory=dict)
    parent: int = 0
    may_compile: bool = True
    """Whether our compiled modules may be stored before the walls are up."""
    limits: Limits = field(default_factory=Limits)
    walls: Walls = field(default_factory=Walls)


def setup_from(content: dict[str, Any]) -> Setup:
    """Return the setup from its dictionary by `dataclasses.asdict`."""
    parts = {**content, "limits": Limits(**content["limits"]), "walls": Walls(**content["walls"])}
    return Setup(**parts)
