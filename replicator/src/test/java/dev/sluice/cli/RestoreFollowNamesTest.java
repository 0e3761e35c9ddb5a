package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.CopyFollower;
import dev.sluice.cache.restore.CopyStep;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Names beside a followed copy. */
final class RestoreFollowNamesTest extends FollowedCopy {

  /** SQLite looks for a journal beside the file that a link leads to. */
  @Test
  void crashOfACopyThatALinkLeadsToLeavesAWholeState() throws Exception {
    new Followed().begin().close();
    Path real = copy;
    Path link =
        Files.createSymbolicLink(
            Files.createDirectory(folder.resolve("links")).resolve("link.db"), real);
    assertTrue(CopyFollower.isCopy(link));
    change(new Random(1), 2);
    Path crash = folder.resolve("crash");
    steps =
        step -> {
          if (step == CopyStep.WRITTEN) {
            copy = real;
            try {
              keep(crash);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    copy = link;
    try (Followed followed = new Followed().resume()) {
      assertTrue(followed.poll());
    }
    assertEquals(2, checkedState());
    assertOnlyCopyAndRecord();
    copy = crash.resolve("copy.db");
    assertEquals(1, checkedState());
    try (var names = Files.list(folder.resolve("links"))) {
      assertEquals(1, names.count());
    }
  }

  /** The copies app and app.db are of one folder, and have two followers. */
  @Test
  void followerLeavesAnothersFilesAlone() throws Exception {
    copy = copy.resolveSibling("app");
    new Followed().begin().close();
    String uuid = ".0f8fad5b-d9cb-469f-a165-70867728950e";
    Path others = Files.createFile(copy.resolveSibling(".app.db" + uuid + ".following"));
    Path killed = Files.createFile(copy.resolveSibling(".app" + uuid + ".restoring"));
    Path othersKilled = Files.createFile(copy.resolveSibling(".app.db" + uuid + ".restoring"));
    new Followed().resume().close();
    assertTrue(Files.exists(others));
    assertTrue(Files.exists(othersKilled));
    assertFalse(Files.exists(killed));
  }
}
