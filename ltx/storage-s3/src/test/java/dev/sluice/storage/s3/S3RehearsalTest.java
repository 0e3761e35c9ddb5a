package dev.sluice.storage.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.storage.ReplicaUrl;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class S3RehearsalTest {
  @Test
  void everyWriteIsAnsweredThoughThereIsNoServer() throws Exception {
    assertEquals(3, rehearse("s3://bucket/app?endpoint=http://127.0.0.1:1"));
  }

  @Test
  void settingsOfAnyKindAreRehearsed() throws Exception {
    assertEquals(3, rehearse("s3://bucket/app"));
    assertEquals(3, rehearse("s3://bucket/app?region=eu-west-1&storage-class=STANDARD_IA"));
    assertEquals(3, rehearse("s3://bucket/app?endpoint=https://fly.storage.tigris.dev"));
    assertEquals(3, rehearse("s3://bucket/app?region=eu-west-1&sse-kms-key-id=key"));
  }

  private static int rehearse(String url) throws Exception {
    S3Settings settings = S3Settings.of(ReplicaUrl.parse(url), name -> Optional.empty());
    return S3Rehearsal.run(new S3Objects(settings), 3);
  }
}
