package dev.sluice.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The place of a restored database: it is made under a name of its own beside the place, and moved
 * there when it is whole. Confined to one thread at a time.
 */
final class RestoreOutput {

  /**
   * What SQLite leaves beside a database; beside another database of that name they would be played
   * into it.
   */
  private static final List<String> COMPANIONS = List.of("-wal", "-journal", "-shm");

  private final Path file;
  private final Path staging;
  private final boolean isForced;

  private RestoreOutput(Path file, boolean isForced) {
    this.file = file;
    this.staging =
        file.resolveSibling(file.getFileName() + ".restoring-" + ProcessHandle.current().pid());
    this.isForced = isForced;
  }

  /**
   * Returns the place, if it is free.
   *
   * @throws Failure if the file or a companion exists and may not be replaced, or its folder does
   *     not exist
   */
  static RestoreOutput of(Path out, boolean isForced) throws Failure {
    Path file = out.toAbsolutePath().normalize();
    Path folder = file.getParent();
    if (folder == null || file.getFileName() == null || Files.isDirectory(file)) {
      throw new Failure("restore to " + out, "that is a folder; -o takes the file to make");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new Failure("restore to " + out, "that is not a regular file");
    }
    if (!Files.isDirectory(folder)) {
      throw new Failure("restore to " + out, "there is no folder " + folder);
    }
    RestoreOutput output = new RestoreOutput(file, isForced);
    output.refuseExisting();
    return output;
  }

  /** Returns where the database goes. */
  Path file() {
    return file;
  }

  /** Returns where the database is made. */
  Path staging() {
    return staging;
  }

  /** Gives the finished database its name. Durable when this returns. */
  void publish() throws Failure, IOException {
    refuseExisting();
    // A database without its log may be older than it was; the other order would leave the new one
    // with a log not its own.
    for (String suffix : COMPANIONS) {
      Files.deleteIfExists(companion(suffix));
    }
    if (isForced) {
      Files.move(staging, file, StandardCopyOption.ATOMIC_MOVE);
    } else {
      name();
    }
    try (FileChannel folder = FileChannel.open(folder(), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }

  /** A link fails where a rename would replace a file that came meanwhile. */
  private void name() throws IOException {
    try {
      Files.createLink(file, staging);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException e) {
      Files.move(staging, file, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /** Removes whatever it was made under; another thread may still be at it. */
  void discard() throws IOException {
    Files.deleteIfExists(staging);
    String prefix = "." + staging.getFileName() + ".";
    try (DirectoryStream<Path> left =
        Files.newDirectoryStream(
            folder(), path -> String.valueOf(path.getFileName()).startsWith(prefix))) {
      for (Path path : left) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void refuseExisting() throws Failure {
    if (isForced) {
      return;
    }
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new Failure("restore to " + file, "it exists already; --force replaces it");
    }
    for (String suffix : COMPANIONS) {
      if (Files.exists(companion(suffix), LinkOption.NOFOLLOW_LINKS)) {
        throw new Failure(
            "restore to " + file,
            companion(suffix) + " is there, left by another database; --force removes it");
      }
    }
  }

  private Path companion(String suffix) {
    return file.resolveSibling(file.getFileName() + suffix);
  }

  private Path folder() {
    return file.resolveSibling("");
  }
}
