package dev.sluice.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A golden replica: LTX files that Litestream or the reference LTX library wrote, and the SHA-256
 * of the database image at every TXID that can be restored from them. Immutable.
 *
 * <p>They are resources, listed in {@code golden/index.txt} because a jar has no folders to list:
 *
 * <pre>
 *   golden/index.txt                          every path below golden/, ascending
 *   golden/NAME/golden.sha256                 a line per TXID: 16 hex digits, blank, SHA-256 in hex
 *   golden/NAME/replica/ltx/LEVEL/MIN-MAX.ltx
 * </pre>
 *
 * <p>What each holds:
 *
 * <ul>
 *   <li>{@code small-4096}: 6 TXIDs; tables, index, trigger, view; page 1 in rollback-journal mode
 *   <li>{@code wal-512}, {@code wal-1024}, {@code wal-65536}: 5 TXIDs; page sizes; page 1 in WAL
 *       mode; FTS5, WITHOUT ROWID
 *   <li>{@code incr-4096}: 10 TXIDs; auto_vacuum=incremental; grows, shrinks, grows again
 *   <li>{@code levels-incr-4096}: the same history compacted into levels 9, 2, 1 and 0; not every
 *       TXID can be restored
 *   <li>{@code sum-4096}: the same history with database checksums, WAL fields and a node id
 *   <li>{@code legacy-4096}: TXIDs 1 to 5 of it with legacy frames
 *   <li>{@code fullimage-4096}: the same history; TXID 4 is a full image in the middle
 *   <li>{@code live-4096}: 46 TXIDs beside a live application; all levels, overlapping
 *   <li>{@code live-gens-1024}: 66 TXIDs through five WAL generations
 *   <li>{@code live-gap-4096}: 32 TXIDs; TXID 11 is a full image after the WAL was lost
 *   <li>{@code rand-4096}: 1 TXID; pages that cannot be compressed
 * </ul>
 */
public final class Golden {
  private static final String ROOT = "/golden/";
  private static final String IMAGES = "golden.sha256";
  private static final Map<String, Golden> ALL = load();

  private final String name;
  private final SortedMap<String, String> images;
  private final List<GoldenFile> files;

  private Golden(String name, SortedMap<String, String> images, List<GoldenFile> files) {
    this.name = name;
    this.images = Collections.unmodifiableSortedMap(images);
    this.files = List.copyOf(files);
  }

  /** Returns all golden replicas, by name. */
  public static List<Golden> all() {
    return List.copyOf(ALL.values());
  }

  /**
   * Returns one golden replica.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public static Golden named(String name) {
    Golden golden = ALL.get(name);
    if (golden == null) {
      throw new IllegalArgumentException(
          "no golden replica \"" + name + "\"; there are " + ALL.keySet());
    }
    return golden;
  }

  private static Map<String, Golden> load() {
    Map<String, List<GoldenFile>> files = new LinkedHashMap<>();
    for (String path : text("index.txt").lines().toList()) {
      List<GoldenFile> ofName =
          files.computeIfAbsent(path.substring(0, path.indexOf('/')), n -> new ArrayList<>());
      if (path.endsWith(".ltx")) {
        String[] parts = path.split("/", -1);
        ofName.add(new GoldenFile(Integer.parseInt(parts[3]), parts[4], path));
      }
    }
    Map<String, Golden> all = new LinkedHashMap<>();
    files.forEach((name, list) -> all.put(name, new Golden(name, images(name), list)));
    return Collections.unmodifiableMap(all);
  }

  private static SortedMap<String, String> images(String name) {
    SortedMap<String, String> images = new TreeMap<>();
    for (String line : text(name + "/" + IMAGES).lines().toList()) {
      int blank = line.indexOf(' ');
      images.put(line.substring(0, blank), line.substring(blank).strip());
    }
    return images;
  }

  private static String text(String path) {
    return new String(resource(path), StandardCharsets.UTF_8);
  }

  /** Returns the bytes of a resource below {@code golden/}. */
  static byte[] resource(String path) {
    try (InputStream in = Golden.class.getResourceAsStream(ROOT + path)) {
      if (in == null) {
        throw new IllegalStateException("no resource " + ROOT + path);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("read resource " + ROOT + path, e);
    }
  }

  /** Returns for instance {@code live-4096}; the number is the page size. */
  public String name() {
    return name;
  }

  /** Returns the page size of the database. */
  public int pageSize() {
    return Integer.parseInt(name.substring(name.lastIndexOf('-') + 1));
  }

  /**
   * Returns the SHA-256 of the database image, in hex, at each TXID (16 hex digits) that can be
   * restored.
   */
  public SortedMap<String, String> images() {
    return images;
  }

  /** Returns the LTX files by level, then name. */
  public List<GoldenFile> files() {
    return files;
  }

  /**
   * Writes all files into {@code dir/replica/ltx/LEVEL/NAME}.
   *
   * @return {@code dir/replica}: the folder that holds {@code ltx}, which is what a {@code file:}
   *     URL names
   */
  public Path copyTo(Path dir) {
    return copyTo(dir.resolve("replica"), files);
  }

  /**
   * Writes files, of several golden replicas of one history perhaps, into {@code
   * replica/ltx/LEVEL/NAME}. One that is there already is replaced.
   *
   * @return {@code replica}
   */
  public static Path copyTo(Path replica, Collection<GoldenFile> files) {
    try {
      for (GoldenFile file : files) {
        Path folder =
            Files.createDirectories(replica.resolve("ltx").resolve(String.valueOf(file.level())));
        Files.write(folder.resolve(file.name()), file.bytes());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("copy golden files to " + replica, e);
    }
    return replica;
  }

  /** Returns {@link #name()}. */
  @Override
  public String toString() {
    return name;
  }
}
