package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * A replica in a directory, in either layout.
 *
 * <p>Files are read through {@link RandomAccessFile}, never through a channel: an interrupt of the
 * reading thread would close the channel. A file counts as unchanged while its modification time,
 * size and inode are the same, looked at before and after each read. Symbolic links are followed.
 * Thread-safe.
 */
final class FileReplicaClient implements ReplicaClient {
  private static final Comparator<LtxFile> BY_TXID =
      Comparator.comparing((LtxFile file) -> file.name().range().min())
          .thenComparing(file -> file.name().range().max());

  private final Path root;
  private final String location;
  private final FileTasks tasks;
  private final FileSideObjects objects;
  private final TemporaryFiles temporaries;

  /** As the directory was when last looked at: messages ask for no I/O. */
  private volatile Shape lastShape = Shape.DIRECTORY;

  /** Where a directory has its levels. */
  private enum Shape {
    DIRECTORY,
    OBJECT_STORE,
    /** It is itself the {@code ltx} folder of a replica: named one folder too deep. */
    LTX_FOLDER;

    String folder(int level) {
      return switch (this) {
        case DIRECTORY -> Layout.DIRECTORY.folder(level);
        case OBJECT_STORE -> Layout.OBJECT_STORE.folder(level);
        case LTX_FOLDER -> Integer.toString(level);
      };
    }
  }

  /**
   * @param root the directory that holds {@code ltx/}, or {@code 0000/} to {@code 0009/}, or such
   *     an {@code ltx/} itself; it need not exist
   * @param location how messages name it
   */
  FileReplicaClient(Path root, String location) {
    this(root, location, Clock.systemUTC());
  }

  FileReplicaClient(Path root, String location, Clock clock) {
    this.root = root;
    this.location = location;
    this.tasks = new FileTasks(location);
    LeftOvers leftOvers = new LeftOvers(clock);
    this.temporaries = new TemporaryFiles(leftOvers);
    this.objects = new FileSideObjects(root, location, tasks, leftOvers);
  }

  @Override
  public String location() {
    return location;
  }

  @Override
  public String location(LtxFileName name) {
    return location
        + (location.endsWith("/") ? "" : "/")
        + lastShape.folder(name.level())
        + "/"
        + Layout.fileName(name.range());
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    Layout.DIRECTORY.folder(level);
    return tasks.submit("list level " + level + " of " + location, () -> listNow(level, from));
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    if (offset < 0 || length < 0 || offset > file.size() - length) {
      throw new IllegalArgumentException(
          "read "
              + location(file.name())
              + ": "
              + length
              + " bytes at "
              + offset
              + " of "
              + file.size());
    }
    return tasks.submit(
        "read " + location(file.name()) + " offset=" + offset, () -> readNow(file, offset, length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    if (length < 1) {
      throw new IllegalArgumentException("read tail of " + location(name) + ": length " + length);
    }
    return tasks.submit("read tail of " + location(name), () -> readTailNow(name, length));
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    String what = "open " + location(file.name());
    return tasks.submit(what, () -> openNow(file, what));
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    return tasks.submit(
        "create " + location(name), () -> createNow(name, content, timestamp, progress));
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    List<LtxFileName> copy = List.copyOf(names);
    return tasks.submitVoid(
        "delete " + copy.size() + " files of " + location,
        () -> {
          for (LtxFileName name : copy) {
            Files.deleteIfExists(path(name));
          }
        });
  }

  @Override
  public SideObjects objects() {
    return objects;
  }

  @Override
  public void close() {
    tasks.close();
  }

  private List<LtxFile> listNow(int level, Txid from) throws IOException {
    List<LtxFile> files = new ArrayList<>();
    Path folder = root.resolve(shape().folder(level));
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        Optional<LtxFileName> name = Layout.parse(level, Objects.toString(entry.getFileName()));
        if (name.isPresent() && !name.get().range().min().isBefore(from)) {
          stat(entry, name.get()).ifPresent(files::add);
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    files.sort(BY_TXID);
    return List.copyOf(files);
  }

  /**
   * Returns the file as it is, or empty if it was deleted after its folder was read, or is not a
   * file.
   */
  private Optional<LtxFile> stat(Path path, LtxFileName name) throws IOException {
    try {
      FileState state = FileState.of(path);
      return state.isFile() ? Optional.of(state.as(name)) : Optional.empty();
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (FileSystemException e) {
      if (Files.isSymbolicLink(path)) {
        throw new ReplicaException.Denied(
            "list level "
                + name.level()
                + " of "
                + location
                + ": the symbolic link "
                + location(name)
                + " cannot be followed: "
                + e.getReason(),
            e);
      }
      throw e;
    }
  }

  private byte[] readNow(LtxFile file, long offset, int length) throws IOException {
    Path path = path(file.name());
    FileState.of(path).requireSame(file, location);
    byte[] bytes = new byte[length];
    try (RandomAccessFile in = openFile(path)) {
      in.seek(offset);
      in.readFully(bytes);
    }
    FileState.of(path).requireSame(file, location);
    return bytes;
  }

  private Tail readTailNow(LtxFileName name, int length) throws IOException {
    Path path = path(name);
    FileState state = FileState.of(path);
    if (!state.isFile()) {
      throw new ReplicaException.NotFound("read tail of " + location(name) + ": not a file");
    }
    LtxFile file = state.as(name);
    byte[] bytes = new byte[(int) Math.min(length, file.size())];
    try (RandomAccessFile in = openFile(path)) {
      in.seek(file.size() - bytes.length);
      in.readFully(bytes);
    }
    FileState.of(path).requireSame(file, location);
    return new Tail(file, bytes);
  }

  /** The JDK says "not found" for every reason not to open; only the file system knows which. */
  private static RandomAccessFile openFile(Path path) throws IOException {
    try {
      return new RandomAccessFile(path.toFile(), "r");
    } catch (FileNotFoundException e) {
      boolean isThere = FileState.of(path).isFile();
      if (isThere && !Files.isReadable(path)) {
        throw new AccessDeniedException(path.toString());
      }
      throw new IOException(e);
    }
  }

  private InputStream openNow(LtxFile file, String what) throws IOException {
    Path path = path(file.name());
    FileState.of(path).requireSame(file, location);
    RandomAccessFile in = openFile(path);
    try {
      FileState.of(path).requireSame(file, location);
      return new FileReplicaStream(in, path, file, what);
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  /** The file gets its name by a hard link, which unlike a rename fails if the name exists. */
  private LtxFile createNow(LtxFileName name, Path content, Instant timestamp, Progress progress)
      throws IOException {
    Path path = path(name);
    Path folder = Objects.requireNonNull(path.getParent());
    if (!Files.isReadable(content)) {
      throw new ReplicaException.Denied("create " + location(name) + ": cannot read " + content);
    }
    if (Files.exists(path)) {
      throw new FileAlreadyExistsException(path.toString());
    }
    createFolder(folder);
    Path temporary = temporaries.create(folder, Layout.fileName(name.range()));
    try {
      writeDurably(content, temporary, progress);
      Files.setLastModifiedTime(temporary, FileTime.from(timestamp));
      HardLinks.create(path, temporary, location);
    } finally {
      Files.deleteIfExists(temporary);
    }
    try {
      fsyncFolder(folder);
      return FileState.of(path).as(name);
    } catch (IOException e) {
      throw new ReplicaException.OutcomeUnknown(
          "create "
              + location
              + " "
              + name
              + ": the file is there, but perhaps not after a power cut: "
              + e,
          e);
    }
  }

  private void createFolder(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.getParent();
    if (parent != null) {
      createFolder(parent);
    }
    try {
      Files.createDirectory(folder);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw new NotDirectoryException(folder.toString());
      }
    }
    if (parent != null) {
      fsyncFolder(parent);
    }
  }

  private static void writeDurably(Path content, Path target, Progress progress)
      throws IOException {
    try (FileOutputStream out = new FileOutputStream(target.toFile())) {
      Files.copy(content, new ToldOutput(out, progress));
      out.getFD().sync();
    }
  }

  private static void fsyncFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private Path path(LtxFileName name) {
    return root.resolve(shape().folder(name.level())).resolve(Layout.fileName(name.range()));
  }

  /** Asked anew each time: the directory may be made, or replaced, while this client lives. */
  private Shape shape() {
    Shape shape = Shape.DIRECTORY;
    if (!Files.isDirectory(root.resolve("ltx"))) {
      boolean isNamedLtx = root.endsWith("ltx");
      if (hasLevels(Shape.OBJECT_STORE)) {
        shape = Shape.OBJECT_STORE;
      } else if (isNamedLtx && hasLevels(Shape.LTX_FOLDER)) {
        shape = Shape.LTX_FOLDER;
      }
    }
    lastShape = shape;
    return shape;
  }

  private boolean hasLevels(Shape shape) {
    return IntStream.rangeClosed(0, LtxFileName.SNAPSHOT_LEVEL)
        .mapToObj(shape::folder)
        .anyMatch(folder -> Files.isDirectory(root.resolve(folder)));
  }

  /** Returns the failure of the contract that a failure of the file system is. */
  static ReplicaException replicaException(String what, IOException e) {
    if (e instanceof ReplicaException known) {
      return known;
    }
    if (e instanceof NoSuchFileException) {
      return new ReplicaException.NotFound(what + ": no such file", e);
    }
    if (e instanceof FileAlreadyExistsException) {
      return new ReplicaException.Conflict(what + ": the file exists already", e);
    }
    if (e instanceof AccessDeniedException) {
      return new ReplicaException.Denied(what + ": permission denied: " + e.getMessage(), e);
    }
    if (e instanceof NotDirectoryException) {
      return new ReplicaException.Denied(what + ": not a directory: " + e.getMessage(), e);
    }
    if (e instanceof EOFException) {
      return new ReplicaException.Unavailable(what + ": the file ended early", e);
    }
    return new ReplicaException.Unavailable(what + ": " + e, e);
  }
}
