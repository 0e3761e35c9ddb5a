package dev.sluice.replicator.config;

import java.nio.file.Path;

/** Where the spools of a directory's databases are. Immutable. */
public sealed interface MetaRoot {

  /**
   * Returns the directory of a database's spool.
   *
   * @param database absolute
   * @param relative the same, from the configured directory on
   */
  Path of(Path database, Path relative);

  /** Each beside its database. */
  record Beside() implements MetaRoot {
    @Override
    public Path of(Path database, Path relative) {
      return DatabaseEntry.metaPathBeside(database);
    }
  }

  /** In the same folders below {@code meta-path}, each named as it would be beside its database. */
  record Below(Path root) implements MetaRoot {
    @Override
    public Path of(Path database, Path relative) {
      return DatabaseEntry.metaPathBeside(root.resolve(relative));
    }
  }

  /** In the same folders below {@code meta-dir}, each named after its database. */
  record Tree(Path root) implements MetaRoot {
    @Override
    public Path of(Path database, Path relative) {
      return root.resolve(relative + DatabaseEntry.META_SUFFIX);
    }
  }
}
