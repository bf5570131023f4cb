"""Write down that the compiled rooms are the twins of the plain ones as these are now: after a change of both alike."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from c4pipe import twins  # of this tree, wherever this is run

if __name__ == "__main__":
    twins.HELD_EQUAL.write_text(json.dumps({"files": {}, "code": {}}), "utf-8")  # so that all files are parsed
    twins.HELD_EQUAL.write_text(json.dumps(twins.as_held(), indent=1) + "\n", "utf-8")
