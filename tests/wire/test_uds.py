"""Words of UDS: trouble codes' names and the small codecs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError
from volant.wire import uds


@given(st.integers(0, 0xFFFFFF))
def test_a_trouble_code_survives_its_name(code: int) -> None:
    assert uds.dtc_code(uds.dtc_name(code)) == code


def test_a_trouble_code_is_named_as_workshops_write_it() -> None:
    assert uds.dtc_name(0xC10087) == "U0100-87"
    assert uds.dtc_name(0x0A7E4B) == "P0A7E-4B"
    assert uds.dtc_code("C0035-62") == 0x403562


@pytest.mark.parametrize("name", ["", "U0100", "U01G0-87", "X0100-87", "U4100-87", "U0100-8", "UU"])
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="expected a trouble code"):
        uds.dtc_code(name)


def test_records_are_read_and_cut_ones_refused() -> None:
    answer = bytes.fromhex("5902ff c10087 2f c10083 50")
    first, second = uds.read_dtc_records(answer)
    assert first.code == 0xC10087
    assert first.status & uds.DtcStatus.CONFIRMED
    assert not second.status & uds.DtcStatus.TEST_FAILED
    with pytest.raises(InputError):
        uds.read_dtc_records(answer[:-1])


def test_the_block_length_is_read_and_others_refused() -> None:
    assert uds.read_block_length(b"\x74\x20\x10\x02") == 4098
    for wrong in (b"", b"\x74", b"\x74\x20\x10", b"\x75\x20\x10\x02", b"\x74\x00"):
        with pytest.raises(InputError):
            uds.read_block_length(wrong)


def test_timers_stand_in_the_sessions_answer() -> None:
    assert uds.session_response(3, 50, 5000).hex() == "5003003201f4"
