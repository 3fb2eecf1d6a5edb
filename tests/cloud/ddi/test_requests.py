"""hawkBit's DDI as devices speak it, request by request."""

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cloud.ddi.device import FILE, NOW_S, ROOT, Client, action, said
from volant.cloud.campaigns import Report, Said
from volant.cloud.ddi import Device, call_back, offer
from volant.cloud.ddi.device import ENDED_MOST, MESSAGES_MOST


def client(**changes: Any) -> Client:
    return Client(offer(Device(controller_id="car-1", wants_attributes=False), action(**changes)))


def test_a_device_without_an_action_is_told_to_sleep_and_to_describe_itself() -> None:
    found = Client().get()
    assert found == {
        "config": {"polling": {"sleep": "00:05:00"}},
        "_links": {"configData": {"href": f"{ROOT}/configData"}},
    }


def test_an_action_is_found_read_installed_and_kept_as_installed() -> None:
    device = client()
    links = device.links()
    assert list(links) == ["deploymentBase"]
    path, _, version = links["deploymentBase"].partition("?c=")
    found = device.get(path, c=version)
    assert found["id"] == "7"
    assert found["deployment"]["download"] == found["deployment"]["update"] == "forced"
    file = found["deployment"]["chunks"][0]["artifacts"][0]
    assert file["size"] == 1000
    assert file["hashes"] == {"sha1": FILE.sha1, "md5": FILE.md5, "sha256": FILE.sha256}
    href = f"{ROOT}/softwaremodules/3/artifacts/os.swu"
    assert file["_links"]["download"] == file["_links"]["download-http"] == {"href": href}
    assert device.post(f"{path}/feedback", said("proceeding")) == 200
    assert device.post(f"{path}/feedback", said("closed", "success")) == 200
    assert [one.said for one in device.reports] == [Said.BUSY, Said.INSTALLED]
    assert device.links() == {"installedBase": "installedBase/7"}
    assert device.get("installedBase/7")["id"] == "7"


@pytest.mark.parametrize(
    ("execution", "finished", "expected", "over"),
    [
        ("closed", "success", Said.INSTALLED, True),
        ("closed", "none", Said.INSTALLED, True),
        ("closed", "failure", Said.FAILED, True),
        ("canceled", "success", Said.CANCELED, True),
        ("rejected", "none", Said.BUSY, False),
        ("proceeding", "failure", Said.BUSY, False),
        ("scheduled", "none", Said.BUSY, False),
        ("resumed", "none", Said.BUSY, False),
        ("download", "none", Said.BUSY, False),
        ("downloaded", "none", Said.BUSY, False),
    ],
)
def test_feedback_means_what_it_means_at_hawkbit(
    execution: str, finished: str, expected: Said, over: bool
) -> None:
    device = client()
    assert device.post("deploymentBase/7/feedback", said(execution, finished)) == 200
    assert device.reports == [Report(attempt=1, said=expected)]
    assert (device.device.active is None) is over


def test_feedback_on_an_action_that_is_over_is_gone_and_on_none_of_ours_not_found() -> None:
    device = client()
    device.post("deploymentBase/7/feedback", said("closed", "failure", details=["no space"]))
    assert device.reports[0].reason == "no space"
    assert device.post("deploymentBase/7/feedback", said("closed", "success")) == 410
    assert device.post("deploymentBase/8/feedback", said("closed", "success")) == 404
    assert len(device.reports) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"id": "7", "time": "20210101T000000", "status": {
            "result": {"progress": {}, "finished": "success"}, "execution": "closed", "details": []}},
        {"id": 7, "status": {"result": {"finished": "success", "progress": {"cnt": "2", "of": "5"}},
            "execution": "closed", "details": "all well", "code": 200}},
        {"status": {"execution": "closed", "result": {"finished": "success"}, "extra": [1]}},
        {"status": {"execution": "closed"}},
        {"status": {"execution": "closed", "result": {"finished": "success"}, "details": [{"a": 1}, None]}},
    ],
)  # fmt: skip
def test_what_old_clients_send_is_understood(body: dict[str, Any]) -> None:
    device = client()
    assert device.post("deploymentBase/7/feedback", body) == 200
    assert device.reports[0].said is Said.INSTALLED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"status":{}}',
        b'{"status":{"execution":"dancing"}}',
        b'{"status":{"execution":"closed","result":{"finished":"maybe"}}}',
        b" " * (1 << 20),
    ],
)
def test_what_is_no_feedback_is_told_and_changes_nothing(body: bytes) -> None:
    device = client()
    before = device.device
    assert device.call("POST", "deploymentBase/7/feedback", body).status == 400
    assert device.device == before
    assert not device.reports


def test_a_cancelled_action_is_cancelled_when_the_device_says_so() -> None:
    device = client()
    device.device = call_back(call_back(device.device, NOW_S), NOW_S)
    assert device.links() == {"cancelAction": "cancelAction/7"}
    assert device.get("cancelAction/7") == {"id": "7", "cancelAction": {"stopId": "7"}}
    assert device.call("GET", "deploymentBase/7").status == 404
    assert device.post("cancelAction/7/feedback", said("proceeding")) == 200
    assert device.post("cancelAction/7/feedback", said("closed", "success")) == 200
    assert [one.said for one in device.reports] == [Said.CANCELED]
    assert device.links() == {}


def test_a_device_that_is_too_far_to_cancel_goes_on() -> None:
    device = client()
    device.device = call_back(device.device, NOW_S)
    device.post("cancelAction/7/feedback", said("rejected", details=["writing"]))
    assert "deploymentBase" in device.links()
    device.device = call_back(device.device, NOW_S)
    assert "deploymentBase" in device.links()
    device.post("deploymentBase/7/feedback", said("closed", "success"))
    assert device.reports[-1].said is Said.INSTALLED


def test_a_device_that_installed_before_it_heard_of_the_cancel_has_installed() -> None:
    device = client()
    device.device = call_back(device.device, NOW_S)
    assert device.post("deploymentBase/7/feedback", said("closed", "success")) == 200
    assert device.reports[-1].said is Said.INSTALLED


def test_a_cancellation_that_fails_is_an_error() -> None:
    device = client()
    device.device = call_back(device.device, NOW_S)
    device.post("cancelAction/7/feedback", said("closed", "failure"))
    assert device.reports == [Report(attempt=1, said=Said.FAILED, reason="the cancellation failed")]


def test_a_person_is_asked_says_no_and_then_yes() -> None:
    device = client(asking=True)
    links = device.links()
    assert list(links) == ["confirmationBase"]
    path = links["confirmationBase"].partition("?")[0]
    assert device.get(path)["confirmation"]["chunks"][0]["name"] == "linux"
    assert device.call("GET", "deploymentBase/7").status == 404
    assert device.post("deploymentBase/7/feedback", said("closed")) == 404
    assert (
        device.post(f"{path}/feedback", {"confirmation": "denied", "details": ["not now"]}) == 200
    )
    assert device.reports == [Report(attempt=1, said=Said.REFUSED, reason="not now")]
    assert device.post(f"{path}/feedback", {"confirmation": "confirmed"}) == 200
    assert list(device.links()) == ["deploymentBase"]
    assert device.post(f"{path}/feedback", {"confirmation": "confirmed"}) == 404
    assert device.post(f"{path}/feedback", {"confirmation": "perhaps"}) == 404


def test_a_question_that_is_called_back_is_gone_at_once() -> None:
    device = client(asking=True)
    device.device = call_back(device.device, NOW_S)
    assert device.links() == {}
    assert device.post("confirmationBase/7/feedback", {"confirmation": "confirmed"}) == 410


def test_auto_confirmation_lets_the_one_that_waits_and_all_later_ones_pass() -> None:
    device = client(asking=True)
    found = device.get("confirmationBase")
    assert found["autoConfirm"] == {"active": False}
    assert set(found["_links"]) == {"activateAutoConfirm", "confirmationBase"}
    assert device.post("confirmationBase/activateAutoConfirm", {"initiator": "ann"}) == 200
    assert list(device.links()) == ["deploymentBase"]
    device.device = offer(device.device, action(8, asking=True))
    assert list(device.links()) == ["deploymentBase"]
    found = device.get("confirmationBase")
    assert found["autoConfirm"]["initiator"] == "ann"
    assert set(found["_links"]) == {"deactivateAutoConfirm"}
    assert device.call("POST", "confirmationBase/deactivateAutoConfirm").status == 200
    device.device = offer(device.device, action(9, asking=True))
    assert list(device.links()) == ["confirmationBase"]


def test_attributes_are_merged_replaced_and_removed() -> None:
    device = Client()
    assert device.call("PUT", "configData", {"data": {"a": "1", "n": 5, "off": None}}).status == 200
    assert device.links() == {}
    assert device.device.attributes == {"a": "1", "n": "5", "off": ""}
    device.call("PUT", "configData", {"mode": "merge", "data": {"b": True}})
    device.call("PUT", "configData", {"mode": "remove", "data": {"n": "", "off": ""}})
    assert device.device.attributes == {"a": "1", "b": "true"}
    device.call("PUT", "configData", {"mode": "replace", "data": {"c": "3"}})
    assert device.device.attributes == {"c": "3"}
    many = {str(place): "x" for place in range(101)}
    assert device.call("PUT", "configData", {"data": many}).status == 400
    assert device.call("PUT", "configData", {"data": {"a": "x" * 129}}).status == 400
    assert device.device.attributes == {"c": "3"}


def test_what_a_device_runs_without_our_doing_is_kept() -> None:
    device = Client()
    body = {"name": "usb", "version": "9"}
    assert device.call("PUT", "installedBase", body).status == 201
    assert device.call("PUT", "installedBase", body).status == 200
    assert device.device.offline == ("usb", "9")


def test_files_are_given_in_ranges_with_their_md5_and_only_to_whom_they_are_for() -> None:
    device = client()
    path = "softwaremodules/3/artifacts"
    assert device.get(path)[0]["filename"] == "os.swu"
    whole = device.call("GET", f"{path}/os.swu")
    assert whole.status == 200
    assert whole.file is not None
    assert whole.headers["content-length"] == "1000"
    etag = whole.headers["etag"]
    part = device.call("GET", f"{path}/os.swu", headers={"range": "bytes=400-", "if-match": etag})
    assert part.status == 206
    assert part.headers["content-range"] == "bytes 400-999/1000"
    assert device.call("GET", f"{path}/os.swu", headers={"if-match": '"other"'}).status == 412
    assert device.call("GET", f"{path}/os.swu", headers={"range": "bytes=1000-"}).status == 416
    assert device.call("GET", f"{path}/os.swu.MD5SUM").body == b"b" * 32 + b"  os.swu"
    assert device.call("GET", f"{path}/other").status == 404
    assert device.call("GET", "softwaremodules/4/artifacts/os.swu").status == 404
    assert Client().call("GET", f"{path}/os.swu").status == 404


def test_the_link_changes_when_what_is_behind_it_does() -> None:
    forced = client().links()["deploymentBase"]
    assert forced == client().links()["deploymentBase"]
    assert forced != client(forced=False).links()["deploymentBase"]


def test_a_maintenance_window_is_told() -> None:
    found = client(maintenance=False).get("deploymentBase/7")["deployment"]
    assert (found["update"], found["maintenanceWindow"]) == ("skip", "unavailable")
    found = client(maintenance=True).get("deploymentBase/7")["deployment"]
    assert (found["update"], found["maintenanceWindow"]) == ("forced", "available")


def test_history_is_sent_when_asked_for() -> None:
    device = client()
    device.post("deploymentBase/7/feedback", said("proceeding", details=["one", "two"]))
    assert "actionHistory" not in device.get("deploymentBase/7")
    assert device.get("deploymentBase/7", actionHistory="2")["actionHistory"]["messages"] == [
        "two", "one",
    ]  # fmt: skip
    assert len(device.get("deploymentBase/7", actionHistory="-1")["actionHistory"]["messages"]) == 3
    assert device.call("GET", "deploymentBase/7", actionHistory="x").status == 400


def test_a_history_says_how_its_action_stands() -> None:
    device = client()

    def status(path: str) -> object:
        return device.get(path, actionHistory="-1")["actionHistory"]["status"]

    device.post("deploymentBase/7/feedback", said("proceeding"))
    assert status("deploymentBase/7") == "RUNNING"
    device.post("deploymentBase/7/feedback", said("closed", "success"))
    assert status("installedBase/7") == "FINISHED"


def test_a_file_that_a_client_has_is_not_sent_again_and_one_that_is_sent_has_its_name() -> None:
    device = client()
    path = "softwaremodules/3/artifacts/os.swu"
    whole = device.call("GET", path)
    assert whole.headers["content-disposition"] == "attachment;filename=os.swu"
    for mark in (whole.headers["etag"], f'"x", W/{whole.headers["etag"]}', "*"):
        again = device.call("GET", path, headers={"if-none-match": mark})
        assert (again.status, again.file, "content-length" in again.headers) == (304, None, False)
    assert device.call("GET", path, headers={"if-none-match": '"x"'}).status == 200


def test_a_poll_that_finds_nothing_new_costs_no_body() -> None:
    device = client()
    etag = device.call("GET").headers["etag"]
    assert device.call("GET", headers={"if-none-match": etag}).status == 304
    device.device = call_back(device.device, NOW_S)
    assert device.call("GET", headers={"if-none-match": etag}).status == 200


def test_a_device_that_talks_for_ever_takes_no_more_memory() -> None:
    device = client()
    for _ in range(5):
        device.post("deploymentBase/7/feedback", said("proceeding", details=["x" * 1000] * 100))
    assert device.device.active is not None
    assert len(device.device.active.messages) == MESSAGES_MOST
    for number in range(8, 100):
        device.device = offer(device.device, action(number))
    assert len(device.device.ended) == ENDED_MOST


WORDS = ["deploymentBase", "cancelAction", "confirmationBase", "configData", "installedBase",
    "softwaremodules", "artifacts", "feedback", "7", "8", "0", "-1", "9" * 40, "os.swu", "..", "\u0662",
    "activateAutoConfirm"]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "DELETE", "x"]),
    st.lists(st.sampled_from(WORDS), max_size=5).map("/".join) | st.text(string.printable, max_size=30),
    st.binary(max_size=30) | st.sampled_from([json.dumps(said("closed", "success")).encode(), b"{}"]),
    st.dictionaries(st.sampled_from(["range", "if-match", "if-range", "if-none-match"]),
        st.text(max_size=20)),
    st.booleans(),
)  # fmt: skip
def test_any_request_has_an_answer(
    method: str, path: str, body: bytes, headers: dict[str, str], asking: bool
) -> None:
    device = client(asking=asking)
    answer = device.call(method, path, body, headers)
    assert answer.status in {200, 201, 206, 304, 400, 404, 405, 410, 412, 416}
