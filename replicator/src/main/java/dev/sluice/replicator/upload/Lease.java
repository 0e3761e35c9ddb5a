package dev.sluice.replicator.upload;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Who may write to a replica, and until when: the content of {@code lock.json}, in the form that
 * Litestream gives it. Immutable.
 *
 * <pre>
 *   {"generation":7,"expires_at":"2026-11-01T10:00:30.123Z","owner":"host:4711"}
 * </pre>
 *
 * @param generation one more for each holder: a greater one has fenced off all before
 * @param owner for people; empty if unknown
 */
public record Lease(long generation, Instant expiresAt, String owner) {
  private static final Pattern GENERATION = Pattern.compile("\"generation\"\\s*:\\s*(\\d{1,18})");
  private static final Pattern EXPIRES = Pattern.compile("\"expires_at\"\\s*:\\s*\"([^\"]*)\"");
  private static final Pattern OWNER =
      Pattern.compile("\"owner\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");

  /** What a holder's name may consist of, so that it needs no escapes. */
  private static final Pattern PLAIN = Pattern.compile("[\\x20-\\x7e&&[^\"\\\\]]*");

  public Lease {
    if (!PLAIN.matcher(owner).matches()) {
      throw new IllegalArgumentException("owner of a lease: " + owner);
    }
  }

  boolean isExpired(Instant now) {
    return now.isAfter(expiresAt);
  }

  byte[] encode() {
    String ownerField = owner.isEmpty() ? "" : ",\"owner\":\"" + owner + "\"";
    return ("{\"generation\":"
            + generation
            + ",\"expires_at\":\""
            + expiresAt
            + "\""
            + ownerField
            + "}")
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Returns what the object says; empty if it is no lease. */
  static Optional<Lease> decode(byte[] content) {
    String text = new String(content, StandardCharsets.UTF_8);
    Matcher generation = GENERATION.matcher(text);
    Matcher expires = EXPIRES.matcher(text);
    Matcher owner = OWNER.matcher(text);
    if (!generation.find() || !expires.find()) {
      return Optional.empty();
    }
    try {
      Instant expiresAt = OffsetDateTime.parse(expires.group(1)).toInstant();
      String name = owner.find() ? owner.group(1) : "";
      return Optional.of(
          new Lease(
              Long.parseLong(generation.group(1)),
              expiresAt,
              PLAIN.matcher(name).matches() ? name : ""));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
