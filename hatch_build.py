"""Compiles the kernel (``src/bigdata_demos/keywords/analysis/kernels/kernel.c``) when the package is built or installed.

It takes the C compiler that is there (``$CC``, ``cc``, ``gcc``, ``clang``), else the one that PyPI has (``ziglang``): so
``pip install`` is one step everywhere. Where neither works, the package is built without it: slower, with the same answers.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from hashlib import blake2b
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = Path("src", "bigdata_demos", "keywords", "analysis", "kernels")
ZIG = "ziglang>=0.13"


def compiler() -> list[str]:
    """The command of the C compiler on this machine, if there is one."""
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    return next(([name] for name in names if name and shutil.which(name)), [])


class KernelHook(BuildHookInterface[Any]):
    """The build hook."""

    def dependencies(self) -> list[str]:
        """What must be installed to compile."""
        return [] if self.target_name != "wheel" or compiler() else [ZIG]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into the source tree, from where the wheel (or an editable installation) takes it."""
        del version
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / KERNELS
        source = folder / "kernel.c"
        library = folder / f"kernel-{blake2b(source.read_bytes(), digest_size=8).hexdigest()}.so"
        unfinished = library.with_suffix(f".{os.getpid()}")
        command = [*(compiler() or [sys.executable, "-m", "ziglang", "cc"]), "-std=gnu11", "-O3", "-shared", "-fPIC"]
        command += ["-fvisibility=hidden", "-o", str(unfinished), str(source)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
            unfinished.replace(library)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            self.app.display_warning(f"the kernel was not compiled, the package will be slower: {' '.join(command[:3])}: {said}")
            return
        finally:
            unfinished.unlink(missing_ok=True)
        build_data["artifacts"].append(str(library.relative_to(self.root)))
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
