package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.ContextInitializer;
import dev.sluice.replicator.control.TestDaemon;
import dev.sluice.testkit.PermissionBits;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** What {@code sluice replicate} cannot do ends it soon, with one line that says why. */
final class ReplicateRefusalTest {
  @TempDir Path folder;

  /** The command sets up the log of the process, which is this one's. */
  @AfterAll
  static void restoreLog() throws Exception {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.reset();
      new ContextInitializer(context).autoConfig();
    }
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  private String database(String name) throws Exception {
    try (TestDaemon files = new TestDaemon(Files.createTempDirectory(folder, "d"))) {
      files.write("x.db", "CREATE TABLE t(a)");
      return Files.copy(files.path("x.db"), path(name)).toString();
    }
  }

  /** Runs the command; returns the reason. */
  private String refusal(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "replicate";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    CliRun run = CliRun.of(all);
    assertEquals(ExitCode.FAILED, run.exitCode(), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("sluice: "), run.err());
    return run.err().strip().replace(folder.toString(), "$F");
  }

  private String refusalOf(String yaml) throws IOException {
    Path file = path("litestream.yml");
    Files.writeString(file, yaml.replace("$F", folder.toString()));
    return refusal("-config", file.toString());
  }

  private String replica() {
    return path("replica").toString();
  }

  private static void assertMatches(String pattern, String text) {
    assertTrue(Pattern.matches(pattern, text), text);
  }

  @Test
  void keyThatNobodyKnows() throws IOException {
    assertEquals(
        "sluice: read $F/litestream.yml:1: unknown key \"sync-intervall\" in replica"
            + " (did you mean \"sync-interval\"?)",
        refusalOf("dbs: [{path: $F/a.db, replica: {path: $F/r, sync-intervall: 1s}}]"));
  }

  @Test
  void durationThatIsNone() throws IOException {
    assertEquals(
        "sluice: read $F/litestream.yml:1: sync-interval: not a duration"
            + " (as 1h30m, 500ms or PT1H30M): \"soon\"",
        refusalOf("dbs: [{path: $F/a.db, replica: {path: $F/r, sync-interval: soon}}]"));
  }

  @Test
  void configurationThatIsNotThere() {
    assertEquals("sluice: read $F/no.yml: no such file", refusal("-config", path("no.yml") + ""));
  }

  /** Encrypted, or anything else: nobody can tell. */
  @ParameterizedTest
  @ValueSource(strings = {"", "-once"})
  void fileThatIsNoDatabase(String option) throws IOException {
    byte[] random = new byte[8192];
    new Random(1).nextBytes(random);
    Path file = Files.write(path("a.db"), random);
    String why =
        option.isEmpty()
            ? refusal(file.toString(), replica())
            : refusal(option, file.toString(), replica());
    assertMatches(
        "sluice: replicate: \\$F/a\\.db: not a SQLite database, or an encrypted one .*", why);
    assertFalse(Files.exists(path("replica/ltx")));
    assertEquals(8192, Files.size(file));
  }

  @Test
  void directoryInPlaceOfADatabase() throws IOException {
    Files.createDirectory(path("a.db"));
    assertMatches(
        "sluice: replicate: \\$F/a\\.db: not a SQLite database.*",
        refusal(path("a.db").toString(), replica()));
  }

  @Test
  void databaseThatIsNotThereOnce() {
    assertEquals(
        "sluice: replicate $F/a.db: there is no such file",
        refusal("-once", path("a.db").toString(), replica()));
  }

  @Test
  void directoryThatIsNotThere() throws IOException {
    assertEquals(
        "sluice: replicate: the command line: $F/no/a.db: there is no folder $F/no",
        refusal(path("no/a.db").toString(), replica()));
    assertEquals(
        "sluice: replicate: $F/litestream.yml:1: there is no directory $F/no",
        refusalOf("dbs: [{dir: $F/no, pattern: '*', replica: {path: $F/r}}]"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"r--r-----", "---------"})
  void fileThatMayNotBeReadOrWritten(String mode) throws Exception {
    assumeTrue(PermissionBits.hold(folder), "modes of files do not bind this user");
    String database = database("a.db");
    Files.setPosixFilePermissions(path("a.db"), PosixFilePermissions.fromString(mode));
    assertMatches("sluice: replicate: \\$F/a\\.db: .*", refusal(database, replica()));
  }

  @Test
  void directoryThatMayNotBeWrittenTo() throws Exception {
    assumeTrue(PermissionBits.hold(folder), "modes of files do not bind this user");
    Path readOnly = Files.createDirectory(path("ro"));
    Files.copy(Path.of(database("a.db")), readOnly.resolve("a.db"));
    Files.setPosixFilePermissions(readOnly, PosixFilePermissions.fromString("r-xr-xr-x"));
    try {
      assertEquals(
          "sluice: replicate: the command line: $F/ro/a.db: the spool $F/ro/.a.db-litestream cannot"
              + " be written: $F/ro is read-only",
          refusal(readOnly.resolve("a.db").toString(), replica()));
      assertMatches(
          "sluice: replicate: .*\\$F/ro.*", refusal(database("b.db"), readOnly + "/replica"));
    } finally {
      Files.setPosixFilePermissions(readOnly, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "s4://bucket/x|replicate: the command line: replica s4://bucket/x: replica URL scheme \"s4\" is unknown (known: file, s3)",
        "s3:///x|open the replica: replica URL s3:...: the bucket or host is missing",
        "gs://bucket/x|replicate: the command line: replica gs://bucket/x: replica URL scheme \"gs\" is unknown (known: file, s3)",
        "s3://b?regoin=x|replicate: the command line: replica s3://b: s3: unknown query key regoin (did you mean region?)",
        "''|open the replica: the replica URL is empty",
      })
  void urlThatIsWrong(String url, String why) throws Exception {
    assertEquals("sluice: " + why, refusal(database("a.db"), url));
  }

  @Test
  void replicaThatIsAFile() throws Exception {
    Files.writeString(path("file"), "no folder");
    assertMatches(
        "sluice: replicate: \\$F/a\\.db: .*: not a directory: \\$F/file/.*",
        refusal(database("a.db"), "file://" + path("file")));
    assertEquals("no folder", Files.readString(path("file")));
  }

  /** The credentials of these tests are none that the server knows. */
  @ParameterizedTest
  @ValueSource(strings = {"", "-once"})
  void keyThatIsWrong(String option) throws Exception {
    String yaml =
        "dbs: [{path: $F/a.db, replica: {url: 's3://bucket/a', region: r, endpoint: '%s',"
            + " access-key-id: AKIDWRONG, secret-access-key: the-secret}}]";
    String text = yaml.formatted(S3Server.shared().endpoint()).replace("$F", folder.toString());
    String file = Files.writeString(path("litestream.yml"), text).toString();
    database("a.db");
    String why = option.isEmpty() ? refusal("-config", file) : refusal(option, "-config", file);
    assertMatches("sluice: replicate: .*ListObjectsV2 in bucket bucket at .*: 403 .*", why);
    assertFalse(why.contains("the-secret"), why);
  }

  @Test
  void databaseThatAnotherDaemonHas() throws Exception {
    try (TestDaemon daemon = new TestDaemon(folder)) {
      daemon.replicate("a.db").last().syncAndWait(java.time.Duration.ofSeconds(30));
      assertEquals(
          "sluice: replicate: $F/a.db: another process replicates this database;"
              + " only one may do that at a time",
          refusal(path("a.db").toString(), replica()));
      daemon.write("a.db", "INSERT INTO t VALUES(1)");
      daemon.databases().all().get(0).last().syncAndWait(java.time.Duration.ofSeconds(30));
    }
  }

  @Test
  void socketThatAnotherDaemonHas() throws Exception {
    Path socket = path("s");
    try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      other.bind(UnixDomainSocketAddress.of(socket));
      assertEquals(
          "sluice: replicate: control socket $F/s: another daemon answers on it",
          refusal("-socket", socket.toString(), database("a.db"), replica()));
    }
    assertNothingBegun();
  }

  @Test
  void addressThatIsTaken() throws Exception {
    database("a.db");
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertMatches(
          "sluice: replicate: listen on .*:" + other.getLocalPort() + ": Address already in use",
          refusalOf(
              "addr: '127.0.0.1:%d'\ndbs: [{path: $F/a.db, replica: {path: $F/replica}}]"
                  .formatted(other.getLocalPort())));
    }
    assertNothingBegun();
  }

  private void assertNothingBegun() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertTrue(
          files.map(file -> String.valueOf(file.getFileName())).noneMatch(this::isMade), "begun");
    }
  }

  private boolean isMade(String name) {
    return name.endsWith("-litestream") || name.equals("replica");
  }

  @Test
  void replicaOfTwoDatabases() throws Exception {
    assertMatches(
        "sluice: read \\$F/litestream.yml:1: \\$F/b\\.db has the replica file://\\$F/r of"
            + " \\$F/a\\.db .*: each database has its own",
        refusalOf(
            "dbs: [{path: $F/a.db, replica: {path: $F/r}}, {path: $F/b.db, replica: {path: $F/r}}]"));
  }

  @Test
  void replicaInTheSpool() throws Exception {
    assertEquals(
        "sluice: open the replica: file://$F/.a.db-litestream is in the spool of $F/a.db"
            + " ($F/.a.db-litestream): a replica has a place of its own",
        refusal(database("a.db"), path(".a.db-litestream").toString()));
  }

  @Test
  void databaseThatCannotBeReplicatedDoesNotEndTheChild() throws Exception {
    Files.writeString(path("a.db"), "no database");
    CliRun run =
        CliRun.of(
            "replicate", "-exec", "sh -c 'sleep 2; exit 5'", path("a.db").toString(), replica());
    assertEquals(5, run.exitCode());
    assertEquals("", run.err());
  }

  @Test
  void programThatIsNotThere() throws Exception {
    assertMatches(
        "sluice: run nosuchprogram: Cannot run program .*",
        refusal("-exec", "nosuchprogram", database("a.db"), replica()));
  }
}
