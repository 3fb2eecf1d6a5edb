"""The XML reader refuses what could make it expand, fetch, hang or grow without bound."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError
from volant.road import xmltree
from volant.road.xmltree import parse_xml

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<OpenDRIVE name="&b;"/>"""
EXTERNAL = b"""<?xml version="1.0"?>
<!DOCTYPE x SYSTEM "file:///etc/passwd">
<OpenDRIVE/>"""


def test_elements_keep_their_order_attributes_and_lines():
    root = parse_xml(b'<a>\n<b x="1"/>\n\n<c/><b x="2"/></a>', "f")
    assert [(child.tag, child.line) for child in root.children] == [("b", 2), ("c", 4), ("b", 4)]
    assert [child.attributes["x"] for child in root.all("b")] == ["1", "2"]


@pytest.mark.parametrize("data", [BOMB, EXTERNAL])
def test_a_document_type_is_refused_with_its_line(data):
    with pytest.raises(InputError, match=r"f:2: document types and entities are refused"):
        parse_xml(data, "f")


def test_an_undeclared_entity_is_refused():
    with pytest.raises(InputError, match="undefined entity"):
        parse_xml(b"<a>&b;</a>", "f")


def test_a_file_over_the_bound_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(xmltree, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="11 bytes, at most 10"):
        parse_xml(b"not xml at ", "f")


def test_deep_nesting_is_refused():
    with pytest.raises(InputError, match="nested deeper"):
        parse_xml(b"<a>" * 100 + b"</a>" * 100, "f")


def test_too_many_elements_are_refused(monkeypatch):
    monkeypatch.setattr(xmltree, "MAX_ELEMENTS", 50)
    with pytest.raises(InputError, match="more than 50 elements"):
        parse_xml(b"<a>" + b"<b/>" * 60 + b"</a>", "f")


def test_the_line_of_a_syntax_error_is_told():
    with pytest.raises(InputError, match="f:3: not well-formed XML"):
        parse_xml(b"<a>\n<b>\n</a>", "f")


@pytest.mark.parametrize(
    "data", [b"", b"   ", b"\xff\xfe\x00", b'<?xml version="1.0" encoding="no"?><a/>']
)
def test_what_is_no_xml_is_an_input_error(data):
    with pytest.raises(InputError):
        parse_xml(data, "f")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_tree_or_an_input_error(data):
    try:
        parse_xml(data, "f")
    except InputError as error:
        named = error.file
    else:
        named = "f"
    assert named == "f"


def test_a_million_attributes_do_not_take_quadratic_time():
    data = b"<a " + b" ".join(b'x%d="1"' % n for n in range(20_000)) + b"/>"
    began = time.process_time()
    assert len(parse_xml(data, "f").attributes) == 20_000
    assert time.process_time() - began < 2.0
