"""Record that each compiled room equals its plain room as it is now. Run this after a change of both."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from c4pipe import twins  # of this tree, whatever the working folder

if __name__ == "__main__":
    twins.HELD_EQUAL.write_text(
        json.dumps({"files": {}, "code": {}}), "utf-8"
    )  # an empty record, so that all files are parsed anew
    twins.HELD_EQUAL.write_text(json.dumps(twins.as_held(), indent=1) + "\n", "utf-8")
