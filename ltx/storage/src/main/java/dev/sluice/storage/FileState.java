package dev.sluice.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;

/**
 * What the file system says of a file, links followed. Immutable.
 *
 * @param isFile whether it is a regular file
 * @param size bytes
 * @param modified the modification time, as fine as the file system keeps it
 * @param identity the inode, or nothing where there is none
 */
record FileState(boolean isFile, long size, Instant modified, String identity) {

  static FileState of(Path path) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    Object key = attributes.fileKey();
    return new FileState(
        attributes.isRegularFile(),
        attributes.size(),
        attributes.lastModifiedTime().toInstant(),
        key == null ? "" : key.toString());
  }

  LtxFile as(LtxFileName name) {
    return new LtxFile(name, size, modified, version());
  }

  /**
   * Size, modification time and inode. Not the inode's change time: a hard link made by a backup
   * would then look like another file.
   */
  private String version() {
    return modified.getEpochSecond() + "." + modified.getNano() + "-" + size + "-" + identity;
  }

  void requireSame(LtxFile listed, String location) throws ReplicaException {
    if (!version().equals(listed.version()) || size != listed.size()) {
      throw new ReplicaException.Conflict(
          "read " + location + " " + listed.name() + ": the file is another one than was listed");
    }
  }
}
