package dev.sluice.replicator.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Tells databases from other files by the first 16 bytes.
 *
 * <p>Closing a file drops every lock that this process has on it, those of SQLite too, whichever
 * name it was opened by. So a file that was once taken for a database is never opened again here,
 * under that name or another: it is known by device and inode, and stays one. Nor is one opened
 * that was made known by its path before it was there. A database that only the application has
 * open, in this very process and not yet known here, would lose its locks: so directories are for a
 * daemon; an application that replicates its own databases names them.
 *
 * <p>Changes under its lock, under which a file is read as well: nobody opens a database that is
 * made known before that file is closed. Thread-safe.
 */
final class Headers {
  private static final byte[] MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
  private static final int DATABASE_BYTES_MIN = 512;
  private static final int REMEMBERED_MAX = 100_000;

  /** Files that are databases, by device and inode; those that were asked for last are kept. */
  private final Map<Object, Boolean> accepted = remembering();

  /** Where there are databases, or will be. */
  private final Set<Path> known = new HashSet<>();

  /** What was read and is no database, as it was then. */
  private final Map<Path, Refused> refused = remembering();

  private record Refused(Optional<Object> file, long size, FileTime modified) {}

  private static <K, V> Map<K, V> remembering() {
    return new LinkedHashMap<>(16, 0.75f, true) {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return size() > REMEMBERED_MAX;
      }
    };
  }

  /** Takes whatever is at a path, now or later, for a database. */
  synchronized void know(Path path) {
    known.add(path);
    boolean unused = accept(path);
  }

  /** Takes what is at the known paths for databases, whatever else they are called. */
  synchronized void acceptKnown() {
    known.forEach(this::accept);
  }

  /**
   * Takes the file at a path for a database without looking into it; returns whether there is a
   * file.
   */
  synchronized boolean accept(Path path) {
    Optional<BasicFileAttributes> attributes = attributes(path);
    attributes.flatMap(Headers::key).ifPresent(key -> accepted.put(key, true));
    return attributes.isPresent();
  }

  /** Returns device and inode of the file at a path, if there is one. */
  Optional<Object> file(Path path) {
    return attributes(path).flatMap(Headers::key);
  }

  /** Returns whether the file at a path, which may be a link, is a database. */
  synchronized boolean isDatabase(Path path) {
    if (known.contains(path)) {
      return accept(path);
    }
    Optional<BasicFileAttributes> found = attributes(path);
    if (found.isEmpty()) {
      return false;
    }
    BasicFileAttributes attributes = found.get();
    Optional<Object> key = key(attributes);
    if (key.isPresent() && accepted.get(key.get()) != null) {
      return true;
    } else if (attributes.size() < DATABASE_BYTES_MIN) {
      return false;
    }
    Refused state = new Refused(key, attributes.size(), attributes.lastModifiedTime());
    if (state.equals(refused.get(path))) {
      return false;
    }
    if (hasMagic(path)) {
      key.ifPresent(file -> accepted.put(file, true));
      refused.remove(path);
      return true;
    }
    refused.put(path, state);
    return false;
  }

  private static boolean hasMagic(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      return Arrays.equals(MAGIC, in.readNBytes(MAGIC.length));
    } catch (IOException e) {
      return false;
    }
  }

  private static Optional<BasicFileAttributes> attributes(Path path) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      return Optional.of(attributes).filter(BasicFileAttributes::isRegularFile);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<Object> key(BasicFileAttributes attributes) {
    return Optional.ofNullable(attributes.fileKey());
  }
}
