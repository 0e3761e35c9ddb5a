"""Reads by Litestream's VFS beside a local file: litestream-reads.py LITESTREAM_VFS DATABASE ROWS; called by reads."""
import random
import sqlite3
import statistics
import sys
import time

ROUNDS = 5
SECONDS = 0.7
LOOKUP = "SELECT length(word) FROM t WHERE id = ?"


def prepared(connection):
    connection.isolation_level = None
    connection.execute("PRAGMA cache_size=10")
    connection.execute("SELECT sum(length(word)) FROM t").fetchone()
    return connection


def lookups(connection, rows):
    end = time.monotonic() + SECONDS
    count = 0
    while time.monotonic() < end:
        connection.execute(LOOKUP, (random.randint(1, rows),)).fetchone()
        count += 1
    return count / SECONDS


def in_transaction(connection, rows):
    connection.execute("BEGIN")
    rate = lookups(connection, rows)
    connection.execute("COMMIT")
    return rate


def scans(connection, rows):
    begun = time.monotonic()
    connection.execute("SELECT sum(length(word)) FROM t").fetchone()
    return 1 / (time.monotonic() - begun)


def main(vfs, file, rows):
    loader = sqlite3.connect(":memory:")
    loader.enable_load_extension(True)
    local = prepared(sqlite3.connect("file:" + file + "?mode=ro", uri=True))
    loader.load_extension(vfs)
    replica = sqlite3.connect("file:replica.db?vfs=litestream", uri=True)
    while True:
        (progress,) = replica.execute("PRAGMA litestream_hydration_progress").fetchone()
        if float(progress) >= 100:
            break
        time.sleep(0.1)
    prepared(replica)
    print("Litestream's VFS, hydrated, by Python: 1 thread%11s%13s%7s" % ("local", "Litestream", "ratio"))
    for name, work in ("autocommit lookups/s", lookups), ("lookups/s in a transaction", in_transaction), ("scans/s", scans):
        pairs = [(work(local, rows), work(replica, rows)) for _ in range(ROUNDS)]
        base = statistics.median(pair[0] for pair in pairs)
        rate = statistics.median(pair[1] for pair in pairs)
        ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
        print("%-47s%11.1f%13.1f%7.3f" % (name, base, rate, ratio))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
