package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The folder of one replica's page store, which one process at a time owns.
 *
 * <pre>
 *   FOLDER/owner                          locked by who owns it
 *   FOLDER/store-N/{pages,tags,sums}      see Layout
 *   FOLDER/store-N/control                of which view the pages are
 *   FOLDER/store-N/checkpoint             what a power cut leaves
 *   FOLDER/store-N/lineage                by what the replica is told from another
 *   FOLDER/store-N/hydration              what was read of files that are not proven yet
 *   FOLDER/store-N/replica                what it is called
 * </pre>
 *
 * <p>The file {@code pages} may lie elsewhere, where a user wants it, and is for its owner alone
 * there, too; a file that was there before is left alone.
 *
 * <p>A store that is of no use any more is deleted and another begun under the next number: who
 * still has the old one mapped may go on. After a restart no page is believed: each is unchecked
 * until somebody asks for it and its CRC is right. What of them counts is what the tags say, if the
 * system has run on since or everything had reached the disk; else what the last checkpoint says.
 *
 * <p>Confined to one thread at a time.
 */
public final class StoreFolder implements AutoCloseable {
  private static final String PREFIX = "store-";
  private static final long LINEAGE_BYTES_MAX = 8 << 20;

  private final Path path;
  private final Optional<Path> pages;
  private final OwnerLock owner;

  private StoreFolder(Path path, Optional<Path> pages, OwnerLock owner) {
    this.path = path;
    this.pages = pages;
    this.owner = owner;
  }

  /**
   * Returns the folder, made if it is not there, for its owner alone to look into; empty if another
   * process owns it.
   *
   * @param pages the file of the pages, if it is to be elsewhere
   * @param limit how long to wait for a store of this process that is just being closed
   */
  public static Optional<StoreFolder> own(Path path, Optional<Path> pages, Duration limit)
      throws IOException {
    makeDirectory(path);
    return OwnerLock.take(lockFile(path), limit).map(owner -> new StoreFolder(path, pages, owner));
  }

  /** Returns the file that is locked by who owns a folder. Nobody else may open it. */
  static Path lockFile(Path folder) {
    return folder.resolve("owner");
  }

  static void makeDirectory(Path path) throws IOException {
    Path parent = path.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    if (Files.isDirectory(path)) {
      return;
    }
    Files.createDirectories(path, forOwner(path, "rwx------"));
  }

  /** Returns what lets nobody but its owner at a new file, where there is such a thing. */
  private static FileAttribute<?>[] forOwner(Path path, String permissions) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }

  /**
   * What another process has left.
   *
   * @param txid of the view of which its pages are
   * @param commit of that view
   */
  public record Left(Path directory, long txid, long commit, boolean isTrusted) {}

  /** Says which pages of a store stay that was left. */
  @FunctionalInterface
  public interface Stays {
    /**
     * Returns whether a page is the same now as it was in the view in which the store was left.
     *
     * @param bound of the page then: it had not changed since that TXID
     */
    boolean test(long pgno, long bound);
  }

  /** Returns what was left of pages of that size, if there is any of use. */
  public Optional<Left> left(int pageSize) throws IOException {
    List<Path> stores = stores(path);
    if (stores.isEmpty()) {
      return Optional.empty();
    }
    Path newest = stores.get(stores.size() - 1);
    try (StoreControl control = new StoreControl(newest.resolve("control"))) {
      Optional<StoreControl.State> state = control.read();
      if (state.isEmpty() || state.get().pageSize() != pageSize) {
        return Optional.empty();
      }
      if (state.get().isTrusted()) {
        return Optional.of(new Left(newest, state.get().txid(), state.get().commit(), true));
      }
    }
    return Checkpoint.read(newest.resolve("checkpoint"))
        .filter(header -> header.pageSize() == pageSize)
        .map(header -> new Left(newest, header.txid(), header.commit(), false));
  }

  /** Returns what {@link LocalStore#remember} was last given; nothing if that is not there. */
  public byte[] lineage(Left left) throws IOException {
    Path path = left.directory().resolve(LocalStore.LINEAGE);
    return Files.exists(path) && Files.size(path) <= LINEAGE_BYTES_MAX
        ? Files.readAllBytes(path)
        : new byte[0];
  }

  /** Returns whether a store says that it is of a replica. */
  static boolean isOf(Path store, String replica) throws IOException {
    Path path = store.resolve(LocalStore.REPLICA);
    return Files.exists(path) && Files.readString(path).equals(replica);
  }

  /** Returns the newest store of a folder, whoever owns it; empty if there is none. */
  static Optional<Path> newest(Path folder) throws IOException {
    List<Path> stores = Files.isDirectory(folder) ? stores(folder) : List.of();
    return stores.isEmpty() ? Optional.empty() : Optional.of(stores.get(stores.size() - 1));
  }

  private static List<Path> stores(Path folder) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, PREFIX + "*")) {
      for (Path each : all) {
        if (isStoreName(each)) {
          found.add(each);
        }
      }
    }
    found.sort((a, b) -> Long.compare(number(a), number(b)));
    return found;
  }

  /** Returns whether a name of what is in a folder is a store's. */
  static boolean isStoreName(Path path) {
    return String.valueOf(path.getFileName()).startsWith(PREFIX) && number(path) > 0;
  }

  private static long number(Path store) {
    String name = String.valueOf(store.getFileName()).substring(PREFIX.length());
    return name.matches("[0-9]{1,18}") ? Long.parseLong(name) : 0;
  }

  /**
   * Returns a store without pages, whose first view is of this TXID. What was left goes.
   *
   * @throws IOException also if the file of the pages is to be elsewhere, and there is one that no
   *     store of this folder has made
   */
  public LocalStore create(PageStore.Spec spec, long txid, long commit) throws IOException {
    List<Path> stores = stores(path);
    long last = stores.isEmpty() ? 0 : number(stores.get(stores.size() - 1));
    if (stores.isEmpty() && pages.isPresent() && Files.exists(pages.get())) {
      throw new IOException(pages.get() + " is there, and is not of a page store");
    }
    if (pages.isPresent()) {
      Files.deleteIfExists(pages.get()); // before what says that it is ours
    }
    for (Path store : stores) {
      deleteTree(store);
    }
    Path directory = path.resolve(PREFIX + (last + 1));
    makeDirectory(directory);
    StoreControl control = new StoreControl(directory.resolve("control"));
    return open(spec, directory, control, txid, commit, (tags, sums) -> {});
  }

  /**
   * Returns the store that was left, with those of its pages that stay, each with its bound. Others
   * go.
   *
   * @param txid of the view that is to be published first
   */
  public LocalStore adopt(Left left, PageStore.Spec spec, long txid, long commit, Stays stays)
      throws IOException {
    for (Path store : stores(path)) {
      if (!store.equals(left.directory())) {
        deleteTree(store);
      }
    }
    StoreControl control = new StoreControl(left.directory().resolve("control"));
    if (left.isTrusted()) {
      control.write(StoreControl.State.open(spec.pageSize(), left.txid(), left.commit()));
      control.sync();
    }
    PageStore.Adoption adoption =
        left.isTrusted()
            ? (tags, sums) -> takeTagged(tags, sums, left, stays)
            : (tags, sums) -> takeListed(tags, sums, left, stays);
    LocalStore store = open(spec, left.directory(), control, txid, commit, adoption);
    if (!left.isTrusted()) {
      store.pages().freeUnknown();
    }
    return store;
  }

  /**
   * Has a store that was adopted have no checkpoint until the next: the one that was left is of a
   * history that is not the store's any more. To be done before {@link LocalStore#remember} says
   * which is; a journaling file system keeps that order through a power cut.
   */
  public void dropCheckpoint(Left left) throws IOException {
    Files.deleteIfExists(left.directory().resolve("checkpoint"));
  }

  private LocalStore open(
      PageStore.Spec spec,
      Path directory,
      StoreControl control,
      long txid,
      long commit,
      PageStore.Adoption adoption)
      throws IOException {
    try {
      Layout.Files files =
          Layout.Files.in(directory, pages.orElseGet(() -> directory.resolve("pages")));
      CoherenceProbe.require(files.directoryOfPages());
      if (!Files.exists(files.pages(), LinkOption.NOFOLLOW_LINKS)) { // elsewhere, maybe
        Files.createFile(files.pages(), forOwner(files.pages(), "rw-------"));
      }
      PageStore store = new PageStore(spec, files, adoption);
      // Not synced: whichever is there after a power cut, neither says that all of it is.
      control.write(StoreControl.State.open(spec.pageSize(), txid, commit));
      return new LocalStore(
          store, Optional.of(new LocalStore.Owned(directory, pages, control, owner)));
    } catch (IOException | RuntimeException | Error e) {
      control.close();
      throw e;
    }
  }

  private static long pages(WordFile words) {
    return (long) words.chunks() << Layout.CHUNK_BITS;
  }

  private static void takeTagged(WordFile tags, WordFile sums, Left left, Stays stays) {
    for (long pgno = 1; pgno <= pages(tags); pgno++) {
      long tag = tags.getAcquire(pgno);
      long sum = sums.getAcquire(pgno);
      boolean wasThere = Layout.bound(tag) != 0 || Layout.isUnchecked(sum);
      long bound = bound(tag, left);
      if (wasThere && bound <= left.txid() && stays.test(pgno, bound)) {
        sums.setRelease(pgno, Layout.unchecked(sum));
        tags.setRelease(pgno, Layout.withheld(tag, bound));
      } else if (wasThere || Layout.isOfPage(sum)) {
        sums.setRelease(pgno, Layout.CLEARED);
        tags.setRelease(pgno, Layout.next(tag, 0));
      }
    }
  }

  /** A page of which the tag does not say it was as it is when the store was left. */
  private static long bound(long tag, Left left) {
    long said = Layout.bound(tag) != 0 ? Layout.bound(tag) : Layout.withheldBound(tag);
    return said != 0 ? said : left.txid();
  }

  /** Tags and sums may be of any time: only the checkpoint counts, which has no bounds. */
  private static void takeListed(WordFile tags, WordFile sums, Left left, Stays stays)
      throws IOException {
    for (long pgno = 1; pgno <= pages(tags); pgno++) {
      long tag = tags.getAcquire(pgno);
      if (sums.getAcquire(pgno) != 0 || Layout.bound(tag) != 0) {
        sums.setRelease(pgno, Layout.CLEARED);
      }
      tags.setRelease(pgno, Layout.next(tag, 0));
    }
    Checkpoint.read(
        left.directory().resolve("checkpoint"),
        (pgno, sum) -> {
          if (pgno <= pages(tags) && stays.test(pgno, left.txid())) {
            sums.setRelease(pgno, Layout.unchecked(sum));
            tags.setRelease(pgno, Layout.withheld(tags.getAcquire(pgno), left.txid()));
          }
        });
  }

  /**
   * Returns a store that nobody else can find and that goes with this process.
   *
   * @param parent a directory, made if it is not there
   */
  public static LocalStore temporary(Path parent, PageStore.Spec spec) throws IOException {
    try (TemporaryFolder folder = TemporaryFolder.make(parent)) {
      CoherenceProbe.require(folder.path());
      return new LocalStore(
          new PageStore(spec, Layout.Files.in(folder.path()), (tags, sums) -> {}),
          Optional.empty());
    }
  }

  /** Returns a store that lies in memory and goes with this process. */
  public static LocalStore inMemory(PageStore.Spec spec) throws IOException {
    StoreReaders readers = spec.readers();
    try (StoreReaders.MemoryFile pages = readers.memoryFile();
        StoreReaders.MemoryFile tags = readers.memoryFile();
        StoreReaders.MemoryFile sums = readers.memoryFile()) {
      Layout.Files files = new Layout.Files(pages.path(), tags.path(), sums.path());
      return new LocalStore(
          new PageStore(spec, files, (tagWords, sumWords) -> {}), Optional.empty());
    }
  }

  static void deleteTree(Path directory) throws IOException {
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException failure)
              throws IOException {
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Lets another process own it; not after a store was opened, which does that in its end. */
  @Override
  public void close() throws IOException {
    owner.close();
  }
}
