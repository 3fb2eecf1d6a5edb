"""Read reference lines and cubic profiles of an OpenDRIVE road."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from volant.road.model import Arc, Cubic, Geometry, Line, ParamPoly3, Poly3, Spiral
from volant.road.xmltree import Element, Reader

# Tightest curve taken for a road: 0.2 m radius (the narrowest turning circle of any car is 3 m).
MAX_CURVATURE_PER_M: Final = 5.0
# Most turning of one piece: ten full circles, more than any helical ramp in one record.
MAX_TURN_RAD: Final = 20.0 * math.pi
# A poly3 is measured by integration, each place from its start.
MAX_POLY3_M: Final = 10_000.0
S_TOLERANCE_M: Final = 0.05

Shape = Line | Arc | Spiral | Poly3 | ParamPoly3


def read_geometries(reader: Reader, road: Element) -> tuple[Geometry, ...]:
    """The pieces of the reference line in order of s, without pieces of no length.

    Raises:
        InputError: none is there, a shape is missing or unknown, s runs backwards or has a hole.
    """
    pieces: list[Geometry] = []
    plan = road.first("planView")
    if plan is None:
        raise reader.error(road, "it has no planView")
    end_m = 0.0
    for element in plan.all("geometry"):
        piece = Geometry(
            s_m=reader.number(element, "s"),
            x_m=reader.number(element, "x"),
            y_m=reader.number(element, "y"),
            heading_rad=reader.number(element, "hdg"),
            length_m=reader.length(element, "length"),
            shape=_read_shape(reader, element),
        )
        if abs(piece.s_m - end_m) > S_TOLERANCE_M:
            raise reader.error(element, f's="{piece.s_m:g}", expected {end_m:g}')
        end_m = piece.s_m + piece.length_m
        if piece.length_m > 1e-9:
            pieces.append(piece)
    if not pieces:
        raise reader.error(plan, "it holds no geometry with a length")
    return tuple(pieces)


def _read_shape(reader: Reader, element: Element) -> Shape:
    for child in element.children:
        read = _SHAPES.get(child.tag)
        if read is not None:
            shape = read(reader, child)
            _refuse_wild(reader, child, shape, reader.length(element, "length"))
            return shape
    found = ", ".join(child.tag for child in element.children) or "nothing"
    raise reader.error(element, f"found {found}, expected one of {', '.join(_SHAPES)}")


def _refuse_wild(reader: Reader, element: Element, shape: Shape, length_m: float) -> None:
    match shape:
        case Arc(curvature):
            worst = abs(curvature)
        case Spiral(start, end):
            worst = max(abs(start), abs(end))
        case Poly3() if length_m > MAX_POLY3_M:
            raise reader.error(element, f"{length_m:g} m long, at most {MAX_POLY3_M:g}")
        case _:
            return
    if worst > MAX_CURVATURE_PER_M:
        raise reader.error(element, f"curvature {worst:g} 1/m, at most {MAX_CURVATURE_PER_M:g}")
    if worst * length_m > MAX_TURN_RAD:
        raise reader.error(
            element, f"it turns {worst * length_m:g} rad, at most {MAX_TURN_RAD:.0f}"
        )


def _read_arc(reader: Reader, element: Element) -> Arc:
    return Arc(reader.number(element, "curvature"))


def _read_spiral(reader: Reader, element: Element) -> Spiral:
    return Spiral(reader.number(element, "curvStart"), reader.number(element, "curvEnd"))


def _read_poly3(reader: Reader, element: Element) -> Poly3:
    a, b, c, d = (reader.number(element, name) for name in "abcd")
    return Poly3(a, b, c, d)


def _read_param_poly3(reader: Reader, element: Element) -> ParamPoly3:
    span = reader.text(element, "pRange", "normalized")
    if span not in ("arcLength", "normalized"):
        raise reader.error(element, f'pRange="{span}", expected arcLength or normalized')
    ua, ub, uc, ud = (reader.number(element, f"{name}U") for name in "abcd")
    va, vb, vc, vd = (reader.number(element, f"{name}V") for name in "abcd")
    if ub == 0.0 and vb == 0.0:
        raise reader.error(element, "bU and bV are both zero: it has no direction at its start")
    return ParamPoly3((ua, ub, uc, ud), (va, vb, vc, vd), span == "normalized")


_SHAPES: Final[dict[str, Callable[[Reader, Element], Shape]]] = {
    "line": lambda _reader, _element: Line(),
    "arc": _read_arc,
    "spiral": _read_spiral,
    "poly3": _read_poly3,
    "paramPoly3": _read_param_poly3,
}


def read_cubics(reader: Reader, elements: Iterable[Element], start: str = "s") -> tuple[Cubic, ...]:
    """Cubic records in order of their start; a later record with the same start wins."""
    records = [
        Cubic(reader.number(element, start), *(reader.number(element, name) for name in "abcd"))
        for element in elements
    ]
    records.sort(key=lambda record: record.s_m)
    return tuple({record.s_m: record for record in records}.values())
