"""kuksa-client 0.6.0, unmodified: its sync and its async API and every command of its command line.

The broker is a process of its own, as it is for a user.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.caros.kuksa.broker import CODES, DOOR, GEAR, MODE, SPEED, UNKNOWN, VIN, WINDOW
from tests.caros.kuksa.credentials import SERVER_NAME, token, write
from tests.peers import peer

api = peer("kuksa_client.grpc")
aio = peer("kuksa_client.grpc.aio")
REPO = Path(__file__).resolve().parents[3]
WITHIN_S = 30.0
Datapoint = api.Datapoint
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:kuksa_client.*")


@dataclass
class Stands:
    """A broker that runs."""

    port: int
    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "cert.pem"

    def client(self, scope: str | None = None, **more):
        return api.VSSClient("127.0.0.1", self.port, **self._more(scope, more))

    def aio(self, scope: str | None = None, **more):
        return aio.VSSClient("127.0.0.1", self.port, **self._more(scope, more))

    def _more(self, scope: str | None, more: dict) -> dict:
        if scope is not None:
            more["token"] = token(scope)
        if self.ca.exists():
            more |= {"root_certificates": self.ca, "tls_server_name": SERVER_NAME}
        return more


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stands]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.caros.kuksa.process", str(folder)],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'src'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Stands(int(process.stdout.readline()), folder)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def stands(tmp_path_factory):
    """Open to all, in the clear."""
    with running(tmp_path_factory.mktemp("open")) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """With TLS and tokens."""
    folder = tmp_path_factory.mktemp("guarded")
    write(folder, tls=True, tokens=True)
    with running(folder) as found:
        yield found


# --- the sync API ---------------------------------------------------------------------------------


def test_values_of_each_type_and_lists(stands):
    with stands.client() as client:
        assert client.get_server_info().name == "volant"
        wanted = {
            SPEED: Datapoint(12.5), WINDOW: Datapoint(7), DOOR: Datapoint(True),
            GEAR: Datapoint(-1), VIN: Datapoint("WVA"), CODES: Datapoint("[a, b]"),
        }  # fmt: skip
        client.set_current_values(wanted)
        found = client.get_current_values(wanted)
        assert {path: found[path].value for path in (SPEED, WINDOW, DOOR, GEAR, VIN)} == {
            SPEED: 12.5, WINDOW: 7, DOOR: True, GEAR: -1, VIN: "WVA",
        }  # fmt: skip
        assert list(found[CODES].value.values) == ["a", "b"]
        assert found[SPEED].timestamp is not None


def test_branches_and_patterns_are_read_as_a_whole(stands):
    with stands.client() as client:
        client.set_current_values({WINDOW: Datapoint(8), DOOR: Datapoint(False)})
        for pattern in ("Vehicle.Cabin", "Vehicle.Cabin.**", "Vehicle.Cabin.*.Row1.**"):
            assert set(client.get_current_values([pattern])) == {WINDOW, DOOR}, pattern
        assert len(client.get_metadata(["**"])) == 14


def test_what_is_wrong_is_told(stands):
    with stands.client() as client:
        for act, code in [
            (lambda: client.get_current_values([UNKNOWN]), 404),
            (lambda: client.get_current_values([]), 3),
            (lambda: client.set_current_values({WINDOW: Datapoint(101)}), 3),
            (lambda: client.set_current_values({MODE: Datapoint("FLYING")}), 3),
            (lambda: client.set_current_values({}), 3),
            (lambda: client.set_target_values({SPEED: Datapoint(1)}), 400),
            (lambda: client.set_target_values({WINDOW: Datapoint(101)}), 400),
            (lambda: next(client.subscribe_current_values([UNKNOWN])), 5),
        ]:
            with pytest.raises(api.VSSClientError) as error:
                act()
            told = error.value.error or error.value.errors[0]["error"]
            assert told["code"] == code, error.value


def test_one_wrong_target_of_several_leaves_the_others_set(stands):
    with stands.client() as client:
        with pytest.raises(api.VSSClientError) as error:
            client.set_target_values({WINDOW: Datapoint(33), MODE: Datapoint("FLYING")})
        assert [one["path"] for one in error.value.errors] == [MODE]
        assert client.get_target_values([WINDOW])[WINDOW].value == 33


def test_metadata_is_read_and_changed(stands):
    with stands.client() as client:
        found = client.get_metadata([WINDOW])[WINDOW]
        assert found.data_type is api.DataType.UINT8
        assert found.entry_type is api.EntryType.ACTUATOR
        assert (found.unit, found.value_restriction.max) == ("percent", 100)
        assert client.get_metadata([SPEED], api.MetadataField.UNIT)[SPEED].unit == "km/h"
        client.set_metadata({VIN: api.Metadata(description="who it is")})
        assert client.get_metadata([VIN])[VIN].description == "who it is"
        with pytest.raises(api.VSSClientError, match="cannot change"):
            client.set_metadata({VIN: api.Metadata(data_type=api.DataType.FLOAT)})


def test_a_subscription_begins_at_once_and_goes_on(stands):
    with stands.client() as client, stands.client() as other:
        other.set_current_values({SPEED: Datapoint(1.0)})
        updates = client.subscribe_current_values([SPEED, MODE])
        first = next(updates)
        assert first[SPEED].value == 1.0
        assert first[MODE].value is None
        other.set_current_values({SPEED: Datapoint(2.0)})
        assert next(updates)[SPEED].value == 2.0


def test_a_branch_is_subscribed_by_way_of_its_metadata(stands):
    with stands.client() as client:
        assert set(next(client.subscribe_current_values(["Vehicle.Cabin"]))) == {WINDOW, DOOR}


def test_metadata_is_subscribed(stands):
    with stands.client() as client, stands.client() as other:
        updates = client.subscribe_metadata([MODE])
        assert next(updates)[MODE].data_type is api.DataType.STRING
        other.set_metadata({MODE: api.Metadata(description="how it drives")})
        assert next(updates)[MODE].description == "how it drives"


def test_targets_are_subscribed_over_v1(stands):
    with stands.client() as client, stands.client() as other:
        field = api.Field.ACTUATOR_TARGET
        entry = api.SubscribeEntry(WINDOW, api.View.TARGET_VALUE, (field,))
        updates = client.subscribe(entries=[entry])
        next(updates)
        other.set_target_values({WINDOW: Datapoint(61)})
        assert next(updates)[0].entry.actuator_target.value == 61


# --- the async API --------------------------------------------------------------------------------


async def _moves(stands: Stands) -> None:
    """A target that the stock client sets reaches a provider of v2: the bridge, which is ours."""
    async with stands.aio() as provider, stands.aio() as client:
        updates = provider.subscribe_target_values([WINDOW, DOOR])
        waiting = asyncio.ensure_future(anext(updates))
        async with asyncio.timeout(WITHIN_S):
            while not waiting.done():
                await client.set_target_values({WINDOW: Datapoint(44)})
                await asyncio.sleep(0.05)
            assert waiting.result()[WINDOW].value == 44
            heard = asyncio.ensure_future(anext(updates))
            await client.set_target_values({DOOR: Datapoint(True)})
            while DOOR not in await heard:
                heard = asyncio.ensure_future(anext(updates))
        await updates.aclose()


def test_a_target_moves_the_provider(stands):
    asyncio.run(_moves(stands))


def test_without_the_bridge_targets_stay_where_they_are(tmp_path):
    (tmp_path / "no-bridge").touch()

    async def act(apart: Stands) -> None:
        async with apart.aio() as provider, apart.aio() as client:
            waiting = asyncio.ensure_future(anext(provider.subscribe_target_values([WINDOW])))
            for _ in range(10):
                await client.set_target_values({WINDOW: Datapoint(44)})
                await asyncio.sleep(0.05)
            assert not waiting.done()
            waiting.cancel()
            assert (await client.get_target_values([WINDOW]))[WINDOW].value == 44

    with running(tmp_path) as apart:
        asyncio.run(act(apart))


def test_the_async_api(stands):
    async def act() -> None:
        async with stands.aio() as client:
            assert (await client.get_server_info()).name == "volant"
            await client.set_current_values({SPEED: Datapoint(5.0)})
            assert (await client.get_current_values([SPEED]))[SPEED].value == 5.0
            types = await client.get_value_types([GEAR])
            assert types[GEAR] is api.DataType.INT8
            updates = client.subscribe_current_values([SPEED])
            assert (await anext(updates))[SPEED].value == 5.0
            await client.set_current_values({SPEED: Datapoint(6.0)})
            assert (await anext(updates))[SPEED].value == 6.0
            branch = client.subscribe_current_values(["Vehicle.Cabin"])
            assert set(await anext(branch)) == {WINDOW, DOOR}
            described = client.subscribe_metadata([SPEED])
            assert (await anext(described))[SPEED].unit == "km/h"
            for stream in (updates, branch, described):
                await stream.aclose()

    asyncio.run(act())


# --- TLS and tokens -------------------------------------------------------------------------------


def test_scopes_hold_over_tls(guarded):
    with guarded.client("provide:Vehicle.Speed") as feeder:
        feeder.set_current_values({SPEED: Datapoint(3.0)})
        with pytest.raises(api.VSSClientError, match="no right to provide"):
            feeder.set_current_values({GEAR: Datapoint(3)})
    with guarded.client("read:Vehicle.Speed") as reader:
        assert reader.get_current_values([SPEED])[SPEED].value == 3.0
        assert next(reader.subscribe_current_values([SPEED]))[SPEED].value == 3.0
        assert reader.get_metadata([GEAR])[GEAR].data_type is api.DataType.INT8
        for denied in (
            lambda: reader.get_current_values([GEAR]),
            lambda: reader.get_current_values(["Vehicle"]),
            lambda: reader.set_current_values({SPEED: Datapoint(1.0)}),
            lambda: reader.set_target_values({WINDOW: Datapoint(1)}),
            lambda: reader.set_metadata({SPEED: api.Metadata(description="mine")}),
            lambda: next(reader.subscribe_current_values([SPEED, GEAR])),
        ):
            with pytest.raises(api.VSSClientError, match=r"40[13]|'code': 7"):
                denied()
    with guarded.client("actuate:Vehicle.Cabin") as driver:
        driver.set_target_values({WINDOW: Datapoint(4)})
        assert driver.get_target_values([WINDOW])[WINDOW].value == 4


@pytest.mark.parametrize("wrong", [None, "", "nonsense", "old", "stranger"])
def test_who_has_no_good_token_gets_nothing(guarded, wrong):
    from cryptography.hazmat.primitives.asymmetric import rsa

    more = {"token": wrong}
    if wrong == "old":
        more["token"] = token("read", valid_s=-1.0)
    if wrong == "stranger":
        more["token"] = token("read", key=rsa.generate_private_key(65537, 2048))
    with guarded.client(**more) as client:  # kuksa-client goes on after UNAUTHENTICATED here
        with pytest.raises(api.VSSClientError, match="unauthenticated"):
            client.get_current_values([SPEED])
        with pytest.raises(api.VSSClientError, match="unauthenticated"):
            next(client.subscribe_current_values([SPEED]))
        client.authorize(token("read:Vehicle.Speed"))
        client.get_current_values([SPEED])


def test_a_client_without_tls_gets_nowhere(guarded):
    with pytest.raises(api.VSSClientError), api.VSSClient("127.0.0.1", guarded.port):
        pass


# --- the command line -----------------------------------------------------------------------------


class CommandLine:
    """`kuksa-client` as a process that is typed at."""

    def __init__(self, folder: Path, address: str, *words: str) -> None:
        self._folder = folder
        self._told = folder / "output.txt"
        with self._told.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kuksa_client", address, *words],
                cwd=folder,
                env={**os.environ, "TERM": "dumb", "COLUMNS": "200", "HOME": str(folder)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._read = 0
        self.type("version", "0.6.0")

    def _new(self) -> str:
        text = self._told.read_bytes()[self._read :].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    def type(self, line: str, *expected: str) -> str:
        """Type a line; what is told must come to hold all that is expected."""
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        ends_s = time.monotonic() + WITHIN_S
        while time.monotonic() < ends_s:
            text = self._new()
            if all(word in text for word in expected):
                self._read = self._told.stat().st_size
                return text
            time.sleep(0.02)
        raise AssertionError(f"{line}: {self._new()}")

    def log_holds(self, *expected: str) -> str:
        """The file of a subscription with `-f` comes to hold all that is expected."""
        ends_s = time.monotonic() + WITHIN_S
        text = ""
        while time.monotonic() < ends_s:
            text = "".join(path.read_text() for path in self._folder.glob("log_*"))
            if all(word in text for word in expected):
                return text
            time.sleep(0.02)
        raise AssertionError(text)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.write(b"quit\n")
            self._process.stdin.close()
        try:
            assert self._process.wait(WITHIN_S) == 0
        finally:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def shell(stands, tmp_path):
    line = CommandLine(tmp_path, f"grpc://127.0.0.1:{stands.port}")
    yield line
    line.close()


def test_every_command(shell, stands):
    shell.type(f"setValue {SPEED} 12.25", "OK")
    shell.type(f"getValue {SPEED}", '"value": 12.25', '"timestamp"')
    shell.type(f"setValues {SPEED}=3.5 {GEAR}=-1", "OK")
    shell.type(f"getValues {SPEED} {GEAR}", '"value": 3.5', '"value": -1')
    shell.type(f"setValue {CODES} '[\"a, b\", c]'", "OK")
    shell.type(f"getValue {CODES}", '"a, b"', '"c"')
    shell.type(f"setValue -a targetValue {WINDOW} 21", "OK")
    shell.type(f"getValue -a targetValue {WINDOW}", "actuator_target", '"value": 21')
    shell.type(f"setTargetValue {WINDOW} 40", "OK")
    shell.type(f"getTargetValue {WINDOW}", '"value": 40')
    shell.type(f"setTargetValues {WINDOW}=41 {DOOR}=true", "OK")
    shell.type(f"getTargetValues {WINDOW} {DOOR}", '"value": 41', '"value": true')
    shell.type(f"getMetaData {WINDOW}", '"UINT8"', '"ACTUATOR"', '"max": 100')
    shell.type("getMetaData Vehicle.Cabin", WINDOW, DOOR)
    shell.type(f'updateMetaData {SPEED} \'{{"description": "how fast"}}\'', "OK")
    shell.type(f"getMetaData {SPEED}", '"how fast"')
    shell.type("updateVSSTree tree.json", "not supported")
    told = shell.type(f"subscribe -f {SPEED} {WINDOW}", "subscriptionId", "}")
    number = json.loads(told[told.index("{") :])["subscriptionId"]
    with stands.client() as other:
        other.set_current_values({SPEED: Datapoint(77.5)})
    shell.log_holds("77.5")
    shell.type(f"unsubscribe {number}", "OK")
    shell.type("subscribe Vehicle.Cabin", "subscriptionId")
    shell.type(f"subscribe -a targetValue {WINDOW}", "subscriptionId")
    shell.type("authorize anything", "Authenticated")  # an open broker looks at no token
    shell.type("info", "Eclipse KUKSA")
    shell.type("disconnect", "disconnected")
    shell.type(f"connect grpc://127.0.0.1:{stands.port}", "connected")
    shell.type(f"getValue {SPEED}", '"value": 77.5')


def test_the_command_line_tells_errors(shell):
    shell.type(f"getValue {UNKNOWN}", '"code": 404')
    shell.type(f"setValue {WINDOW} 101", '"code": 3', "not between 0 and 100")
    shell.type(f"setValue {MODE} FLYING", "none of NORMAL")
    shell.type(f"setValue {WINDOW} abc", "ValueError")
    shell.type(f"setTargetValue {SPEED} 3", "is no actuator")
    shell.type(f"subscribe {UNKNOWN}", '"code": 5')
    shell.type("unsubscribe 1234", "UUID")


def test_the_command_line_with_tls_and_a_token(guarded, tmp_path):
    good = tmp_path / "good.token"
    good.write_text(token("read provide:Vehicle.Speed"))
    shell = CommandLine(
        tmp_path, f"grpcs://127.0.0.1:{guarded.port}",
        "--cacertificate", str(guarded.ca), "--tls-server-name", SERVER_NAME,
    )  # fmt: skip
    try:
        shell.type(f"getValue {SPEED}", "unauthenticated")
        shell.type(f"authorize {token('read', valid_s=-5.0)}", "expired")
        shell.type(f"authorize {good}", "Authenticated")
        shell.type(f"setValue {SPEED} 9.5", "OK")
        shell.type(f"getValue {SPEED}", '"value": 9.5')
        shell.type(f"setValue {GEAR} 1", "no right to provide it")
        shell.type(f"setTargetValue {WINDOW} 1", '"code": 403')
    finally:
        shell.close()


def test_our_stubs_have_every_field_of_theirs():
    """The same messages, names, numbers and types; only the package is another."""
    from volant.caros.kuksa import kuksa_v1_pb2, kuksa_v2_pb2

    for version, ours in (("v1", kuksa_v1_pb2), ("v2", kuksa_v2_pb2)):
        theirs: set[tuple] = set()
        for name in ("types", "val"):
            theirs |= _facts(peer(f"kuksa.val.{version}.{name}_pb2").DESCRIPTOR)
        assert _facts(ours.DESCRIPTOR) == theirs
        assert len(theirs) > 50


def _facts(file) -> set[tuple]:
    from google.protobuf import descriptor_pb2

    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    found = {
        (enum.name, value.name, value.number) for enum in proto.enum_type for value in enum.value
    }
    for message in proto.message_type:
        for holder in (message, *message.nested_type):
            found.add((message.name, holder.name))
            for field in holder.field:
                kind = field.type_name.replace("volant.kuksa", "kuksa.val")
                group = (
                    holder.oneof_decl[field.oneof_index].name
                    if field.HasField("oneof_index")
                    else ""
                )
                found.add(
                    (
                        message.name,
                        holder.name,
                        field.name,
                        field.number,
                        field.type,
                        field.label,
                        kind,
                        group,
                    )
                )
    return found
