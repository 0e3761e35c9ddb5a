package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.PermissionBits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigDatabaseScanTest {
  private static final byte[] EMPTY_PAGE = new byte[512];

  @TempDir private Path folder;

  private DatabaseScan scan(String keys) {
    return new DatabaseScan(
        Given.read(
            "dbs: [{dir: " + folder + ", pattern: '*.db', replica: {path: /r}, " + keys + "}]"));
  }

  private Path database(String name) throws IOException {
    byte[] page = Arrays.copyOf("SQLite format 3\0".getBytes(StandardCharsets.US_ASCII), 512);
    Path path = folder.resolve(name);
    Files.createDirectories(path.getParent());
    return Files.write(path, page);
  }

  private List<String> names(DatabaseScan.Found found) {
    return found.databases().stream().map(d -> folder.relativize(d.path()).toString()).toList();
  }

  @Test
  void filesWithADatabasesHeaderAndNameAreFound() throws IOException {
    database("a.db");
    database("b.sqlite");
    database("b.db-wal");
    database("sub/c.db");
    Files.write(folder.resolve("text.db"), EMPTY_PAGE);
    Files.write(folder.resolve("empty.db"), new byte[0]);
    Files.createDirectory(folder.resolve("folder.db"));
    DatabaseScan.Found found = scan("watch: true").look();
    assertEquals(List.of("a.db"), names(found));
    assertEquals(List.of(), found.problems());
    assertEquals(Set.of(folder), found.folders());
    assertEquals("file:///r/a.db", found.databases().get(0).replica().url().location());
    DatabaseScan.Found all = scan("watch: true, recursive: true").look();
    assertEquals(List.of("a.db", "sub/c.db"), names(all));
    assertTrue(all.folders().contains(folder.resolve("sub")), all.folders()::toString);
    assertEquals("file:///r/sub/c.db", all.databases().get(1).replica().url().location());
  }

  /** Named as a restore and a follower name what they make, beside names that only look so. */
  @Test
  void whatIsBeingRestoredIsNoDatabaseYet() throws IOException {
    String id = UUID.randomUUID().toString();
    database(".app.db." + id + ".restoring");
    database(".app.db." + id + ".following");
    database("app.db." + id + ".restoring");
    database(".app.db.restoring");
    database(".app.db." + id);
    DatabaseScan scan =
        new DatabaseScan(
            Given.read(
                "dbs: [{dir: " + folder + ", pattern: '*', replica: {path: /r}, watch: true}]"));
    assertEquals(
        List.of(".app.db." + id, ".app.db.restoring", "app.db." + id + ".restoring"),
        names(scan.look()));
  }

  @Test
  void watchedDirectoryIsLookedAtAgain() throws IOException {
    Path a = database("a.db");
    Path b = Files.write(folder.resolve("b.db"), new byte[0]);
    DatabaseScan scan = scan("watch: true");
    assertEquals(List.of("a.db"), names(scan.look()));
    database("b.db");
    assertEquals(List.of("a.db", "b.db"), names(scan.look()));
    Files.delete(a);
    assertEquals(List.of("b.db"), names(scan.look()));
    Files.write(b, new byte[0]); // a database that begins anew is still one
    assertEquals(List.of("b.db"), names(scan.look()));
  }

  @Test
  void directoryThatIsNotWatchedKeepsWhatItHadAtFirst() throws IOException {
    Path a = database("a.db");
    DatabaseScan scan = scan("watch: false");
    assertEquals(List.of("a.db"), names(scan.look()));
    database("b.db");
    Files.delete(a);
    assertEquals(List.of("a.db"), names(scan.look()));
  }

  /** Opening and closing it would take the locks of whoever has it open in this process. */
  @Test
  void fileThatIsKnownIsNotOpenedAgainUnderAnotherName() throws IOException {
    Assumptions.assumeTrue(PermissionBits.hold(folder), "modes of files do not bind this user");
    Path a = database("a.db");
    DatabaseScan scan = scan("watch: true");
    scan.look();
    Files.setPosixFilePermissions(a, PosixFilePermissions.fromString("---------"));
    Files.move(a, folder.resolve("moved.db"));
    assertEquals(List.of("moved.db"), names(scan.look()));
  }

  @Test
  void renamedDatabaseIsKnownByItsFileWhateverIsInIt() throws IOException {
    Path a = database("a.db");
    DatabaseScan scan = scan("watch: true");
    scan.look();
    Files.write(a, EMPTY_PAGE); // in place: whoever opened it would see that it is none
    Files.move(a, folder.resolve("moved.db"));
    assertEquals(List.of("moved.db"), names(scan.look()));
  }

  /** Whoever replicates it has opened it by then: its locks would be lost. */
  @Test
  void databaseThatIsMadeKnownIsNotLookedInto() throws IOException {
    DatabaseScan scan = scan("watch: true");
    assertEquals(List.of(), names(scan.look()));
    Path there = Files.write(folder.resolve("there.db"), EMPTY_PAGE); // is none, to who looks
    scan.know(there);
    scan.know(folder.resolve("later.db"));
    assertEquals(List.of("there.db"), names(scan.look()));
    Files.write(folder.resolve("later.db"), EMPTY_PAGE);
    assertEquals(List.of("later.db", "there.db"), names(scan.look()));
  }

  @Test
  void namedDatabaseIsNotOpenedUnderAnotherName() throws IOException {
    Path outside = Files.createTempFile(folder.getParent(), "named", ".db");
    Files.write(outside, EMPTY_PAGE); // not even a database: it must not be looked into
    Files.createLink(folder.resolve("link.db"), outside);
    DatabaseScan scan =
        new DatabaseScan(
            Given.read(
                """
                dbs:
                  - {path: %s, replica: {path: /r1}}
                  - {dir: %s, pattern: "*.db", watch: true, replica: {path: /r2}}
                """
                    .formatted(outside, folder)));
    DatabaseScan.Found found = scan.look();
    assertEquals(1, found.databases().size());
    assertEquals(
        List.of(
            "litestream.yml:3: " + folder.resolve("link.db") + " is the same file as " + outside),
        found.problems());
    Files.delete(outside);
  }

  @Test
  void fileThatIsReplacedIsStillADatabase() throws IOException {
    database("a.db");
    DatabaseScan scan = scan("watch: true");
    scan.look();
    Path next = Files.write(folder.resolve("next"), new byte[0]);
    Files.move(next, folder.resolve("a.db"), StandardCopyOption.ATOMIC_MOVE);
    assertEquals(List.of("a.db"), names(scan.look()));
  }

  @Test
  void spoolsAreNotSearched() throws IOException {
    database("a.db");
    database(".a.db-litestream/image.db");
    assertEquals(List.of("a.db"), names(scan("recursive: true").look()));
  }

  @Test
  void directoriesThatOverlapGiveADatabaseOnce() throws IOException {
    database("sub/a.db");
    DatabaseScan scan =
        new DatabaseScan(
            Given.read(
                """
                dbs:
                  - {dir: %1$s, pattern: "*.db", recursive: true, replica: {path: /r1}}
                  - {dir: %1$s/sub, pattern: "*", replica: {path: /r2}}
                """
                    .formatted(folder)));
    DatabaseScan.Found found = scan.look();
    assertEquals(List.of("sub/a.db"), names(found));
    Path path = folder.resolve("sub/a.db");
    assertEquals(
        List.of("litestream.yml:3: " + path + " is the same file as " + path), found.problems());
  }

  @Test
  void directoryThatIsNotThereIsAProblem() {
    DatabaseScan scan =
        new DatabaseScan(
            Given.read("dbs: [{dir: /no/such, pattern: '*', watch: true, replica: {path: /r}}]"));
    assertEquals(
        List.of("litestream.yml:1: there is no directory /no/such"), scan.look().problems());
  }

  @Test
  void directoryWithoutDatabasesIsAProblemUnlessItIsWatched() {
    assertEquals(
        List.of("litestream.yml:1: no database in " + folder + " matches *.db"),
        scan("watch: false").look().problems());
    assertEquals(List.of(), scan("watch: true").look().problems());
  }

  @Test
  void folderThatCannotBeReadDropsNothing() throws IOException {
    database("b.db");
    Path sub = folder.resolve("sub");
    DirectoryEntry entry =
        Given.read("dbs: [{dir: " + folder + ", pattern: '*.db', replica: {path: /r}}]")
            .directories()
            .get(0);
    DirectoryScan scan = new DirectoryScan(entry, new Headers(), List.of(sub.resolve("a.db")));
    scan.visitFileFailed(sub, new AccessDeniedException(sub.toString()));
    DirectoryScan.Contents contents = scan.look();
    assertEquals(List.of(folder.resolve("b.db"), sub.resolve("a.db")), contents.paths());
    assertEquals(List.of(sub + " cannot be read: permission denied"), contents.problems());
  }

  @Test
  void nameThatNoStorageCanHaveIsAProblem() throws IOException {
    Path odd = database("a\nb.db");
    DatabaseScan.Found found = scan("watch: true").look();
    assertEquals(List.of(), found.databases());
    assertEquals(1, found.problems().size());
    assertTrue(found.problems().get(0).contains("control character"), found.problems()::toString);
    Files.delete(odd);
  }
}
