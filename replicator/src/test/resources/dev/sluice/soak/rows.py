"""Prints every row that Litestream's VFS shows of the replica LITESTREAM_REPLICA_URL: rows.py LITESTREAM_VFS."""
import sqlite3
import sys

loader = sqlite3.connect(":memory:")
loader.enable_load_extension(True)
loader.load_extension(sys.argv[1])
database = sqlite3.connect("file:replica.db?vfs=litestream", uri=True)
tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
for (table,) in tables:
    columns = [row[1] for row in database.execute("PRAGMA table_info(" + table + ")")]
    quoted = " || '|' || ".join("quote(" + column + ")" for column in columns)
    for (row,) in database.execute("SELECT " + quoted + " FROM " + table + " ORDER BY rowid"):
        print(table, row)
