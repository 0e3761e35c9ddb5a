package dev.sluice.storage;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** Hard links by which files get their names, and what it means when there are none. */
final class HardLinks {

  private HardLinks() {}

  /**
   * Gives {@code existing} one more name, in the same folder.
   *
   * @param existing a temporary file; names that begin with its name are free
   * @param location how the message names the replica
   * @throws FileAlreadyExistsException if the name is taken
   * @throws ReplicaException.Denied if the file system has no hard links
   */
  static void create(Path name, Path existing, String location) throws IOException {
    try {
      Files.createLink(name, existing);
    } catch (FileAlreadyExistsException
        | NoSuchFileException
        | AccessDeniedException
        | NotDirectoryException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      if (e instanceof FileSystemException failure && hasLinksOrNoRoom(existing)) {
        throw failure;
      }
      throw new ReplicaException.Denied(
          location
              + ": the file system has no hard links, without which a file cannot be created atomically",
          e);
    }
  }

  /**
   * The JDK has one exception for "no links here", "disk full" and "not now". Where a file can be
   * made and still no link, it is the first.
   */
  private static boolean hasLinksOrNoRoom(Path existing) {
    Path made = existing.resolveSibling(existing.getFileName() + ".tmp");
    try {
      Files.createFile(made);
      Files.delete(made);
    } catch (IOException e) {
      return true;
    }
    try {
      Files.createLink(made, existing);
      Files.delete(made);
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }
}
