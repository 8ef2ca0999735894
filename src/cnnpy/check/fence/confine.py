"""What a fenced process may not do, held by the system and not by Python.

Everywhere: limits on memory, processor time, open files and their sizes (``setrlimit``).
On Linux also:

- Landlock: it reads what Python needs and what belongs to the submission, writes into its
  scratch folder, and opens no TCP connection.
- A seccomp filter: no new process, no other program, no socket, no signal to another
  process, no look into one.

Both need no privileges, hold for all threads to come, and cannot be taken off again. What
the system lacks is named in what `confine` returns.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["confine", "die_with_the_parent", "limit"]

_LIBC = ctypes.CDLL(None, use_errno=True)

_SET_NO_NEW_PRIVS, _SET_PDEATHSIG, _SET_SECCOMP = 38, 1, 22


def limit(memory_bytes: int, processor_s: int, file_bytes: int) -> None:
    """Set the limits that every Unix has.

    Parameters
    ----------
    memory_bytes : int
        The most address space.
    processor_s : int
        The most seconds of processor time.
    file_bytes : int
        The most bytes in one file.
    """
    wanted = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: processor_s,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 128,
    }
    for what, most in wanted.items():
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # macOS knows no limit of address space
            continue


def confine(readable: Iterable[Path], scratch: Path) -> list[str]:
    """Shut the process in, as far as the system can.

    Parameters
    ----------
    readable : iterable of Path
        Files and folders that may be read, beside those of Python and the system.
    scratch : Path
        The folder that may be written into.

    Returns
    -------
    list of str
        What the system could not do, in words; empty where the fence is whole.
    """
    if sys.platform != "linux":
        return ["files, network and processes are fenced on Linux only"]
    missing = []
    if _LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ["the system does not give up privileges (no_new_privs)"]
    if not _landlock([*_of_python(), *readable], scratch):
        missing.append("files and network are not fenced: this kernel has no Landlock")
    elif _LIBC.syscall(_CREATE_RULESET, None, 0, 1) < _ABI_OF_SIGNALS:
        missing.append("signals that a file descriptor sends are not fenced: this kernel is old")
    if not _seccomp():
        missing.append("processes are not fenced: no seccomp filter for this system")
    return missing


def die_with_the_parent(parent: int) -> None:
    """Let the system end this process with the thread that started it.

    Parameters
    ----------
    parent : int
        The process that started it; where it is gone already, this one ends at once.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _of_python() -> list[Path]:
    system = "/usr /lib /lib64 /bin /etc/ld.so.cache /etc/ld.so.conf.d /etc/localtime /etc/fonts"
    devices = "/dev/null /dev/zero /dev/urandom /dev/random /sys/devices/system/cpu"
    proc = "/proc/self /proc/cpuinfo /proc/meminfo"
    named = [*system.split(), *devices.split(), *proc.split()]
    return [Path(p) for p in [*named, sys.prefix, sys.base_prefix, *sys.path] if p]


# --- Landlock ----------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # alike on every machine
_ABI_OF_SIGNALS = 6
_FIRST_RIGHTS = 13  # of ABI 1: execute, write, read, list, remove, make
_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE, _IOCTL = (1 << bit for bit in (0, 1, 2, 3, 14, 15))
_READ_RIGHTS = _EXECUTE | _READ | _LIST
_FILE_RIGHTS = _EXECUTE | _WRITE | _READ | _TRUNCATE  # what a rule on a file may name


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def _landlock(readable: Iterable[Path], scratch: Path) -> bool:
    abi = _LIBC.syscall(_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return False
    rights = (1 << _FIRST_RIGHTS) - 1
    rights |= (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    handled = _Ruleset(rights, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _LIBC.syscall(_CREATE_RULESET, ctypes.byref(handled), size, 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, (_READ_RIGHTS | _IOCTL) & rights)
        _allow(ruleset, Path(os.devnull), (_READ_RIGHTS | _WRITE | _TRUNCATE) & rights)
        _allow(ruleset, scratch, rights)
        return bool(_LIBC.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there needs no rule
        return
    try:
        rights &= -1 if path.is_dir() else _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, opened)
        _LIBC.syscall(_ADD_RULE, ruleset, 1, ctypes.c_char_p(rule), 0)
    finally:
        os.close(opened)


# --- seccomp -----------------------------------------------------------------------

_DENIED: dict[str, tuple[int, int]] = {
    # name: its number on x86-64 and on aarch64, -1 where there is none
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "open_by_handle_at": (304, 265),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setgroups": (116, 159),
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "acct": (163, 89),
    "swapon": (167, 224),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    # what Landlock does not hold: who may read a file, and when it was written
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),
    "setrlimit": (160, 164),  # a superuser could lift them
}
"""Nothing of this does a layer need."""

_OF_AN_ARGUMENT: dict[str, tuple[tuple[int, int], int, tuple[int, ...]]] = {
    # name: its numbers, which argument decides, and for what values it is denied
    "prctl": ((157, 167), 0, (_SET_PDEATHSIG,)),
    "fcntl": ((72, 25), 1, (8, 10, 15)),  # whom signals go to, and which
    "ioctl": ((16, 29), 1, (0x5412, 0x5452, 0x8901, 0x8902)),  # the same, and typing for others
}

_MACHINES = {
    # machine: its column above, what the kernel calls it, and clone, clone3, tgkill, prlimit64
    "x86_64": (0, 0xC000003E, (56, 435, 234, 302)),
    "aarch64": (1, 0xC00000B7, (220, 435, 131, 261)),
}

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_NUMBER, _MACHINE, _FIRST, _THIRD = 0, 4, 16, 32  # where these stand in what a filter sees
_THREAD = 0x00010000  # the flag of clone that asks for a thread


def _seccomp() -> bool:
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return False
    program = _filter(*machine, os.getpid())
    code = ctypes.create_string_buffer(program)
    fprog = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    return bool(_LIBC.prctl(_SET_SECCOMP, 2, ctypes.c_char_p(fprog), 0, 0) == 0)


def _filter(column: int, arch: int, special: tuple[int, int, int, int], own: int) -> bytes:
    """Assemble the filter: classic BPF, one instruction (code, if, else, value) a row."""
    clone, clone3, tgkill, prlimit = special
    rows = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),  # the calls of x32
        (_RETURN, 0, 0, _EPERM),
        # of clone, threads alone; glibc asks clone3 first, whose flags no filter can read
        (_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _ENOSYS),
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST),
        (_ANY_BIT, 0, 1, _THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
        # a signal to itself, as abort() sends it
        (_EQUAL, 0, 4, tgkill),
        (_LOAD, 0, 0, _FIRST),
        (_EQUAL, 0, 1, own),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
        (_EQUAL, 0, 6, prlimit),  # to read them only: both words of the new ones are 0
        (_LOAD, 0, 0, _THIRD),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _THIRD + 4),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]
    for numbers_of, argument, values in _OF_AN_ARGUMENT.values():
        rows += [(_EQUAL, 0, 2 + 2 * len(values), numbers_of[column])]
        rows += [(_LOAD, 0, 0, _FIRST + 8 * argument)]
        for value in values:
            rows += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _EPERM)]
        rows += [(_RETURN, 0, 0, _ALLOW)]
    numbers = [numbers[column] for numbers in _DENIED.values() if numbers[column] >= 0]
    for number in numbers:
        rows += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _EPERM)]
    rows.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *row) for row in rows)
