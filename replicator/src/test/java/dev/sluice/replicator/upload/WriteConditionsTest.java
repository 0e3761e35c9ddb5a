package dev.sluice.replicator.upload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.MeteringReplicaClient;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.SideObject;
import dev.sluice.storage.SideObjects;
import dev.sluice.storage.history.MemoryReplica;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WriteConditionsTest {
  private static final CallLimit LIMIT = new CallLimit(Duration.ofSeconds(20));

  @TempDir Path folder;

  @Test
  void storageThatIgnoresConditionsIsRefusedBeforeAnythingIsStored() throws IOException {
    MemoryReplica replica = new MemoryReplica("mem:replica");
    replica.objects().ignoreConditions();
    ReplicaWriter writer = new ReplicaWriter(replica.open(), LIMIT, WriteGuard.conditions());
    for (int i = 0; i < 2; i++) {
      WriteConditions.IgnoredException e =
          assertThrows(WriteConditions.IgnoredException.class, () -> writer.delete(List.of()));
      assertTrue(String.valueOf(e.getMessage()).contains("mem:replica"), e.getMessage());
    }
    assertEquals(0, replica.objects().count());
    new ReplicaWriter(replica.open(), LIMIT, WriteGuard.none()).delete(List.of());
  }

  @Test
  void storageIsAskedOnceAndNothingStays() throws IOException {
    MemoryReplica replica = new MemoryReplica("mem:replica");
    RequestMeter meter = new RequestMeter();
    ReplicaWriter writer =
        new ReplicaWriter(
            new MeteringReplicaClient(replica.open(), meter), LIMIT, WriteGuard.conditions());
    writer.delete(List.of());
    writer.delete(List.of());
    assertEquals(2, meter.snapshot().puts());
    assertEquals(0, replica.objects().count());
  }

  @Test
  void directoryKeepsConditions() throws IOException {
    try (ReplicaClient client =
        ReplicaClients.open(ReplicaUrl.ofDirectory(folder.toString()), name -> Optional.empty())) {
      WriteConditions.probe(client, LIMIT);
    }
    try (var files = Files.walk(folder)) {
      assertEquals(0, files.filter(Files::isRegularFile).count());
    }
  }

  /** Says of writes that nobody knows, though they are there, or refuses to delete. */
  private record OddObjects(SideObjects inner, boolean isAnswerLost) implements SideObjects {
    @Override
    public CompletableFuture<Optional<SideObject>> read(String name) {
      return inner.read(name);
    }

    @Override
    public CompletableFuture<String> create(String name, byte[] content) {
      CompletableFuture<String> created = inner.create(name, content);
      return isAnswerLost
          ? CompletableFuture.failedFuture(new ReplicaException.OutcomeUnknown("lost"))
          : created;
    }

    @Override
    public CompletableFuture<String> replace(String name, byte[] content, String version) {
      return inner.replace(name, content, version);
    }

    @Override
    public CompletableFuture<Void> delete(String name) {
      return isAnswerLost
          ? inner.delete(name)
          : CompletableFuture.failedFuture(new ReplicaException.Denied("no deletes"));
    }
  }

  private static ReplicaClient odd(MemoryReplica replica, boolean isAnswerLost) {
    return new ForwardingReplicaClient(replica.open()) {
      @Override
      public SideObjects objects() {
        return new OddObjects(inner.objects(), isAnswerLost);
      }
    };
  }

  @Test
  void nothingStaysWhereTheFirstAnswerIsLost() {
    MemoryReplica replica = new MemoryReplica("mem:replica");
    assertThrows(
        ReplicaException.OutcomeUnknown.class,
        () -> WriteConditions.probe(odd(replica, true), LIMIT));
    assertEquals(0, replica.objects().count());
  }

  @Test
  void objectThatMayNotBeDeletedHidesNothing() throws IOException {
    MemoryReplica replica = new MemoryReplica("mem:replica");
    WriteConditions.probe(odd(replica, false), LIMIT);
    replica.objects().ignoreConditions();
    assertThrows(
        WriteConditions.IgnoredException.class,
        () -> WriteConditions.probe(odd(replica, false), LIMIT));
  }
}
