"""Hydrates by Litestream's VFS what its environment variables name: litestream-hydrate.py LITESTREAM_VFS; called by hydrate.
Prints the seconds from the open to the end, the processors', and those to the first row."""
import os
import resource
import sqlite3
import sys
import time


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


loader = sqlite3.connect(":memory:")
loader.enable_load_extension(True)
loader.load_extension(sys.argv[1])
before = cpu()
begun = time.monotonic()
replica = sqlite3.connect("file:replica.db?vfs=litestream", uri=True)
replica.execute("SELECT a FROM t WHERE id = 77").fetchone()
first = time.monotonic() - begun
(pages,) = replica.execute("PRAGMA page_count").fetchone()
(page_bytes,) = replica.execute("PRAGMA page_size").fetchone()
file = os.environ["LITESTREAM_HYDRATION_PATH"]
while (
    float(replica.execute("PRAGMA litestream_hydration_progress").fetchone()[0]) < 100
    or os.path.getsize(file) < pages * page_bytes  # 99.95 is 100.0, too
):
    time.sleep(0.01)
print("taken", time.monotonic() - begun, cpu() - before, first, flush=True)
os._exit(0)
