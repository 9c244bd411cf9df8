"""What this process knows of itself."""

import os
import time


def created() -> float:
    """When this process was created, as :func:`time.time` has it.

    psutil's answer is off by up to a second: it counts from the time of boot, which the kernel tells in whole seconds.
    """
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        import psutil

        return psutil.Process().create_time()
