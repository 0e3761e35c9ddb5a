package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import dev.sluice.testkit.S3Server;
import java.util.Map;
import java.util.Optional;

/** Environments for tests. */
final class S3TestEnvironment {
  private S3TestEnvironment() {}

  static Environment withCredentials() {
    return of(
        Map.of(
            "AWS_ACCESS_KEY_ID",
            S3Server.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY",
            S3Server.SECRET_ACCESS_KEY));
  }

  static Environment of(Map<String, String> variables) {
    return name -> Optional.ofNullable(variables.get(name));
  }
}
