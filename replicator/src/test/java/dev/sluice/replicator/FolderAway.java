package dev.sluice.replicator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A folder in whose place there is a file for a while. It comes back at once, so that nobody who
 * tries all the time makes another folder in between. Confined to one thread at a time.
 */
public final class FolderAway {
  private final Path folder;
  private final Path away;

  private FolderAway(Path folder, Path away) {
    this.folder = folder;
    this.away = away;
  }

  /** Takes a folder away, to its siblings. */
  public static FolderAway take(Path folder) throws IOException {
    Path away = Files.move(folder, folder.resolveSibling(folder.getFileName() + "-away"));
    Path file = Files.writeString(folder.resolveSibling("no-folder"), "no folder");
    Files.createSymbolicLink(folder, file);
    return new FolderAway(folder, away);
  }

  /** Brings it back, by a link. */
  public void bringBack() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolveSibling("link"), away);
    Files.move(link, folder, StandardCopyOption.ATOMIC_MOVE);
  }
}
