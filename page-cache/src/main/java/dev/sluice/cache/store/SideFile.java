package dev.sluice.cache.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file anew, whole and on the disk, or leaves the one that is there. */
final class SideFile {
  private SideFile() {}

  /** Writes what a file is to hold. */
  @FunctionalInterface
  interface Content {
    void writeTo(FileOutputStream out) throws IOException;
  }

  static void write(Path path, byte[] content) throws IOException {
    write(path, out -> out.write(content));
  }

  static void write(Path path, Content content) throws IOException {
    replace(
        path,
        out -> {
          content.writeTo(out);
          out.getFD().sync();
        });
  }

  /** As the others, without waiting for the disk: what a power cut leaves may be neither. */
  static void replace(Path path, byte[] content) throws IOException {
    replace(path, out -> out.write(content));
  }

  private static void replace(Path path, Content content) throws IOException {
    Path temporary = path.resolveSibling(path.getFileName() + ".tmp");
    try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
      content.writeTo(out);
    }
    Files.move(
        temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
