package dev.sluice.replicator.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Tells databases from other files by the first 16 bytes.
 *
 * <p>Closing a file drops every lock that this process has on it, those of SQLite too, whichever
 * name it was opened by. So a file that was once taken for a database is never opened again here,
 * under that name or another: it is known by device and inode, and stays one. A database that only
 * the application has open, in this very process and not yet known here, would lose its locks: so
 * directories are for a daemon; an application that replicates its own databases names them.
 * Confined to one thread at a time.
 */
final class Headers {
  private static final byte[] MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
  private static final int DATABASE_BYTES_MIN = 512;
  private static final int REMEMBERED_MAX = 100_000;

  /** Files that are databases, by device and inode; those that were asked for last are kept. */
  private final Map<Object, Boolean> accepted = remembering();

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

  /**
   * Takes the file at a path for a database without looking into it; returns whether there is a
   * file.
   */
  boolean accept(Path path) {
    Optional<BasicFileAttributes> attributes = attributes(path);
    attributes.flatMap(Headers::key).ifPresent(key -> accepted.put(key, true));
    return attributes.isPresent();
  }

  /** Returns device and inode of the file at a path, if there is one. */
  Optional<Object> file(Path path) {
    return attributes(path).flatMap(Headers::key);
  }

  /** Returns whether the file at a path, which may be a link, is a database. */
  boolean isDatabase(Path path) {
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
