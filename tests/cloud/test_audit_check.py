"""The audit log of a real database, after somebody has changed it: what is found, and in which words."""

import gc
import hashlib
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.office import Office
from volant.cloud.audit_check import kept_head
from volant.cloud.campaigns import Wave
from volant.cloud.desk import Desk
from volant.cloud.people import Role
from volant.core.errors import InputError, TrustError
from volant.trust.keys import SigningKey

KEY = SigningKey(b"k" * 32)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.desk.sealer = lambda: KEY
    yield made
    made.close()


def change(office: Office, *statements: str) -> None:
    """What somebody does who may write to the database."""
    with sqlite3.connect(office.folder / "fleet.db") as database:
        for one in statements:
            database.execute(one)
    database.close()


def check(office: Office, holds: str = "") -> int:
    return office.desk.check_audit(office.who("vera"), holds).lines


def test_why_somebody_stopped_stands_in_the_log_and_stays_in_the_report(office: Office) -> None:
    office.begin("CAR1")
    office.act("adam", "pause", reason="ice on the roads")
    office.act("olga", "resume", reason="it thaws")
    office.act("adam", "stop", reason="bad brakes")
    acts = {one.act: one.data for one in office.desk.report(office.who("vera"), "spring").acts}
    reasons = [acts[verb].get("reason") for verb in ("pause", "resume", "stop", "start")]
    assert reasons == ["ice on the roads", "it thaws", "bad brakes", None]


@pytest.mark.parametrize("title", ["Spring", "ü" * 190 + '"\\'])
def test_the_log_alone_says_which_plan_was_approved(office: Office, title: str) -> None:
    office.publish()
    many = tuple(Wave(name=f"w{n}" + "x" * 100, count=1, errors_stop=1) for n in range(63))
    first = office.draft(title=title)
    changed = plan_of(title=title, waves=(*many, Wave(name="rest", errors_stop=1)), cars="a == '" + "ö" * 3000 + "'")  # fmt: skip
    office.desk.change(office.who("olga"), "spring", changed)
    acts = office.desk.report(office.who("vera"), "spring").acts
    texts: dict[str, str] = {}
    for one in acts:
        texts[str(one.data["plan"])] = texts.get(str(one.data["plan"]), "") + str(one.data["text"])
    assert set(texts) == {first.digest, changed.digest}
    for digest, text in texts.items():
        assert hashlib.sha256(text.encode()).hexdigest() == digest
    assert {one.act for one in acts} == {"draft", "change", "plan"}
    assert check(office)


@pytest.mark.parametrize("kind", ["text", "blob"])
def test_a_changed_line_is_told_by_its_number_and_leaves_nothing_open(
    office: Office, kind: str
) -> None:
    office.begin("CAR1")
    change(office, f"update audit set line = cast(replace(line, 'adam', 'evil') as {kind}) where number = 9")  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="line 9 or 10 was changed"):
            check(office)
        gc.collect()
    assert office.desk.audit(office.who("vera"))


def test_text_that_is_no_text_and_nothing_at_all_are_changed_lines(office: Office) -> None:
    office.begin("CAR1")
    for value in ("cast(x'ff00' as text)", "5", "''"):
        change(office, f"update audit set line = {value} where number = 3")
        with pytest.raises(InputError, match="audit log:3: the line was changed"):
            check(office)
        with pytest.raises(InputError, match="`volant fleet audit` says which"):
            office.desk.audit(office.who("vera"))


def test_the_last_line_changed_is_found_by_the_hash_beside_it(office: Office) -> None:
    office.begin("CAR1")
    last = check(office)
    change(office, f"update audit set line = cast(replace(line, 'olga', 'evil') as blob) where number = {last}")  # fmt: skip
    with pytest.raises(InputError, match=f"line {last} was changed"):
        check(office)


def test_a_cut_end_is_found_by_a_head_that_was_kept(office: Office) -> None:
    office.begin("CAR1")
    office.desk.admit(office.local, "CAR2")
    office.desk.put_groups(office.local, "CAR2", ["eu"])
    report = office.desk.report(office.who("vera"), "spring")
    plain = f"{report.audit_lines}:{report.audit_digest}"
    assert check(office, plain) == check(office, report.sealed_head) == report.audit_lines
    change(office, f"delete from audit where number > {report.audit_lines - 2}")
    assert check(office) == report.audit_lines - 2  # of groups and tokens nothing else is known
    for holds in (plain, report.sealed_head):
        with pytest.raises(TrustError, match="cut off"):
            check(office, holds)


def test_a_campaign_that_runs_without_a_line_shows_that_the_end_was_cut(office: Office) -> None:
    office.begin("CAR1")
    lines = check(office)
    cut = f"delete from audit where number > {lines} - 1"
    change(office, cut)
    with pytest.raises(
        TrustError, match=r"spring is running at revision 3, .* approved at revision 2"
    ):
        check(office)


def test_what_is_there_has_its_line(office: Office) -> None:
    for act, words in (
        (office.publish, "`publish` of 2.0"),
        (office.draft, "`draft` of campaign spring"),
    ):
        before = check(office)
        act()
        with sqlite3.connect(office.folder / "fleet.db") as database:
            kept = database.execute("select * from audit where number > ?", (before,)).fetchall()
            database.execute("delete from audit where number > ?", (before,))
        with pytest.raises(TrustError, match=f"no line {words}, which is there"):
            check(office)
        with database:
            database.executemany("insert into audit values (?, ?, ?, ?)", kept)
        database.close()


def test_tries_that_cars_were_told_have_their_lines(office: Office) -> None:
    office.begin("CAR1")
    lines = check(office)
    office.fail("CAR1", "no room")
    assert check(office) > lines
    change(office, f"delete from audit where number > {lines}")
    with pytest.raises(TrustError, match="cut off"):
        check(office)


def test_a_head_of_another_fleet_is_not_taken() -> None:
    with pytest.raises(InputError, match="no head of an audit log"):
        kept_head("{}", KEY)
    with pytest.raises(TrustError, match="no key"):
        kept_head("{}", None)


@pytest.mark.parametrize("name", ["server", "Server", "CAR", "car"])
def test_nobody_is_named_as_the_program_names_itself(office: Office, name: str) -> None:
    with pytest.raises(InputError, match="no name for a person"):
        Desk.local(name)
    with pytest.raises(InputError, match="no name for a person"):
        office.desk.invite(office.local, name, Role.VIEWER)


def test_a_second_token_of_a_car_is_told_and_logged(office: Office) -> None:
    assert not office.desk.admit(office.local, "CAR1").again
    assert office.desk.admit(office.local, "CAR1").again
    newest, before = office.desk.audit(office.who("vera"), limit=2)
    assert (newest.data, before.data) == ({"again": True}, {})


def test_a_car_that_is_not_in_a_campaign_cannot_try_it_again(office: Office) -> None:
    office.begin("CAR1")
    with pytest.raises(InputError, match="car CAR9 is not in spring"):
        office.act("olga", "retry", cars=("CAR9",))
