package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.View;
import dev.sluice.testkit.Golden;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ListenersTest {
  private static final Golden HISTORY = Golden.named("small-4096");

  @TempDir Path folder;

  /** Notes what it is told. */
  private static class Witness implements ReplicaListener {
    final BlockingQueue<String> told = new LinkedBlockingQueue<>();

    @Override
    public void opened(Replica replica) {
      told.add("opened");
    }

    @Override
    public void published(Replica replica, View view) {
      told.add("published " + view.txid());
    }

    @Override
    public void closed(Replica replica) {
      told.add("closed");
    }

    void expect(String... what) throws InterruptedException {
      for (String one : what) {
        assertEquals(one, told.poll(30, TimeUnit.SECONDS));
      }
    }
  }

  /** Throws whenever it is told something. */
  private static final class Faulty extends Witness {
    @Override
    public void opened(Replica replica) {
      throw new IllegalStateException("opened");
    }

    @Override
    public void published(Replica replica, View view) {
      throw new AssertionError("published");
    }

    @Override
    public void closed(Replica replica) {
      throw new IllegalStateException("closed");
    }
  }

  private final Witness witness = new Witness();
  private final Faulty faulty = new Faulty();

  /** Those of earlier tests end on threads of their own. */
  @BeforeEach
  void awaitOthers() throws InterruptedException {
    try (ReplicaWatch watch = new ReplicaWatch()) {
      watch.awaitClosed();
    }
  }

  @AfterEach
  void unregister() {
    Sluice.removeListener(faulty);
    Sluice.removeListener(witness);
    Sluice.unregister();
  }

  private Connection connect() throws Exception {
    Path replica = HISTORY.copyTo(folder.resolve("replica"));
    return DriverManager.getConnection(Urls.jdbc("file:" + replica));
  }

  @Test
  void oneThatThrowsKeepsNothingFromTheOthers() throws Exception {
    Sluice.addListener(faulty);
    Sluice.addListener(witness);
    try (Connection connection = connect()) {
      assertEquals(
          "0000000000000006", DatabaseContents.value(connection, "SELECT litestream_txid()"));
    }
    witness.expect("opened", "published 0000000000000006", "closed");
  }

  @Test
  void oneIsToldOnceHoweverOftenAdded() throws Exception {
    Sluice.addListener(witness);
    Sluice.addListener(witness);
    connect().close();
    witness.expect("opened", "published 0000000000000006", "closed");
    assertTrue(witness.told.isEmpty(), witness.told::toString);
  }

  @Test
  void oneThatComesLateIsToldWhatIsOpenAndNothingAfterItsRemoval() throws Exception {
    Witness other = new Witness();
    Sluice.addListener(other);
    try (Connection connection = connect()) {
      Sluice.addListener(witness);
      witness.expect("opened");
      Sluice.removeListener(witness);
      assertFalse(connection.isClosed());
    }
    other.expect("opened", "published 0000000000000006", "closed");
    Sluice.removeListener(other);
    assertEquals(List.of(), List.copyOf(witness.told));
  }

  @Test
  void goodbyeClosesWhatIsOpen() throws Exception {
    Sluice.addListener(witness);
    try (Connection connection = connect()) {
      Sluice.unregister();
      witness.expect("opened", "published 0000000000000006", "closed");
      assertFalse(connection.isClosed());
    }
  }
}
