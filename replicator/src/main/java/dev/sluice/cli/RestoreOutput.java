package dev.sluice.cli;

import dev.sluice.cache.restore.DatabasePlace;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the user may name as the place of a restored database, in words where it is not usable. */
final class RestoreOutput {

  private RestoreOutput() {}

  /**
   * Returns the place, if it is free.
   *
   * @throws Failure if the file or a companion exists and may not be replaced, or its folder does
   *     not exist
   */
  static DatabasePlace place(Path out, DatabasePlace.Existing existing) throws Failure {
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
    DatabasePlace place = new DatabasePlace(file, existing);
    requireFree(place);
    return place;
  }

  /** Throws if something is in the way, and says what the user can do about it. */
  static void requireFree(DatabasePlace place) throws Failure {
    Path obstacle = place.inTheWay().orElse(null);
    if (obstacle == null) {
      return;
    }
    throw new Failure(
        "restore to " + place.file(),
        obstacle.equals(place.file())
            ? "it exists already; --force replaces it"
            : obstacle + " is there, left by another database; --force removes it");
  }
}
