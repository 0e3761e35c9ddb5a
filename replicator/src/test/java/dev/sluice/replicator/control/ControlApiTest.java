package dev.sluice.replicator.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.FolderAway;
import dev.sluice.replicator.control.ControlMessages.DatabaseAnswer;
import dev.sluice.replicator.control.ControlMessages.DatabaseRequest;
import dev.sluice.replicator.control.ControlMessages.InfoAnswer;
import dev.sluice.replicator.control.ControlMessages.ListAnswer;
import dev.sluice.replicator.control.ControlMessages.Listed;
import dev.sluice.replicator.control.ControlMessages.RegisterRequest;
import dev.sluice.replicator.control.ControlMessages.StatusAnswer;
import dev.sluice.replicator.control.ControlMessages.SyncAnswer;
import dev.sluice.replicator.control.ControlMessages.SyncRequest;
import dev.sluice.replicator.control.ControlMessages.TxidAnswer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each endpoint, through the socket. */
final class ControlApiTest {
  @TempDir Path folder;

  private TestDaemon daemon;
  private String app = "";

  @BeforeEach
  void start() throws IOException {
    daemon = new TestDaemon(folder);
    app = daemon.path("app.db").toString();
  }

  @AfterEach
  void stop() {
    daemon.close();
  }

  private SyncAnswer sync(boolean isWaiting) throws IOException {
    return daemon.client().post("/sync", new SyncRequest(app, isWaiting, 30), SyncAnswer.class);
  }

  private DatabaseAnswer post(String endpoint) throws IOException {
    return daemon.client().post(endpoint, new DatabaseRequest(app, 30), DatabaseAnswer.class);
  }

  private long txid() throws IOException {
    return daemon.client().get("/txid?path=" + app, TxidAnswer.class).txid();
  }

  private Listed listed() throws IOException {
    List<Listed> all = daemon.client().get("/list", ListAnswer.class).databases();
    assertEquals(1, all.size());
    return all.get(0);
  }

  private DatabaseReport report() throws IOException {
    return daemon.client().get("/status?path=" + app, StatusAnswer.class).databases().get(0);
  }

  private CompletableFuture<SyncAnswer> syncBeside() {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return sync(true);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  @Test
  void syncThatWaitsReturnsTheTxidOfTheReplica() throws Exception {
    daemon.replicate("app.db");
    SyncAnswer first = sync(true); // no change if it was shipped before that was asked
    assertTrue(Set.of("synced", "no_change").contains(first.status()), first::toString);
    assertEquals(new SyncAnswer(first.status(), app, 1, 1), first);
    FolderAway away = FolderAway.take(Path.of(daemon.replica("app.db").path()));
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    int before = daemon.requestCount();
    CompletableFuture<SyncAnswer> second = syncBeside();
    long endNanos = System.nanoTime() + TestDaemon.SURELY.toNanos();
    while (daemon.requestCount() == before) {
      assertTrue(System.nanoTime() < endNanos, "it does not ask");
      Thread.onSpinWait();
    }
    away.bringBack();
    assertEquals(new SyncAnswer("synced", app, 2, 2), second.get(30, TimeUnit.SECONDS));
    assertEquals(new SyncAnswer("no_change", app, 2, 2), sync(true));
    assertEquals(2, txid());
  }

  @Test
  void syncThatDoesNotWaitHasTheCommitsGoOut() throws Exception {
    daemon.replicate("app.db");
    sync(true);
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    assertEquals("asked", sync(false).status());
    assertEquals(2, sync(true).txid());
  }

  @Test
  void syncThatTakesTooLongSaysWhy() throws Exception {
    daemon.register(daemon.path("app.db"), daemon.replica("app.db"));
    IOException refused =
        assertThrows(
            ControlClient.RefusedException.class,
            () -> daemon.client().post("/sync", new SyncRequest(app, true, 1), SyncAnswer.class));
    assertEquals(
        "sync " + app + ": not within 1 s: there is no such file yet", refused.getMessage());
  }

  @Test
  void stoppedDatabaseIsLetGoOfAndGoesOnWhenStarted() throws Exception {
    daemon.replicate("app.db");
    sync(true);
    assertEquals("replicating", listed().status());
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    assertEquals(new DatabaseAnswer("stopped", app, 2L), post("/stop"));
    assertEquals(new DatabaseAnswer("already_stopped", app, 2L), post("/stop"));
    assertEquals("stopped", listed().status());
    assertEquals(2, txid());
    ControlClient.RefusedException refused =
        assertThrows(ControlClient.RefusedException.class, () -> sync(true));
    assertEquals(409, refused.status());
    daemon.write("app.db", "INSERT INTO t VALUES(2)");
    assertEquals("started", post("/start").status());
    assertEquals("already_running", post("/start").status());
    assertEquals(3, sync(true).replicatedTxid());
  }

  @Test
  void databaseIsForgottenThoughNotAllOfItIsShipped() throws Exception {
    daemon.replicate("app.db");
    sync(true);
    Path replica = Path.of(daemon.replica("app.db").path());
    Files.move(replica, folder.resolve("away"));
    Files.writeString(replica, "no folder");
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    DatabaseRequest request = new DatabaseRequest(app, 1);
    ControlClient.RefusedException refused =
        assertThrows(
            ControlClient.RefusedException.class,
            () -> daemon.client().post("/unregister", request, DatabaseAnswer.class));
    assertEquals(500, refused.status());
    String message = String.valueOf(refused.getMessage());
    assertTrue(
        message.matches(
            "unregister "
                + app
                + ": [1-9][0-9]* bytes are not shipped: create file://"
                + replica
                + "/ltx/0/0000000000000002-0000000000000002.ltx: .*"),
        message);
    assertEquals("already_unregistered", post("/unregister").status());
  }

  @Test
  void databaseThatNeverWasLacksNothingWhenItIsStopped() throws Exception {
    daemon.register(daemon.path("app.db"), daemon.replica("app.db"));
    assertEquals(new DatabaseAnswer("stopped", app, 0L), post("/stop"));
    assertEquals(new DatabaseAnswer("already_stopped", app, 0L), post("/stop"));
    assertEquals("unregistered", post("/unregister").status());
  }

  @Test
  void registeredDatabaseIsReplicatedUntilItIsUnregistered() throws Exception {
    daemon.write("app.db", "CREATE TABLE t(a)");
    RegisterRequest request = new RegisterRequest(app, daemon.replica("app.db").path());
    ControlClient client = daemon.client();
    assertEquals(
        new DatabaseAnswer("registered", app, null),
        client.post("/register", request, DatabaseAnswer.class));
    assertEquals(
        "already_registered", client.post("/register", request, DatabaseAnswer.class).status());
    assertEquals(1, sync(true).txid());
    IOException clash =
        assertThrows(
            IOException.class,
            () ->
                client.post(
                    "/register",
                    new RegisterRequest(app + "2", request.replicaUrl()),
                    DatabaseAnswer.class));
    assertTrue(
        String.valueOf(clash.getMessage()).endsWith(" is the replica of " + app + " already"),
        clash::toString);
    assertEquals(new DatabaseAnswer("unregistered", app, 1L), post("/unregister"));
    assertEquals(new DatabaseAnswer("already_unregistered", app, 0L), post("/unregister"));
    assertEquals(List.of(), client.get("/list", ListAnswer.class).databases());
    assertEquals(0, client.get("/info", InfoAnswer.class).databaseCount());
  }

  @Test
  void infoTellsOfTheProcess() throws Exception {
    InfoAnswer info = daemon.client().get("/info", InfoAnswer.class);
    assertEquals("1.2.3", info.version());
    assertEquals(ProcessHandle.current().pid(), info.pid());
    assertTrue(Instant.parse(info.startedAt()).isBefore(Instant.now().plusSeconds(1)));
    assertTrue(info.uptimeSeconds() >= 0);
  }

  @Test
  void reportTellsPositionsAndLag() throws Exception {
    daemon.replicate("app.db");
    sync(true);
    DatabaseReport report = report();
    assertEquals("capturing", report.status());
    assertEquals("0000000000000001", report.localTxid());
    assertEquals("0000000000000001", report.replicaTxid());
    assertEquals(0L, report.lagTxids());
    assertEquals(0.0, report.lagSeconds());
    assertEquals(null, report.trouble());
    Instant synced = Instant.parse(String.valueOf(listed().lastSyncAt()));
    assertTrue(Duration.between(synced, Instant.now()).toSeconds() < 10, synced::toString);
  }

  @Test
  void lagGrowsWhileTheStorageIsAwayAndIsGoneAfterwards() throws Exception {
    daemon.replicate("app.db");
    sync(true);
    Path replica = Path.of(daemon.replica("app.db").path());
    FolderAway away = FolderAway.take(replica);
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    DatabaseReport report = report();
    long endNanos = System.nanoTime() + TestDaemon.SURELY.toNanos();
    while (report.trouble() == null && System.nanoTime() < endNanos) {
      report = report();
    }
    assertNotNull(report.trouble());
    double lag = report.lagSeconds() == null ? 0 : report.lagSeconds();
    assertTrue(lag > 0, report::toString);
    DatabaseReport later = report();
    assertTrue(later.lagSeconds() != null && later.lagSeconds() > lag, later::toString);
    away.bringBack();
    assertEquals(2, sync(true).replicatedTxid());
    assertEquals(0.0, report().lagSeconds());
  }

  @Test
  void twoClientsAreAnsweredAtOnce() throws Exception {
    daemon.register(daemon.path("app.db"), daemon.replica("app.db"));
    CompletableFuture<SyncAnswer> waits = syncBeside();
    assertEquals("open", listed().status());
    daemon.write("app.db", "CREATE TABLE t(a)");
    assertTrue(waits.get(30, TimeUnit.SECONDS).replicatedTxid() > 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST | /start | {\"path\":\"/none\"} | 404 | database not found: /none",
        "POST | /stop | {\"path\":\"/none\"} | 404 | database not found: /none",
        "POST | /sync | {\"path\":\"/none\",\"wait\":true} | 404 | database not found: /none",
        "GET | /txid?path=/none | '' | 404 | database not found: /none",
        "GET | /status?path=/none | '' | 404 | database not found: /none",
        "GET | /txid | '' | 400 | path required",
        "POST | /start | {} | 400 | path required",
        "POST | /stop | {\"path\":\"\"} | 400 | path required",
        "POST | /sync | {\"timeout\":3} | 400 | path required",
        "POST | /register | {\"replica_url\":\"x\"} | 400 | path required",
        "POST | /unregister | {} | 400 | path required",
        "POST | /register | {\"path\":\"/a\"} | 400 | replica_url required",
        "POST | /register | {\"path\":\"/a\",\"replica_url\":\"foo://x\"} | 400 | register /a: *",
        "POST | /start | '' | 400 | invalid request body: *",
        "POST | /sync | null | 400 | invalid request body: *",
        "POST | /sync | {\"path\":1 | 400 | invalid request body: *",
        "GET | /sync | '' | 405 | /sync takes POST only",
        "GET | /debug | '' | 404 | no such endpoint: /debug*",
      })
  void wrongRequestIsRefused(String method, String uri, String body, int status, String error)
      throws IOException {
    ControlClient client = daemon.client();
    ControlClient.RefusedException refused =
        assertThrows(
            ControlClient.RefusedException.class,
            () -> client.ask(method, uri, body, String.class));
    String message = String.valueOf(refused.getMessage());
    if (error.endsWith("*")) {
      assertTrue(message.startsWith(error.substring(0, error.length() - 1)), message);
    } else {
      assertEquals(error, message);
    }
    assertEquals(1, message.lines().count());
    assertEquals(status, refused.status());
  }

  @Test
  void socketIsForItsOwnerOnly() throws IOException {
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(daemon.socket())));
  }
}
