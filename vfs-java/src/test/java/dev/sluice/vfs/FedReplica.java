package dev.sluice.vfs;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.Merger;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A replica in a directory into which files come and from which they go, one at a time. A file is
 * whole before it is visible. Confined to one thread.
 */
final class FedReplica {
  private final Path root;
  private final Map<LtxFileName, byte[]> contents = new HashMap<>();
  private final Set<LtxFileName> present =
      new TreeSet<>(
          Comparator.comparing(LtxFileName::level)
              .thenComparing(name -> name.range().min())
              .thenComparing(name -> name.range().max()));
  private Txid reached = Txid.NONE;

  /** Writes below {@code root}, the folder that will hold {@code ltx/}. */
  FedReplica(Path root) {
    this.root = root;
  }

  Path root() {
    return root;
  }

  /** Adds a file. */
  LtxFileName add(int level, byte[] content) throws IOException {
    LtxFileName name =
        new LtxFileName(level, LtxHeader.parse(ByteBuffer.wrap(content), "a fed file").range());
    Path path = path(name);
    Path folder = root.resolve(Layout.DIRECTORY.folder(level));
    Files.createDirectories(folder);
    Path temporary = Files.write(folder.resolve("coming.tmp"), content);
    Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    contents.put(name, content);
    present.add(name);
    advance();
    return name;
  }

  /** Returns the name of the compaction of files that follow each other. */
  static LtxFileName merged(int level, List<LtxFileName> names) {
    LtxFileName last = names.get(names.size() - 1);
    return new LtxFileName(level, new TxidRange(names.get(0).range().min(), last.range().max()));
  }

  /**
   * Returns whether a name is there or was: one that comes again with other times or bytes is
   * another replica.
   */
  boolean had(LtxFileName name) {
    return contents.containsKey(name);
  }

  /** Adds the compaction of files that are there or were. */
  LtxFileName merge(int level, List<LtxFileName> names) throws IOException {
    return add(level, Merger.merge(names.stream().map(this::content).toList()));
  }

  /** Takes a file away. */
  void delete(LtxFileName name) throws IOException {
    Files.delete(path(name));
    present.remove(name);
  }

  /** Returns the bytes of a file that is there or was. */
  byte[] content(LtxFileName name) {
    byte[] content = contents.get(name);
    if (content == null) {
      throw new IllegalArgumentException(name + " never was");
    }
    return content;
  }

  /** Returns the files of a level that are there, ascending. */
  List<LtxFileName> files(int level) {
    return present.stream().filter(name -> name.level() == level).toList();
  }

  /**
   * Returns the TXID that whoever has followed from the first file on has reached: as far as files
   * followed without a gap.
   */
  Txid reached() {
    return reached;
  }

  private void advance() {
    boolean isMoving = true;
    while (isMoving) {
      isMoving = false;
      for (LtxFileName name : present) {
        if (name.range().follows(reached)) {
          reached = name.range().max();
          isMoving = true;
        }
      }
    }
  }

  private Path path(LtxFileName name) {
    return root.resolve(Layout.DIRECTORY.key("", name));
  }
}
