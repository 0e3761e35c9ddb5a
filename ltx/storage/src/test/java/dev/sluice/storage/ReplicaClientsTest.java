package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReplicaClientsTest {
  private static final Environment NOTHING = name -> Optional.empty();

  @Test
  void directoriesAreBuiltIn() {
    assertEquals(Set.of("file"), ReplicaClients.schemes());
    try (ReplicaClient client = ReplicaClients.open(ReplicaUrl.parse("file:///no/such/place"), NOTHING)) {
      assertEquals("file:///no/such/place", client.location());
    }
  }

  @Test
  void anUnknownSchemeSaysWhatIsKnownAndWhatToAdd() {
    assertEquals(
        "replica URL scheme \"s3\" is unknown (known: file); add dev.sluice:sluice-storage-s3 to the class path",
        message("s3://bucket/db"));
    assertEquals("replica URL scheme \"gopher\" is unknown (known: file)", message("gopher://bucket/db"));
  }

  @Test
  void directoriesTakeNoQuery() {
    String message = message("file:///abs?forcePathStyle=secret");
    assertTrue(message.contains("force-path-style"), message);
    assertTrue(!message.contains("secret"), message);
  }

  @Test
  void aThreadWithoutAContextClassLoaderFindsProvidersToo() {
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
    try {
      assertEquals(Set.of("file"), ReplicaClients.schemes());
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  private static String message(String url) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> ReplicaClients.open(ReplicaUrl.parse(url), NOTHING))
            .getMessage());
  }
}
