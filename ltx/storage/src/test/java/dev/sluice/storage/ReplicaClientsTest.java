package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaClientsTest {
  private static final Environment NOTHING = name -> Optional.empty();

  @Test
  void directoriesAreBuiltIn() {
    assertEquals(Set.of("file"), ReplicaClients.schemes());
    try (ReplicaClient client =
        ReplicaClients.open(ReplicaUrl.parse("file:///no/such/place"), NOTHING)) {
      assertEquals("file:///no/such/place", client.location());
    }
  }

  @Test
  void anUnknownSchemeSaysWhatIsKnownAndWhatToAdd() {
    assertEquals(
        "replica URL scheme \"s3\" is unknown (known: file); add dev.sluice:sluice-storage-s3 to the class path",
        message("s3://bucket/db"));
    assertEquals(
        "replica URL scheme \"gopher\" is unknown (known: file)", message("gopher://bucket/db"));
  }

  @Test
  void directoriesTakeNoQuery() {
    String message = message("file:///abs?forcePathStyle=secret");
    assertTrue(message.contains("force-path-style"), message);
    assertTrue(!message.contains("secret"), message);
  }

  /** As in a web application, whose libraries only the context class loader of its threads sees. */
  @Test
  void providersOfTheContextClassLoaderAreFound(@TempDir Path libraries) throws Exception {
    Path services = Files.createDirectories(libraries.resolve("META-INF/services"));
    Files.writeString(
        services.resolve(ReplicaClientProvider.class.getName()), NowhereProvider.class.getName());
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    try (URLClassLoader application =
        new URLClassLoader(
            new URL[] {libraries.toUri().toURL()}, ReplicaClients.class.getClassLoader())) {
      Thread.currentThread().setContextClassLoader(application);
      assertEquals(Set.of("file", "nowhere"), ReplicaClients.schemes());
      assertThrows(
          UnsupportedOperationException.class,
          () -> ReplicaClients.open(ReplicaUrl.parse("nowhere://bucket/db"), NOTHING));
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  @Test
  void aBrokenProviderIsSaidOnlyToWhoNeedsIt(@TempDir Path libraries) throws Exception {
    Path services = Files.createDirectories(libraries.resolve("META-INF/services"));
    Files.writeString(
        services.resolve(ReplicaClientProvider.class.getName()),
        "no.such.Provider\n"
            + BrokenProvider.class.getName()
            + "\n"
            + NowhereProvider.class.getName()
            + "\n");
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    try (URLClassLoader application =
        new URLClassLoader(
            new URL[] {libraries.toUri().toURL()}, ReplicaClients.class.getClassLoader())) {
      Thread.currentThread().setContextClassLoader(application);
      assertEquals(Set.of("file", "nowhere"), ReplicaClients.schemes());
      ReplicaClients.open(ReplicaUrl.parse("file:///no/such/place"), NOTHING).close();
      String message = message("broken://bucket/db");
      assertTrue(message.contains("\"broken\" is unknown"), message);
      assertTrue(message.contains("2 storage providers cannot be loaded"), message);
      assertTrue(message.contains("no.such.Provider"), message);
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  /** Lacks a class that it needs. */
  public static final class BrokenProvider implements ReplicaClientProvider {
    @Override
    public Set<String> schemes() {
      throw new NoClassDefFoundError("a/missing/Type");
    }

    @Override
    public ReplicaClient open(ReplicaUrl url, Environment environment) {
      throw new UnsupportedOperationException();
    }
  }

  /** Serves a scheme that exists only in this test. */
  public static final class NowhereProvider implements ReplicaClientProvider {
    @Override
    public Set<String> schemes() {
      return Set.of("nowhere");
    }

    @Override
    public ReplicaClient open(ReplicaUrl url, Environment environment) {
      throw new UnsupportedOperationException();
    }
  }

  private static String message(String url) {
    return String.valueOf(
        assertThrows(
                IllegalArgumentException.class,
                () -> ReplicaClients.open(ReplicaUrl.parse(url), NOTHING))
            .getMessage());
  }
}
