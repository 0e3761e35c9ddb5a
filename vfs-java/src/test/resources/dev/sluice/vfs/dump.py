"""Prints every row of every table: dump.py FILE [LITESTREAM_VFS], the file by SQLite's own VFS or by Litestream's."""
import sqlite3
import sys

if len(sys.argv) > 2:
    loader = sqlite3.connect(":memory:")
    loader.enable_load_extension(True)
    loader.load_extension(sys.argv[2])
    database = sqlite3.connect("file:replica.db?vfs=litestream", uri=True)
else:
    database = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
    print(name, sql)
    for row in database.execute('SELECT * FROM "' + name + '"'):
        print(row)
