"""Attempts to get out of an app's sandbox. Each runs as an app: `run(NAME, FACTS)` is all that its entry does.

An attempt returns something true when it got what it wanted; when it is refused it returns nothing or raises.
Attempts on the machine's strength are bounded, so that they pass without harm where nothing stops them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
ARM = os.uname().machine == "aarch64"
AF_UNIX, AF_INET, AF_NETLINK, AF_PACKET = 1, 2, 16, 17
STREAM, DATAGRAM, RAW = 1, 2, 3
Facts = dict[str, Any]
ATTEMPTS: dict[str, tuple[str, Callable[[Facts], Any]]] = {}


def attempt(words: str) -> Callable[[Callable[[Facts], Any]], Callable[[Facts], Any]]:
    def keep(function: Callable[[Facts], Any]) -> Callable[[Facts], Any]:
        ATTEMPTS[function.__name__] = words, function
        return function

    return keep


def call(x86: int, arm: int, *arguments: Any) -> int:
    """A system call by its number; raises where it fails."""
    # Whole registers: a bare int leaves the upper half of one undefined.
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = LIBC.syscall(arm if ARM else x86, *wide)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(4096)


def new_socket(family: int, kind: int) -> Any:
    import _socket

    return _socket.socket(family, kind)


# --- files ------------------------------------------------------------------------------------------


@attempt("read a file in the user's home")
def read_home(facts: Facts) -> Any:
    return read(facts["home"] + "/secret.txt")


@attempt("list the user's home")
def list_home(facts: Facts) -> Any:
    return os.listdir(facts["home"])


@attempt("find out whether a file outside exists")
def stat_home(facts: Facts) -> Any:
    return os.stat(facts["home"] + "/secret.txt")


@attempt("read what another app keeps")
def read_other_app(facts: Facts) -> Any:
    return read(facts["other_app"] + "/kept/diary")


@attempt("read the passwords of the machine (/etc/shadow)")
def read_shadow(facts: Facts) -> Any:
    return read("/etc/shadow")


@attempt("read who has an account (/etc/passwd)")
def read_passwd(facts: Facts) -> Any:
    return read("/etc/passwd")


@attempt("write into the user's home")
def write_home(facts: Facts) -> Any:
    with open(facts["home"] + "/planted", "w") as file:
        file.write("x")
    return True


@attempt("write into another app's files")
def write_other_app(facts: Facts) -> Any:
    with open(facts["other_app"] + "/kept/diary", "a") as file:
        file.write("x")
    return True


@attempt("change its own installed files")
def write_own_files(facts: Facts) -> Any:
    with open(os.path.dirname(sys.argv[0]) + "/app.toml", "a") as file:
        file.write("# x")
    return True


@attempt("reach a file outside by a symbolic link")
def by_symlink(facts: Facts) -> Any:
    for folder in ("/tmp", facts["home"]):
        link = folder + "/link"
        try:
            os.symlink(facts["home"] + "/secret.txt", link)
        except OSError:
            continue
        try:
            return read(link)
        finally:
            os.unlink(link)
    return None


@attempt("reach a file outside by a hard link")
def by_hard_link(facts: Facts) -> Any:
    for folder in ("/tmp", facts["home"]):
        link = folder + "/hard"
        try:
            os.link(facts["home"] + "/secret.txt", link)
        except OSError:
            continue
        try:
            return read(link)
        finally:
            os.unlink(link)
    return None


@attempt("reach a file outside by its handle (open_by_handle_at)")
def by_handle(facts: Facts) -> Any:
    handle = (ctypes.c_uint32 * 34)(128)
    mount = ctypes.c_int()
    path = (facts["home"] + "/secret.txt").encode()
    call(303, 264, -100, path, handle, ctypes.byref(mount), 0)
    root = os.open("/", os.O_RDONLY)
    return os.read(call(304, 265, root, handle, 0), 100)


@attempt("keep a file outside its shelf (../)")
def keep_outside(facts: Facts) -> Any:
    import volant_app  # type: ignore[import-not-found]

    car = volant_app.Car()
    for name in ("../../planted", "/tmp/planted", "..", "a/b", "a\0b"):
        try:
            car.keep(name, b"x")
        except volant_app.Refused:
            continue
        return True
    return None


# --- other processes --------------------------------------------------------------------------------


@attempt("see the other processes of the machine")
def see_processes(facts: Facts) -> Any:
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdigit()]
        if str(facts["victim"]) in numbers:
            return any(facts["victim_name"] in read(f"/proc/{n}/cmdline").decode() for n in numbers)
    except PermissionError:
        pass
    try:
        os.kill(facts["victim"], 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "it is there"
    return True


@attempt("read the environment of another process")
def read_environment(facts: Facts) -> Any:
    return b"VICTIM" in read(f"/proc/{facts['victim']}/environ")


@attempt("read the memory of another process")
def read_memory(facts: Facts) -> Any:
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_uint64 * 2)(facts["victim_address"], 8)
    return call(310, 270, facts["victim"], local, 1, remote, 1, 0) == 8


@attempt("write the memory of another process")
def write_memory(facts: Facts) -> Any:
    descriptor = os.open(f"/proc/{facts['victim']}/mem", os.O_RDWR)
    return os.pwrite(descriptor, b"x", facts["victim_address"])


@attempt("send a signal to another process")
def send_signal(facts: Facts) -> Any:
    os.kill(facts["victim"], signal.SIGCONT)
    return True


@attempt("send a signal to all processes")
def signal_all(facts: Facts) -> Any:
    os.kill(-1, signal.SIGCONT)
    time.sleep(0.2)
    return os.path.exists("/proc") and facts["victim"] and _alive_outside(facts)


def _alive_outside(facts: Facts) -> bool:
    """Whether the signal could reach anybody but us."""
    try:
        os.kill(facts["victim"], signal.SIGCONT)
    except OSError:
        return False
    return True


@attempt("trace another process (ptrace)")
def trace(facts: Facts) -> Any:
    call(101, 117, 16, facts["victim"], 0, 0)
    os.waitpid(facts["victim"], 0)
    call(101, 117, 17, facts["victim"], 0, 0)
    return True


@attempt("slow another process down (nice, affinity)")
def slow_down(facts: Facts) -> Any:
    try:
        os.setpriority(os.PRIO_PROCESS, facts["victim"], 6)
    except OSError:
        os.sched_setaffinity(facts["victim"], {0})
    return True


@attempt("lower the limits of another process (prlimit)")
def limit_other(facts: Facts) -> Any:
    import resource

    resource.prlimit(facts["victim"], resource.RLIMIT_CORE, (0, 0))
    return True


@attempt("take the signal socket of another app")
def take_socket(facts: Facts) -> Any:
    try:
        pidfd = os.pidfd_open(facts["victim"])
        return call(438, 438, pidfd, 3, 0)
    except OSError:
        return os.open(f"/proc/{facts['victim']}/fd/3", os.O_RDWR)


@attempt("use a descriptor that somebody left open")
def use_left_open(facts: Facts) -> Any:
    found = []
    for number in range(5, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


@attempt("go on running after its end")
def outlive(facts: Facts) -> Any:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(8.0)
        os._exit(0)
    os.wait()
    return None


@attempt("not end when it is asked to")
def stay(facts: Facts) -> Any:
    import volant_app

    volant_app.Car()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(15.0)


# --- network ----------------------------------------------------------------------------------------


@attempt("call a service of the car by TCP")
def tcp_loopback(facts: Facts) -> Any:
    new_socket(AF_INET, STREAM).connect(("127.0.0.1", facts["tcp_port"]))
    return True


@attempt("call a host that its manifest does not name")
def call_not_granted(facts: Facts) -> Any:
    import volant_app

    return volant_app.Car().connect("127.0.0.1", facts["tcp_port"])


@attempt("call this machine under a granted name")
def call_rebound(facts: Facts) -> Any:
    import volant_app

    return volant_app.Car().connect("localhost", facts["tcp_port"])


@attempt("send a datagram by UDP")
def udp_loopback(facts: Facts) -> Any:
    return new_socket(AF_INET, DATAGRAM).sendto(b"x", ("127.0.0.1", facts["udp_port"]))


@attempt("wait for calls by TCP")
def tcp_listen(facts: Facts) -> Any:
    end = new_socket(AF_INET, STREAM)
    end.bind(("127.0.0.1", 0))
    end.listen(1)
    new_socket(AF_INET, STREAM).connect(end.getsockname())
    return facts["network"] in os.listdir("/sys/class/net") if "network" in facts else True


@attempt("connect to a Unix socket by its path")
def unix_path(facts: Facts) -> Any:
    new_socket(AF_UNIX, STREAM).connect(facts["unix_path"])
    return True


@attempt("connect to an abstract Unix socket")
def unix_abstract(facts: Facts) -> Any:
    new_socket(AF_UNIX, STREAM).connect("\0" + facts["unix_abstract"])
    return True


@attempt("send to a Unix socket from a pair")
def unix_pair(facts: Facts) -> Any:
    import _socket

    one, _ = _socket.socketpair(AF_UNIX, DATAGRAM)
    return one.sendto(b"x", facts["unix_datagram"])


@attempt("ask the kernel by netlink")
def netlink(facts: Facts) -> Any:
    end = new_socket(AF_NETLINK, RAW)
    end.bind((0, 0))
    return True


@attempt("open a raw socket")
def raw_socket(facts: Facts) -> Any:
    try:
        return new_socket(AF_INET, RAW)
    except OSError:
        return new_socket(AF_PACKET, RAW)


# --- signals of the car -----------------------------------------------------------------------------


@attempt("read a signal that is not granted")
def read_signal(facts: Facts) -> Any:
    import volant_app

    car = volant_app.Car()
    try:
        return car.get("Vehicle.CurrentLocation.Latitude")
    except volant_app.Refused:
        return car.get("**")


@attempt("move an actuator that is not granted")
def move_actuator(facts: Facts) -> Any:
    import volant_app

    volant_app.Car().set({"Vehicle.Cabin.Door.Row1.DriverSide.IsOpen": True})
    return True


@attempt("say a signal that is not granted")
def say_signal(facts: Facts) -> Any:
    import volant_app

    volant_app.Car().publish({"Vehicle.Speed": 0.0})
    return True


# --- the kernel -------------------------------------------------------------------------------------


@attempt("become root")
def become_root(facts: Facts) -> Any:
    os.setresuid(0, 0, 0)
    return os.geteuid() == 0 and read(facts["home"] + "/secret.txt")


@attempt("start another program (a shell)")
def start_program(facts: Facts) -> Any:
    return os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", "exit 0"]) == 0


@attempt("make a namespace of its own")
def new_namespace(facts: Facts) -> Any:
    return call(272, 97, 0x10000000) == 0


@attempt("mount something")
def mount(facts: Facts) -> Any:
    if LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return True


@attempt("change its root")
def change_root(facts: Facts) -> Any:
    os.chroot("/tmp")
    return True


@attempt("make a device")
def make_device(facts: Facts) -> Any:
    for folder in ("/tmp", facts["home"]):
        try:
            os.mknod(folder + "/device", stat.S_IFBLK | 0o600, os.makedev(254, 0))
        except OSError:
            continue
        return True
    return None


@attempt("open a device of the machine")
def open_device(facts: Facts) -> Any:
    for name in ("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/fuse", "/dev/net/tun"):
        try:
            return os.open(name, os.O_RDWR)
        except OSError:
            continue
    return None


@attempt("put words into a terminal (TIOCSTI)")
def into_terminal(facts: Facts) -> Any:
    import fcntl

    for name in ("/dev/tty", "/dev/console"):
        try:
            fcntl.ioctl(os.open(name, os.O_RDWR), 0x5412, b"x")
        except OSError:
            continue
        return True
    return None


@attempt("use the kernel's key rings")
def key_ring(facts: Facts) -> Any:
    return call(248, 217, b"user", b"volant", b"secret", 6, -3)


@attempt("use shared memory of System V")
def shared_memory(facts: Facts) -> Any:
    return call(29, 194, facts["shm_key"], 4096, 0o666) >= 0


@attempt("load a program into the kernel (bpf, perf, io_uring)")
def kernel_program(facts: Facts) -> Any:
    for x86, arm, arguments in (
        (321, 280, (0, (ctypes.c_uint32 * 16)(2, 4, 4, 1), 64)),
        (298, 241, ((ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0)),
        (425, 425, (4, (ctypes.c_uint32 * 64)())),
        (323, 282, (1,)),
    ):
        try:
            return call(x86, arm, *arguments) or True
        except OSError:
            continue
    return None


@attempt("read the kernel's log")
def kernel_log(facts: Facts) -> Any:
    return call(103, 116, 3, ctypes.create_string_buffer(100), 100)


@attempt("set the clock")
def set_clock(facts: Facts) -> Any:
    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return True


@attempt("raise its own limits (setrlimit, control groups)")
def raise_limits(facts: Facts) -> Any:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100_000, 100_000))
    except (OSError, ValueError):
        for line in read("/proc/self/cgroup").decode().splitlines():
            name, path = line.split(":")[1:]
            try:
                with open(f"/sys/fs/cgroup/{name}{path}/pids.max", "w") as file:
                    file.write("max")
            except OSError:
                continue
            return True
        return None
    return True


# --- the machine's strength -------------------------------------------------------------------------


@attempt("start processes without end")
def many_processes(facts: Facts) -> Any:
    children = []
    try:
        for _ in range(100):
            child = os.fork()
            if child == 0:
                time.sleep(5.0)
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
    return len(children) > facts["processes"]


@attempt("take memory without end, in one process")
def much_memory(facts: Facts) -> Any:
    held = []
    for _ in range(8 * facts["memory_mb"]):
        held.append(bytearray(os.urandom(1024)) * 1024)
    return len(held)


@attempt("take memory without end, in many processes")
def memory_by_many(facts: Facts) -> Any:
    ready, done = os.pipe()
    for _ in range(facts["processes"] - 1):
        if os.fork() == 0:
            held = bytearray(b"x") * ((facts["memory_mb"] - 8) << 20)
            os.write(done, b"x")
            time.sleep(10.0)
            os._exit(len(held) & 1)
    os.set_blocking(ready, False)
    until, count = time.monotonic() + 4.0, 0
    while count < facts["processes"] - 1 and time.monotonic() < until:
        time.sleep(0.05)
        try:
            count += len(os.read(ready, 64))
        except BlockingIOError:
            continue
    return count * (facts["memory_mb"] - 8) > 2 * facts["memory_mb"]


@attempt("take memory without end, in files of /tmp")
def memory_in_files(facts: Facts) -> Any:
    written = 0
    for folder in ("/tmp", "/dev/shm", "/dev", "/"):
        for number in range(4):
            try:
                with open(f"{folder}/fill-{number}-{os.getpid()}", "wb", buffering=0) as file:
                    facts.setdefault("made", []).append(file.name)
                    while written < 3 * facts["memory_mb"]:
                        file.write(bytes(1 << 20))
                        written += 1
            except OSError:
                continue
    for name in facts.get("made", ()):
        os.unlink(name)
    return written > 2 * facts["memory_mb"]


@attempt("fill the disk")
def fill_disk(facts: Facts) -> Any:
    written = 0
    for folder in (facts["home"], facts["other_app"] + "/kept", "/var/tmp", "."):
        try:
            with open(f"{folder}/fill", "wb", buffering=0) as file:
                for _ in range(16):
                    file.write(bytes(1 << 20))
                    written += 1
            os.unlink(f"{folder}/fill")
        except OSError:
            continue
    return written


@attempt("keep more than its flash of the day")
def wear_flash(facts: Facts) -> Any:
    import volant_app

    car = volant_app.Car()
    for count in range(100):
        try:
            car.keep("wear", bytes(90_000))
        except volant_app.Refused:
            return count * 90_000 > facts["flash_mb_day"] * 1_000_000
    return True


@attempt("fill the disk by its log")
def fill_log(facts: Facts) -> Any:
    for _ in range(3000):
        print("x" * 1000, flush=True)
    time.sleep(0.5)


def run(name: str, facts: Facts) -> None:
    """Try one thing and say what came of it."""
    try:
        found = ATTEMPTS[name][1](facts)
    except MemoryError:
        found = None
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - any refusal is one
        print(f"held: {type(error).__name__}: {error}", flush=True)
        return
    print(f"escaped: {str(found)[:100]}" if found else "held", flush=True)
