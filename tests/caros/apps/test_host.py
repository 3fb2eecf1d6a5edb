"""Apps that really run: they start, speak, crash, come back, end in peace, and cost nobody else."""

import contextlib
import os
import re
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest

from tests.caros.apps.packages import KEY, manifest_text
from tests.caros.apps.running import APP, machine_for, running
from volant.caros.apps import calls
from volant.caros.apps.host import refusal
from volant.caros.apps.isolation.levels import Level, Means, Offer
from volant.caros.apps.manifest import manifest_from
from volant.caros.apps.package import open_package, pack
from volant.core.messages import PowerState

HEAD = "import volant_app, os, sys, time\ncar = volant_app.Car()\n"
TAIL = "print('done', flush=True)\nwhile True: car.wait(1.0)\n"


def test_an_app_reads_what_it_may_and_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(
            HEAD
            + "print(car.value('Vehicle.Speed'), flush=True)\n"
            + "try: car.get('Vehicle.CurrentLocation.Latitude')\n"
            + "except volant_app.Refused as error: print(error.errors, flush=True)\n"
            + "car.subscribe('Vehicle.Speed')\nprint(car.wait(5.0), flush=True)\n"
            + TAIL
        )
        apps.until_printed("done")
        told = apps.log()
    assert "\n" in told
    assert " 0.0\n" in told
    assert "access_denied" in told
    assert "{'Vehicle.Speed': (0.0, 1)}" in told


def test_an_app_ends_in_peace_when_it_is_asked_to(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(
            HEAD + "try:\n  while True: car.wait(1.0)\nfinally: car.keep('last', b'words')"
        )
        apps.until_phase("ready")
        apps.store.enable(APP, on=False)
        apps.until(lambda: apps.status() is None, "gone")
        assert (apps.store.kept(APP) / "last").read_bytes() == b"words"


def test_an_app_that_does_not_hear_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(HEAD + "print('deaf', flush=True)\ntime.sleep(600)")
        apps.until_printed("deaf")
        apps.store.enable(APP, on=False)
        apps.until(lambda: apps.status() is None, "gone")


def test_a_crash_is_logged_and_the_app_comes_back(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(
            HEAD + "n = int(car.kept('n') or b'0')\ncar.keep('n', str(n + 1).encode())\n"
            "if n == 0: raise ValueError('first time')\n" + TAIL
        )
        apps.until_printed("done")
        assert "ValueError: first time" in apps.log()
        assert apps.until_phase("ready").starts == 2


def test_kill_9_of_the_sandbox_ends_the_app_and_it_comes_back(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(HEAD + TAIL)
        first = apps.until_phase("ready").pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        apps.until(lambda: "died status 137" in apps.said, "death")
        assert apps.until_phase("ready").pid != first


def test_one_that_dies_at_once_is_put_into_quarantine_and_let_out_by_hand(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install("raise SystemExit(3)")
        apps.until_phase("quarantined")
        apps.store.enable(APP, on=True)
        apps.until(lambda: (one := apps.status()) is not None and one.phase != "quarantined", "out")


def test_an_app_that_ends_well_is_left_alone(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(HEAD + "print('bye', flush=True)")
        apps.until_phase("stopped")
        assert "bye" in apps.log()


def test_an_update_takes_the_place_of_what_runs(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(HEAD + "print('one', flush=True)\n" + TAIL)
        apps.until_printed("one")
        apps.install(HEAD + "print('two', flush=True)\n" + TAIL, version="1.0.1")
        apps.until_printed("two")
        found = apps.until_phase("ready")
        assert found.version == "1.0.1"


def test_an_app_runs_in_its_power_states_only(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(HEAD + TAIL, more='states = ["ready"]')
        apps.until(lambda: apps.status() is not None, "known")
        apps.host.turn(0.05)
        found = apps.status()
        assert found is not None
        assert (found.phase, found.starts) == ("waiting", 0)
        assert found.why == "waits until the car is ready"
        apps.host.power(PowerState.READY)
        assert apps.until_phase("ready").why == ""
        apps.host.power(PowerState.PARKED)
        apps.until_phase("waiting")


def test_nothing_is_shown_while_the_car_moves_unless_the_manifest_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.host.move(moving=False)
        apps.install(
            HEAD + "car.show('Standing', 'a line')\nprint('shown', flush=True)\n"
            "while not car.moving: car.wait(0.1)\n"
            "try: car.show('Moving')\nexcept volant_app.Refused as error: print(error, flush=True)\n"
            + TAIL
        )
        apps.until_printed("shown")
        found = apps.status()
        assert found is not None
        assert found.card == ("Standing", "a line")
        apps.host.move(moving=True)
        assert apps.status().card == ()  # type: ignore[union-attr]
        apps.until_printed("shows nothing while moving")


def test_a_granted_host_is_called_and_the_open_connection_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "is_here", lambda _: False)  # a host elsewhere, for want of one
    with socket.create_server(("127.0.0.1", 0)) as server, running(tmp_path) as apps:
        server.setblocking(False)
        port = server.getsockname()[1]
        apps.install(
            HEAD + f"end = car.connect('127.0.0.1', {port})\n"
            "print(end.recv(100), flush=True)\n"
            "try: car.connect('127.0.0.1', 1)\n"
            "except volant_app.Refused as error: print(error, flush=True)\n" + TAIL,
            budget=f'hosts = ["127.0.0.1:{port}"]',
        )
        called: list[socket.socket] = []

        def answered() -> bool:
            with contextlib.suppress(BlockingIOError):
                called.append(server.accept()[0])
            return bool(called)

        apps.until(answered, "a call")
        called[0].sendall(b"hello from outside")
        apps.until_printed("done")
        told = apps.log()
        called[0].close()
    assert "b'hello from outside'" in told
    assert "does not name 127.0.0.1:1" in told


def test_no_manifest_lets_an_app_call_the_cars_own_services(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, running(tmp_path) as apps:
        server.setblocking(False)
        port = server.getsockname()[1]
        names = ("127.0.0.1", "0.0.0.0", "127.9.9.9", "localhost", socket.gethostname())
        granted = ", ".join(f'"{name}:{port}"' for name in names)
        apps.install(
            HEAD + f"for name in {names!r}:\n"
            f"  try: car.connect(name, {port}); print('called', name, flush=True)\n"
            "  except volant_app.Refused as error: print('held', name, flush=True)\n" + TAIL,
            budget=f"hosts = [{granted}]",
        )
        apps.until_printed("done")
        told = apps.log()
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "called" not in told
    assert told.count("held") == len(names)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("0.0.0.0", True), ("::", True),
        ("::ffff:127.0.0.1", True), ("224.0.0.1", True), ("192.0.2.7", False), ("2001:db8::7", False),
    ],
)  # fmt: skip
def test_this_machine_is_known_by_any_address(address: str, here: bool) -> None:
    assert calls.is_here(address) is here


def test_flash_of_the_day_is_a_hard_end(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(
            HEAD + "try:\n  for n in range(40): car.keep('f', bytes(90000))\n"
            "except volant_app.Refused as error: print(n, error, flush=True)\n" + TAIL,
            budget="flash_mb_day = 1\nkept_mb = 100",
        )
        apps.until_printed("done")
        told = re.search(r"(\d+) : org.example.app has used up its 1 MB of today", apps.log())
        assert told is not None
        assert 6 <= int(told[1]) <= 11


def test_rubbish_to_the_host_is_answered_and_costs_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(
            HEAD + "for junk in (b'x', b'\\xc1', b'', bytes(5000)):\n"
            "  for end in (3, 4):\n    junk and os.write(end, junk)\n"
            "print(car.value('Vehicle.Speed'), flush=True)\n" + TAIL
        )
        apps.until_printed("done")


def test_two_apps_do_not_share_what_they_keep(tmp_path: Path) -> None:
    other = "org.example.other"
    with running(tmp_path) as apps:
        apps.install(HEAD + "car.keep('secret', b'1')\n" + TAIL)
        apps.until_printed("done")
        apps.install(HEAD + "print(car.names(), flush=True)\n" + TAIL, app=other)
        apps.until(lambda: "done" in apps.log(other), "the other")
        assert "{}" in apps.log(other)


@pytest.mark.parametrize("level", [level for level in Level if level is not Level.FULL])
def test_an_app_whose_level_is_not_reached_does_not_start_and_says_why(level: Level) -> None:
    manifest = manifest_from(
        b'id = "a.b"\nname = "x"\nversion = "1.0.0"\nentry = "main.py"\nmin_isolation = "full"\n'
    )
    lacking = {Means.VIEW: "bubblewrap is not installed", Means.GROUP: "no control groups"}
    why = refusal(manifest, Offer(frozenset({Means.CALLS, Means.FILES, Means.SCOPE}), lacking))
    assert "needs isolation full, this machine reaches basic" in why
    assert "bubblewrap is not installed" in why
    assert "no control groups" in why
    low = manifest_from(
        f'id = "a.b"\nname = "x"\nversion = "1.0.0"\nentry = "m.py"\n'
        f'min_isolation = "{level.word}"\n'.encode()
    )
    assert refusal(low, Offer(frozenset(Means), {})) == ""


def test_a_refused_app_is_listed_with_its_reason(tmp_path: Path) -> None:
    with running(tmp_path, Level.NONE) as apps:
        apps.host._offer = Offer(frozenset(), {Means.VIEW: "switched off for a test"})
        apps.install(HEAD + TAIL)
        apps.until(lambda: apps.status() is not None, "known")
        found = apps.status()
        assert found is not None
        assert found.phase == "refused"
        assert "switched off for a test" in found.why
        assert found.starts == 0


def test_a_broken_app_on_the_disk_costs_only_itself(tmp_path: Path) -> None:
    with running(tmp_path) as apps:
        apps.install(HEAD + TAIL, app="org.example.broken")
        row = apps.store.row("org.example.broken")
        (apps.store.files(row) / "app.toml").write_text("nonsense")
        apps.install(HEAD + TAIL)
        apps.until_phase("ready")
        found = apps.status("org.example.broken")
        assert found is not None
        assert (found.phase, "not TOML" in found.why) == ("refused", True)


@pytest.mark.parametrize("level", [Level.FULL, Level.BASIC], ids=lambda level: level.word)
def test_no_app_outlives_its_host_s_kill_9(level: Level, tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="volant-host-"))
    folder.chmod(0o755)  # an app's own user reads its files here where there is no view
    mark = f"orphan_{os.getpid()}_{level.word}"
    machine_for(level)
    pid = os.fork()
    if pid == 0:
        try:
            with running(folder, level, exactly=True) as apps:
                main = (HEAD + "print('up', flush=True)\n" + TAIL).encode()
                words = manifest_text(more='min_isolation = "none"').replace(
                    "main.py", f"{mark}.py"
                )
                files = {"app.toml": words.encode(), f"{mark}.py": main}
                apps.store.install(open_package(pack(files, KEY)))
                apps.until(lambda: False, "the end")
        finally:
            os._exit(1)

    def left() -> int:
        return sum(
            mark.encode().hex().encode() in path.read_bytes()
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if path.exists()
        )

    end_s = time.monotonic() + 60.0
    log = folder / APP / "log" / "app.log"
    while not (log.exists() and "up" in log.read_text()) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert left() >= 1
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while left() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert left() == 0
    shutil.rmtree(folder)


def test_a_page_alone_needs_no_walls_and_comes_and_goes_with_its_app(tmp_path: Path) -> None:
    page = (
        f'id = "{APP}"\nname = "App"\nversion = "1.0.0"\npage = "page/index.html"\n'
        'states = ["ready"]\nwhile_moving = "nothing"\nmin_isolation = "full"\n'
    )
    files = {"app.toml": page.encode(), "page/index.html": b"<!doctype html>"}
    with running(tmp_path, Level.NONE) as apps:
        apps.store.install(open_package(pack(files, KEY)))
        apps.host.move(moving=False)
        apps.until_phase("waiting")
        assert apps.host.cards() == ()
        apps.host.power(PowerState.READY)
        found = apps.until_phase("ready")
        assert (found.pid, found.starts) == (None, 0)
        (card,) = apps.host.cards()
        assert card.address == found.address
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", card.address)
        apps.host.move(moving=True)
        assert apps.host.cards() == ()
        apps.store.enable(APP, on=False)
        apps.until(lambda: apps.status() is None, "gone")
