package dev.sluice.soak;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Every file that a replica has ever shown, in a directory that is a replica itself: what is
 * compacted and deleted is kept here. Confined to one thread at a time.
 */
final class Archive {
  private static final int LIMIT_SECONDS = 60;
  private static final int ATTEMPTS = 5;

  private final ReplicaClient replica;
  private final Path directory;
  private final Map<LtxFileName, Long> sizes = new HashMap<>();
  private Txid newest = Txid.NONE;

  Archive(ReplicaClient replica, Path directory) throws IOException {
    this.replica = replica;
    this.directory = Files.createDirectories(directory);
  }

  Path directory() {
    return directory;
  }

  /** Returns the greatest TXID of level 0. */
  Txid newest() {
    return newest;
  }

  int fileCount() {
    return sizes.size();
  }

  /**
   * Copies what is new. What breaks off is read again, as the server may drop who reads a file that
   * is being deleted.
   *
   * @throws IllegalStateException if a file has another size than before
   */
  void update() throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        copyNew();
        return;
      } catch (ReplicaException.Unavailable e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private void copyNew() throws IOException {
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      Txid from = level == 0 ? newest.next() : Txid.FIRST;
      List<LtxFile> files = await(replica.list(level, from));
      for (LtxFile file : files) {
        if (!take(file)) {
          break; // the next look begins there
        }
      }
    }
  }

  /** Lists everything once more, so that nothing that appeared out of order is missed. */
  void complete() throws IOException {
    newest = Txid.NONE;
    update();
  }

  /** Returns false if it has changed since it was listed. */
  private boolean take(LtxFile file) throws IOException {
    Long known = sizes.get(file.name());
    if (known != null) {
      if (known != file.size()) {
        throw new IllegalStateException(
            replica.location(file.name()) + ": " + known + " bytes became " + file.size());
      }
      reached(file);
      return true;
    }
    Path place = path(file.name());
    Files.createDirectories(parent(place));
    Path temporary = place.resolveSibling("taking");
    try (InputStream content = await(replica.open(file))) {
      Files.deleteIfExists(temporary);
      Files.copy(content, temporary);
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      return false;
    }
    Files.move(temporary, place);
    sizes.put(file.name(), file.size());
    reached(file);
    return true;
  }

  private void reached(LtxFile file) {
    Txid max = file.name().range().max();
    if (file.name().level() == 0 && max.isAfter(newest)) {
      newest = max;
    }
  }

  private static Path parent(Path file) {
    Path parent = file.getParent();
    return parent == null ? file : parent;
  }

  /** Returns what there is of a level, by where it ends. */
  NavigableSet<TxidRange> files(int level) {
    NavigableSet<TxidRange> ranges =
        new TreeSet<>(Comparator.comparing(TxidRange::max).thenComparing(TxidRange::min));
    for (LtxFileName name : sizes.keySet()) {
      if (name.level() == level) {
        ranges.add(name.range());
      }
    }
    return ranges;
  }

  /** Returns where the copy of a file is, or would be. */
  Path path(LtxFileName name) {
    return directory
        .resolve(Layout.DIRECTORY.folder(name.level()))
        .resolve(Layout.fileName(name.range()));
  }

  /**
   * Returns the level-0 file of one TXID, or the image in its place: the first one, and one whose
   * writer lost its spool before it could store the other file, and went on from there.
   */
  List<Path> holding(Txid txid) {
    List<Path> paths = new ArrayList<>();
    paths.add(path(new LtxFileName(0, new TxidRange(txid, txid))));
    if (txid.equals(Txid.FIRST) || newest.isAfter(txid)) {
      TxidRange all = new TxidRange(Txid.FIRST, txid);
      paths.add(path(new LtxFileName(LtxFileName.SNAPSHOT_LEVEL, all)));
    }
    return paths.stream().filter(Files::exists).limit(1).toList();
  }

  private static <T> T await(CompletableFuture<T> call) throws IOException {
    try {
      return call.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ReplicaException known) {
        throw known;
      }
      throw new IOException(e);
    } catch (TimeoutException e) {
      throw new IOException("no answer from the replica", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
