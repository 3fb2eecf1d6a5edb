"""Every row of the list of Uptane's requirements has a test that carries its name."""

import re
from pathlib import Path

ROWS = (
    *(f"u_root_{n}" for n in range(1, 6)),
    *(f"u_ts_{n}" for n in range(1, 4)),
    *(f"u_sn_{n}" for n in range(1, 7)),
    *(f"u_tg_{n}" for n in range(1, 5)),
    *(f"u_dir_{n}" for n in range(1, 5)),
    *(f"u_match_{n}" for n in range(1, 4)),
    *(f"u_del_{n}" for n in range(1, 5)),
    *(f"u_img_{n}" for n in range(1, 4)),
    *("u_endless", "u_slow", "u_part", "u_full", "u_time", "u_man_1", "u_man_2", "u_inv"),
    *("u_store", "u_nostore", "u_prov"),
)


def test_every_row_has_a_test_of_its_name() -> None:
    here = Path(__file__).parent
    paths = [*here.glob("test_*.py"), here.parents[1] / "ota" / "test_unit_one_slot.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    named = set(re.findall(r"def test_(u_[a-z]+(?:_\d)?)_", text))
    assert set(ROWS) - named == set()
