"""Runs a command and says what it cost.

    measure.py COST.json COMMAND [ARGUMENT ...]

A process of its own, and a small one: the kernel counts a child's peak memory from that of the process that started it.
"""

import json
import os
import subprocess
import sys
import time

start = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
cost = {
    "seconds": time.perf_counter() - start,
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "mebibytes": usage.ru_maxrss / 1024,
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(cost, file)
sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)
