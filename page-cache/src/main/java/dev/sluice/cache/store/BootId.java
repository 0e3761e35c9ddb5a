package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * Which run of the operating system this is: what a killed process wrote is all there in the same
 * one, and may be there in any order in another.
 */
final class BootId {
  private static final Path LINUX = Path.of("/proc/sys/kernel/random/boot_id");

  private BootId() {}

  private static final Optional<UUID> NOW = read();

  /** Returns it; empty where it cannot be told, and then every run is another. */
  static Optional<UUID> now() {
    return NOW;
  }

  private static Optional<UUID> read() {
    try {
      return Optional.of(UUID.fromString(Files.readString(LINUX).strip()));
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
