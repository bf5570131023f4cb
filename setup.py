"""Build the compiled rooms; pyproject.toml has all else. To rebuild: ``python setup.py build_ext --inplace``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# Verdicts depend on the order of floating-point operations, so the compiler must not fuse or reorder them.
FLAGS = ["/O2", "/fp:precise"] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-ffp-contract=off", "-g0"]
ROOT = Path(__file__).parent
FAST = ROOT / "c4pipe" / "fast"
INCLUDED = sorted(part.relative_to(ROOT).as_posix() for kind in ("*.h", "*.pxi") for part in FAST.glob(kind))

extensions = [
    Extension(
        f"c4pipe.fast.{room.stem}",
        [room.relative_to(ROOT).as_posix()],
        depends=INCLUDED,
        extra_compile_args=FLAGS,
        optional=True,
    )
    for room in sorted(FAST.glob("*.pyx"))
]
directives = {"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True, "embedsignature": True}
setup(
    ext_modules=cythonize(extensions, build_dir="build", compiler_directives=directives),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
