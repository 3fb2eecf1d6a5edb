"""`volant` on a machine whose clock is wrong: by how much stands in a file, in seconds, and may change meanwhile.

python -m tests.cloud.jumping FILE fleet serve ...
"""

import sys
import time
from pathlib import Path

right_s = time.time


def main() -> None:
    file = Path(sys.argv[1])
    time.time = lambda: right_s() + float(file.read_text() or 0.0)
    sys.argv = ["volant", *sys.argv[2:]]
    from volant.__main__ import main as volant

    volant()


if __name__ == "__main__":
    main()
