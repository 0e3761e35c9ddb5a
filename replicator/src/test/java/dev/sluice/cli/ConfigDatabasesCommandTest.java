package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.Environment;
import dev.sluice.testkit.Golden;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class ConfigDatabasesCommandTest {

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void writeConfiguration() throws IOException {
    Path tenants = Files.createDirectory(folder.resolve("t"));
    byte[] page = new byte[512];
    byte[] magic = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(magic, 0, page, 0, magic.length);
    Files.write(tenants.resolve("x.db"), page);
    file =
        Files.writeString(
            folder.resolve("c.yml"),
            """
            access-key-id: AKIA1
            secret-access-key: hush
            dbs:
              - {path: /var/app.db, replica: {url: "s3://b/app?region=r1"}}
              - {dir: %s, pattern: "*.db", replica: {path: /r}}
            """
                .formatted(tenants));
  }

  @Test
  void databasesAreListed() {
    String x = folder.resolve("t/x.db").toString();
    String path = String.format("%-" + x.length() + "s", "path");
    String app = String.format("%-" + x.length() + "s", "/var/app.db");
    assertEquals(
        path
            + "  replica  url\n"
            + app
            + "  s3       s3://b/app\n"
            + x
            + "  file     file:///r/x.db\n",
        CliRun.done("databases", "-config", file.toString()).out());
  }

  @Test
  void databasesAreListedAsJson() {
    assertEquals(
        "[{\"path\":\"/var/app.db\",\"replica\":\"s3\",\"url\":\"s3://b/app\"},\n"
            + "{\"path\":\""
            + folder.resolve("t/x.db")
            + "\",\"replica\":\"file\",\"url\":\"file:///r/x.db\"}]\n",
        CliRun.done("databases", "--config", file.toString(), "--json").out());
  }

  @Test
  void whatHasNoEffectIsSaidOnStandardError() throws IOException {
    Files.writeString(file, "mcp-addr: :1\n");
    CliRun run = CliRun.of("databases", "-config", file.toString());
    assertEquals(
        "sluice: " + file + ":1: \"mcp-addr\" has no effect: there is no MCP server\n", run.err());
    assertEquals("path  replica  url\n", run.out());
    assertEquals(ExitCode.DONE, run.exitCode());
  }

  @Test
  void wrongConfigurationIsOneLine() throws IOException {
    Files.writeString(file, "dbs: []\nadrr: :1\n");
    CliRun run = CliRun.of("databases", "-config", file.toString());
    assertEquals(
        "sluice: read "
            + file
            + ":2: unknown key \"adrr\" in the top level (did you mean"
            + " \"addr\"?)\n",
        run.err());
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertEquals(
        "sluice: read /no/such.yml: no such file\n",
        CliRun.of("databases", "-config", "/no/such.yml").err());
  }

  @Test
  void argumentIsTheReplicaOfTheDatabaseItNames() throws Failure {
    ReplicaArgument named = argument("/var/app.db");
    assertEquals("s3://b/app", named.url().location());
    assertEquals("r1", named.url().query().get("region"));
    assertEquals(Optional.of("hush"), named.environment().get("AWS_SECRET_ACCESS_KEY"));
    assertEquals(Path.of("/var/app.db"), named.database().orElseThrow().path());
    ReplicaArgument gone = argument(folder.resolve("t/gone.db").toString());
    assertEquals("file:///r/gone.db", gone.url().location());
  }

  @Test
  void urlAndDirectoryAreReplicasWhateverTheConfigurationIs() throws Failure, IOException {
    Files.writeString(file, "broken: [");
    assertEquals("s3://b/x", argument("s3://b/x").url().location());
    ReplicaArgument directory = argument(folder.toString());
    assertEquals("file://" + folder, directory.url().location());
    assertTrue(directory.database().isEmpty());
  }

  @Test
  void pathThatNobodyKnowsIsRefused() {
    Failure refused = assertThrows(Failure.class, () -> argument("/var/other.db"));
    assertTrue(
        String.valueOf(refused.getMessage())
            .startsWith("open /var/other.db: it is no replica, and " + file + " has no database"),
        refused::getMessage);
    assertFalse(String.valueOf(refused.getMessage()).contains("hush"));
  }

  @Test
  void sqlRunsOnTheReplicaOfAConfiguredDatabase() throws IOException {
    Path replica = Golden.named("levels-incr-4096").copyTo(folder.resolve("golden"));
    Files.writeString(file, "dbs: [{path: /var/app.db, replica: {path: '" + replica + "'}}]");
    String sql = "SELECT count(*) FROM sqlite_schema";
    assertEquals(
        CliRun.done("sql", replica.toString(), sql).out(),
        CliRun.done("sql", "-config", file.toString(), "/var/app.db", sql).out());
  }

  @Test
  void sqlSaysThatItDoesNotTakeCredentialsFromTheConfiguration() {
    CliRun run = CliRun.of("sql", "-config", file.toString(), "/var/app.db", "SELECT 1");
    assertEquals(
        "sluice: open s3://b/app: sql does not take credentials from the configuration; set"
            + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and name the replica by its URL\n",
        run.err());
    assertEquals(ExitCode.FAILED, run.exitCode());
  }

  @Test
  void restoreMakesTheConfiguredDatabase() throws IOException {
    Path replica = Golden.named("levels-incr-4096").copyTo(folder.resolve("golden"));
    Path database = folder.resolve("app.db");
    Files.writeString(
        file, "dbs: [{path: '" + database + "', replica: {path: '" + replica + "'}}]");
    String config = file.toString();
    CliRun.done("restore", "-config", config, database.toString());
    Path other = folder.resolve("other.db");
    CliRun.done("restore", "-o", other.toString(), replica.toString());
    assertEquals(-1, Files.mismatch(other, database));
    CliRun again = CliRun.of("restore", "-config", config, database.toString());
    assertEquals(ExitCode.FAILED, again.exitCode(), "what exists is not replaced");
    CliRun.done("restore", "-if-db-not-exists", "-config", config, database.toString());
  }

  private ReplicaArgument argument(String text) throws Failure {
    ConfigOptions options = new ConfigOptions();
    new CommandLine(new Holder(options)).parseArgs("-config", file.toString());
    return ReplicaArgument.of(text, options, terminal(name -> Optional.empty()));
  }

  @CommandLine.Command
  private static final class Holder {
    @CommandLine.Mixin
    @SuppressWarnings("UnusedVariable") // picocli fills it
    private final ConfigOptions options;

    Holder(ConfigOptions options) {
      this.options = options;
    }
  }

  private static Terminal terminal(Environment environment) {
    return new Terminal(
        new Output(new ByteArrayOutputStream()),
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
        false,
        environment,
        Instant::now,
        Duration.ofSeconds(1));
  }
}
