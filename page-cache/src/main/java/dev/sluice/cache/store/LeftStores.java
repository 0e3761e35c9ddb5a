package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The stores in a folder, seen from outside: since when nothing was written to them, and their end.
 * A folder that holds anything else than stores with all their files is not looked into any
 * further: it is somebody else's, or its pages lie where a user wants them. Immutable.
 */
record LeftStores(List<Path> stores, Instant written) {

  /** Returns those of a folder; empty if there are none, or not only these. */
  static Optional<LeftStores> in(Path folder) throws IOException {
    List<Path> stores = new ArrayList<>();
    Instant written = Instant.MIN;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path each : all) {
        if (each.equals(StoreFolder.lockFile(folder))) {
          continue;
        }
        if (!isStore(each)) {
          return Optional.empty();
        }
        stores.add(each);
        Instant last = written(each);
        written = last.isAfter(written) ? last : written;
      }
    }
    return stores.isEmpty() ? Optional.empty() : Optional.of(new LeftStores(stores, written));
  }

  private static boolean isStore(Path path) {
    return StoreFolder.isStoreName(path)
        && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
        && List.of("control", "pages", "tags", "sums").stream()
            .allMatch(name -> Files.isRegularFile(path.resolve(name), LinkOption.NOFOLLOW_LINKS));
  }

  /** Returns when a file of a store was last written. */
  private static Instant written(Path store) throws IOException {
    Instant written = Instant.MIN;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(store)) {
      for (Path file : files) {
        Instant last = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant();
        written = last.isAfter(written) ? last : written;
      }
    }
    return written;
  }

  /** Deletes them, what is large first. Called by who owns the folder. */
  void delete() throws IOException {
    for (Path store : stores) {
      Files.deleteIfExists(store.resolve("pages"));
      StoreFolder.deleteTree(store);
    }
  }
}
