package dev.sluice.replicator.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Reads an element of {@code dbs}: a database, or a directory of them. Confined to one thread at a
 * time; for one element.
 */
final class DatabaseReader {
  /** What a file that is cut by its size takes. */
  private static final long SPOOL_BYTES_MIN = 64L << 20;

  private final Reading reading;
  private final Section section;
  private final Section top;
  private final Origin origin;

  DatabaseReader(Reading reading, Section section, Section top) {
    this.reading = reading;
    this.section = section;
    this.top = top;
    this.origin = reading.text().origin(section.line());
  }

  /** Returns whether it is a directory; it is one or the other. */
  boolean isDirectory() throws ConfigException {
    boolean hasPath = section.text("path").isPresent();
    boolean hasDirectory = section.text("dir").isPresent();
    if (hasPath && hasDirectory) {
      throw reading.wrong(section.lineOf("dir"), "path and dir exclude each other");
    } else if (!hasPath && !hasDirectory) {
      int line = section.has("dir") ? section.lineOf("dir") : section.lineOf("path");
      throw reading.wrong(
          line, "the database has neither path nor dir" + reading.text().unsetRemark(line));
    }
    return hasDirectory;
  }

  DatabaseEntry database() throws ConfigException {
    for (String name : List.of("pattern", "recursive", "watch", "meta-dir")) {
      boolean isSaid =
          (name.equals("recursive") || name.equals("watch"))
              ? section.flag(name).map(Setting::value).orElse(false)
              : section.text(name).isPresent();
      if (isSaid) {
        throw reading.wrong(section.lineOf(name), name + ": is for dir, not for path");
      }
    }
    Path path = path("path").orElseThrow();
    if (path.getFileName() == null) {
      throw reading.wrong(section.lineOf("path"), "path: is not that of a file: \"" + path + "\"");
    }
    Path metaPath = path("meta-path").orElseGet(() -> DatabaseEntry.metaPathBeside(path));
    CaptureSettings capture = capture();
    boolean restores = section.flag("restore-if-db-not-exists").map(Setting::value).orElse(false);
    ReplicaEntry replica = replica();
    try {
      return new DatabaseEntry(path, metaPath, capture, restores, replica, origin);
    } catch (IllegalArgumentException e) {
      throw reading.wrong(section.line(), String.valueOf(e.getMessage()));
    }
  }

  DirectoryEntry directory() throws ConfigException {
    Optional<Setting<String>> pattern = section.text("pattern");
    if (pattern.isEmpty()) {
      throw reading.wrong(section.lineOf("dir"), "dir: needs a pattern (as pattern: \"*.db\")");
    }
    if (section.flag("restore-if-db-not-exists").map(Setting::value).orElse(false)) {
      reading.warn(
          section.lineOf("restore-if-db-not-exists"),
          "restore-if-db-not-exists",
          "a directory has only the databases that are there");
    }
    GoPattern names;
    try {
      names = GoPattern.parse(pattern.get().value());
    } catch (IllegalArgumentException e) {
      throw reading.wrong(pattern.get().line(), "pattern: " + e.getMessage());
    }
    return new DirectoryEntry(
        path("dir").orElseThrow(),
        names,
        section.flag("recursive").map(Setting::value).orElse(false),
        section.flag("watch").map(Setting::value).orElse(false),
        metaRoot(),
        capture(),
        replica(),
        origin);
  }

  private MetaRoot metaRoot() throws ConfigException {
    Optional<Path> metaPath = path("meta-path");
    Optional<Path> metaDirectory = path("meta-dir");
    if (metaPath.isPresent() && metaDirectory.isPresent()) {
      throw reading.wrong(section.lineOf("meta-dir"), "meta-path and meta-dir exclude each other");
    }
    return metaPath
        .<MetaRoot>map(MetaRoot.Below::new)
        .or(() -> metaDirectory.map(MetaRoot.Tree::new))
        .orElseGet(MetaRoot.Beside::new);
  }

  private CaptureSettings capture() throws ConfigException {
    CaptureSettings defaults = CaptureSettings.DEFAULT;
    return new CaptureSettings(
        section
            .integer("min-checkpoint-page-count")
            .map(Setting::value)
            .orElse(defaults.minCheckpointPageCount()),
        spoolLimit().orElse(defaults.spoolBytesMax()));
  }

  /** Returns what the top level alone says. */
  static CaptureSettings capture(Reading reading, Section top) throws ConfigException {
    return new DatabaseReader(reading, Section.empty(reading, Scope.DATABASE, 1), top).capture();
  }

  private Optional<Long> spoolLimit() throws ConfigException {
    Optional<Setting<Long>> own = section.size("spool-limit");
    Optional<Setting<Long>> limit = own.isPresent() ? own : top.size("spool-limit");
    if (limit.isPresent() && limit.get().value() < SPOOL_BYTES_MIN) {
      throw reading.wrong(
          limit.get().line(),
          "spool-limit: is 64MiB or more, not " + limit.get().value() + " bytes");
    }
    return limit.map(Setting::value);
  }

  /** A list with one replica is how Litestream 0.3 wrote it. */
  private ReplicaEntry replica() throws ConfigException {
    Optional<Section> one = section.section("replica", Scope.REPLICA);
    List<Section> several = section.sections("replicas", Scope.REPLICA);
    if (one.isPresent() && !several.isEmpty()) {
      throw reading.wrong(section.lineOf("replicas"), "replica and replicas exclude each other");
    } else if (several.size() > 1) {
      throw reading.wrong(
          several.get(1).line(),
          "replicas: a database has one replica; a second copy is made by the storage, or from the"
              + " first");
    }
    Section found =
        one.or(() -> several.stream().findFirst())
            .orElseThrow(() -> reading.wrong(section.line(), "the database has no replica"));
    return ReplicaReader.read(reading, found, top);
  }

  private Optional<Path> path(String name) throws ConfigException {
    Optional<Setting<String>> written = section.text(name);
    return written.isEmpty() ? Optional.empty() : Optional.of(reading.path(written.get()));
  }
}
