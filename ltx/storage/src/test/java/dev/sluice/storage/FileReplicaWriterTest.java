package dev.sluice.storage;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a directory does to its writers. */
class FileReplicaWriterTest {
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  private static final String UUID = "0f8fad5b-d9cb-469f-a165-70867728950e";

  @TempDir private Path folder;

  /** The kernel refuses to link a folder as it does where there are no links at all. */
  @Test
  void whereThereAreNoHardLinksAFileIsDenied() throws Exception {
    Path existing = Files.createDirectory(folder.resolve("temporary"));
    ReplicaException.Denied denied =
        assertThrows(
            ReplicaException.Denied.class,
            () -> HardLinks.create(folder.resolve("name"), existing, "here"));
    assertTrue(
        String.valueOf(denied.getMessage()).startsWith("here: the file system has no hard links"),
        denied.getMessage());
    assertEquals(List.of(existing), files(folder));
  }

  @Test
  void otherFailuresOfALinkStayWhatTheyAre() throws Exception {
    Path existing = Files.createFile(folder.resolve("temporary"));
    Path taken = Files.createFile(folder.resolve("taken"));
    assertThrows(FileAlreadyExistsException.class, () -> HardLinks.create(taken, existing, "here"));
    assertThrows(
        NoSuchFileException.class,
        () -> HardLinks.create(folder.resolve("no/name"), existing, "here"));
    Path tooLong = folder.resolve("x".repeat(256));
    IOException failure =
        assertThrows(IOException.class, () -> HardLinks.create(tooLong, existing, "here"));
    assertFalse(failure instanceof ReplicaException, failure.toString());
  }

  @Test
  void temporariesOfKilledWritersGoAfterADayAndNoOthers() throws Exception {
    Path level = Files.createDirectories(folder.resolve("ltx/0"));
    Path killed = level.resolve("0000000000000007-0000000000000007.ltx.123-4.tmp");
    Path killedLease = folder.resolve("lock.json." + UUID + ".tmp");
    List<Path> others =
        Stream.of(
                folder.resolve("other." + UUID + ".tmp"),
                folder.resolve("lock.json.mine.tmp"),
                level.resolve("0000000000000007-0000000000000007.ltx.tmp"),
                level.resolve("notes.123-4.tmp"))
            .sorted()
            .toList();
    for (Path path : Stream.concat(Stream.of(killed, killedLease), others.stream()).toList()) {
      Files.createFile(path);
    }
    // A live one's modification time is that of the file to be.
    Files.setLastModifiedTime(killed, FileTime.from(Instant.EPOCH));
    Files.setLastModifiedTime(killedLease, FileTime.from(Instant.EPOCH));
    try (FileReplicaClient client = clientAt(Duration.ofHours(23))) {
      write(client, NAME);
      assertTrue(Files.exists(killed));
      assertTrue(Files.exists(killedLease));
    }
    try (FileReplicaClient client = clientAt(Duration.ofHours(25))) {
      get(client.list(0, Txid.FIRST));
      assertTrue(Files.exists(killed), "deleted by a reader");
      write(client, new LtxFileName(0, new TxidRange(new Txid(2), new Txid(2))));
      assertFalse(Files.exists(killed));
      assertFalse(Files.exists(killedLease));
    }
    for (Path path : others) {
      assertTrue(Files.exists(path), path.toString());
    }
  }

  private void write(FileReplicaClient client, LtxFileName name) throws Exception {
    Path content = Files.write(folder.resolve("content"), new byte[5]);
    get(client.createIfAbsent(name, content, Instant.EPOCH));
    get(client.objects().create("lock.json", new byte[1]));
    get(client.objects().delete("lock.json"));
  }

  private FileReplicaClient clientAt(Duration later) {
    return new FileReplicaClient(folder, "here", Clock.offset(Clock.system(ZoneOffset.UTC), later));
  }

  /** A pipe without a writer: whoever reads it waits. */
  @Test
  void aDirectoryThatHangsHoldsUpNoOther() throws Exception {
    Path hanging = Files.createDirectory(folder.resolve("hanging"));
    Path pipe = hanging.resolve("lock.json");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    try (FileReplicaClient stuck = new FileReplicaClient(hanging, "stuck");
        FileReplicaClient well = new FileReplicaClient(folder.resolve("well"), "well")) {
      CompletableFuture<String> first =
          stuck.objects().replace("lock.json", new byte[2], "version");
      String version = get(well.objects().create("lock.json", new byte[1]));
      version = get(well.objects().replace("lock.json", new byte[2], version));
      CompletableFuture<String> second =
          stuck.objects().replace("lock.json", new byte[3], "version");
      // One of the two waits, and the other is told so.
      assertInstanceOf(
          ReplicaException.Unavailable.class, failure(CompletableFuture.anyOf(first, second)));
      CompletableFuture<String> hangs = first.isDone() ? second : first;
      assertFalse(hangs.isDone());
      try (OutputStream release = Files.newOutputStream(pipe)) {
        release.write(1);
      }
      assertInstanceOf(ReplicaException.Conflict.class, failure(hangs));
      assertEquals(version, get(well.objects().read("lock.json")).orElseThrow().version());
    }
  }

  @Test
  void anObjectThatAnotherProcessHoldsIsUnavailable() throws Exception {
    try (FileReplicaClient client = new FileReplicaClient(folder, "here")) {
      String version = get(client.objects().create("lock.json", new byte[1]));
      Process holder =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Holder.class.getName(),
                  folder.resolve("lock.json.lock").toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try {
        assertEquals('1', holder.getInputStream().read());
        assertInstanceOf(
            ReplicaException.Unavailable.class,
            failure(client.objects().replace("lock.json", new byte[2], version)));
      } finally {
        holder.destroyForcibly().waitFor();
      }
      get(client.objects().replace("lock.json", new byte[2], version));
    }
  }

  /** Holds a file's lock until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      try (RandomAccessFile file = new RandomAccessFile(args[0], "rw");
          FileLock lock = file.getChannel().lock()) {
        System.out.print(lock.isValid() ? 1 : 0);
        System.out.flush();
        System.exit(System.in.read());
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static Throwable failure(CompletableFuture<?> future) {
    Throwable cause = assertThrows(ExecutionException.class, () -> get(future)).getCause();
    return cause == null ? new AssertionError("no cause") : cause;
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, SECONDS);
  }
}
