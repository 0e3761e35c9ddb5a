"""One transaction through Litestream's VFS in write mode, and the same on a local file: write.py LITESTREAM_VFS LOCAL SQL...

Ends when Litestream has synced it. Its connection is of no use after some transactions, so each has one of its own.
"""
import sqlite3
import sys
import time

LIMIT_SECONDS = 30
PAUSE_SECONDS = 0.02

library, local, *statements = sys.argv[1:]
# Before the extension is there, which refuses every other file.
copy = sqlite3.connect(local, isolation_level=None)
copy.execute("SELECT * FROM sqlite_master").fetchall()
loader = sqlite3.connect(":memory:")
loader.enable_load_extension(True)
loader.load_extension(library)


def txid(database):
    return database.execute("PRAGMA litestream_txid").fetchone()[0]


def write(database):
    is_transaction = len(statements) > 1
    for sql in ["BEGIN"] * is_transaction + statements + ["COMMIT"] * is_transaction:
        database.execute(sql).fetchall()


remote = sqlite3.connect("file:replica.db?vfs=litestream", uri=True, isolation_level=None)
before = txid(remote)
write(remote)
end = time.monotonic() + LIMIT_SECONDS
while txid(remote) == before:
    if time.monotonic() > end:
        sys.exit("not synced in time")
    time.sleep(PAUSE_SECONDS)
write(copy)
print("synced", txid(remote))
