"""Build with setuptools; on a machine without a C compiler, compile with zig from the package index.

The compiled rooms are in ``c4pipe/fast``, written in Cython. The machine's own compiler comes first: ``CC`` if it is
set, else the compiler that Python was built with.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  # the hooks that this module does not replace

ZIG = "ziglang>=0.13"
ZIG_CC = f"{sys.executable} -m ziglang cc"


def has_compiler() -> bool:
    """Return whether the machine can compile C: the command that distutils would run exists."""
    if sys.platform == "win32":
        return True  # setuptools finds the compiler itself, through the registry
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return shutil.which(command.split()[0]) is not None


def _requires() -> list[str]:
    return [] if has_compiler() else [ZIG]


def _with_compiler() -> None:
    """Let distutils run zig where the machine has no compiler."""
    if not has_compiler():
        # Without -mcpu, zig compiles for this processor only. Its debug mode would add checks at run time.
        os.environ["CC"] = os.environ["CXX"] = f"{ZIG_CC} -mcpu=baseline -fno-sanitize=undefined"
        os.environ["LDSHARED"] = f"{ZIG_CC} -shared"


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Return the requirements of a wheel, with zig if the machine has no compiler."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_requires()]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """Return the requirements of an installation in place, with zig if the machine has no compiler."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_requires()]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Build a wheel; return its file name."""
    _with_compiler()
    return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Build the compiled rooms in place; return the file name of the editable wheel."""
    _with_compiler()
    return str(build_meta.build_editable(wheel_directory, config_settings, metadata_directory))
