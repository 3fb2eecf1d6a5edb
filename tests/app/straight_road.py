"""A small road of our own, so that a drive in a test takes a second."""

from pathlib import Path

STRAIGHT = """<?xml version="1.0"?>
<OpenDRIVE>
  <header revMajor="1" revMinor="6" name="straight"/>
  <road name="straight" length="{length_m}" id="1" junction="-1">
    <type s="0" type="rural"><speed max="60" unit="km/h"/></type>
    <planView>
      <geometry s="0" x="0" y="0" hdg="0.3" length="{length_m}"><line/></geometry>
    </planView>
    <lanes>
      <laneSection s="0">
        <center><lane id="0" type="none" level="false"/></center>
        <right>
          <lane id="-1" type="{kind}" level="false">
            <width sOffset="0" a="{width_m}" b="0" c="0" d="0"/>
            <roadMark sOffset="0" type="solid" color="white" width="0.12"/>
          </lane>
        </right>
      </laneSection>
    </lanes>
  </road>
</OpenDRIVE>
"""


def write_straight(
    path: Path, length_m: float = 400.0, kind: str = "driving", width_m: float = 3.5
) -> Path:
    """One lane, as a rule of 3.5 m, at 60 km/h."""
    path.write_text(STRAIGHT.format(length_m=length_m, kind=kind, width_m=width_m))
    return path
