package dev.sluice.soak;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the application's tables hold while a transaction is under way: tables, rows, indexes and
 * their hash, with what undoes each change. Confined to the thread that holds the write lock.
 */
final class Model {
  private final Map<String, NavigableMap<Long, Long>> tables = new HashMap<>();
  private final Set<String> indexes = new TreeSet<>();
  private final List<Runnable> undo = new ArrayList<>();
  private long hash;

  /** Takes over what a database holds. */
  static Model of(Connection connection) throws SQLException {
    Model model = new Model();
    try (Statement statement = connection.createStatement()) {
      List<String> names = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery("SELECT name FROM sqlite_schema")) {
        while (rows.next()) {
          names.add(rows.getString(1));
        }
      }
      for (String name : names) {
        if (name.startsWith(Rows.INDEXES)) {
          model.createIndex(name);
        } else if (name.startsWith(Rows.TABLES)) {
          model.createTable(name);
          try (ResultSet rows = statement.executeQuery("SELECT id, seed FROM " + name)) {
            while (rows.next()) {
              model.put(name, rows.getLong(1), rows.getLong(2));
            }
          }
        }
      }
    }
    model.committed();
    return model;
  }

  long hash() {
    return hash;
  }

  boolean hasTable(String table) {
    return tables.containsKey(table);
  }

  boolean hasIndex(String index) {
    return indexes.contains(index);
  }

  int rowCount(String table) {
    return rows(table).size();
  }

  private NavigableMap<Long, Long> rows(String table) {
    NavigableMap<Long, Long> rows = tables.get(table);
    if (rows == null) {
      throw new IllegalStateException("no table " + table);
    }
    return rows;
  }

  /** Returns the ID of some row; 0 of an empty table. */
  long anyId(String table, Random random) {
    NavigableMap<Long, Long> rows = rows(table);
    if (rows.isEmpty()) {
      return 0;
    }
    Long id = rows.ceilingKey((long) random.nextInt((int) (rows.lastKey() + 1)));
    return id == null ? rows.lastKey() : id;
  }

  void put(String table, long id, long seed) {
    NavigableMap<Long, Long> rows = rows(table);
    Long old = rows.put(id, seed);
    long oldHash = hash;
    hash += Rows.hash(table, id, seed) - (old == null ? 0 : Rows.hash(table, id, old));
    undo.add(
        () -> {
          if (old == null) {
            rows.remove(id);
          } else {
            rows.put(id, old);
          }
          hash = oldHash;
        });
  }

  void remove(String table, long id) {
    NavigableMap<Long, Long> rows = rows(table);
    Long old = rows.remove(id);
    if (old == null) {
      return;
    }
    long oldHash = hash;
    hash -= Rows.hash(table, id, old);
    undo.add(
        () -> {
          rows.put(id, old);
          hash = oldHash;
        });
  }

  void createTable(String table) {
    tables.put(table, new TreeMap<>());
    hash += Rows.hash(table);
    undo.add(
        () -> {
          tables.remove(table);
          hash -= Rows.hash(table);
        });
  }

  void dropTable(String table) {
    NavigableMap<Long, Long> rows = rows(table);
    tables.remove(table);
    long oldHash = hash;
    hash -= Rows.hash(table);
    rows.forEach((id, seed) -> hash -= Rows.hash(table, id, seed));
    undo.add(
        () -> {
          tables.put(table, rows);
          hash = oldHash;
        });
    String index = Rows.INDEXES + table;
    if (indexes.contains(index)) {
      dropIndex(index);
    }
  }

  void createIndex(String index) {
    indexes.add(index);
    hash += Rows.hash(index);
    undo.add(
        () -> {
          indexes.remove(index);
          hash -= Rows.hash(index);
        });
  }

  void dropIndex(String index) {
    indexes.remove(index);
    hash -= Rows.hash(index);
    undo.add(
        () -> {
          indexes.add(index);
          hash += Rows.hash(index);
        });
  }

  /** Returns a place in the transaction for {@link #rollBackTo}. */
  int savepoint() {
    return undo.size();
  }

  void rollBackTo(int savepoint) {
    while (undo.size() > savepoint) {
      undo.remove(undo.size() - 1).run();
    }
  }

  void committed() {
    undo.clear();
  }
}
