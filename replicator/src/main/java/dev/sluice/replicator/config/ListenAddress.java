package dev.sluice.replicator.config;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a server listens. Immutable.
 *
 * @param host a name or address, IPv6 without brackets; empty for every interface
 * @param port 0 for any that is free
 */
public record ListenAddress(Optional<String> host, int port) {
  private static final Pattern TEXT =
      Pattern.compile("(\\[[0-9A-Fa-f:.%a-z]+]|[^:\\s\\[\\]/]*):(\\d{1,5})");
  private static final int PORT_MAX = 65_535;

  /**
   * Returns the address that a user wrote.
   *
   * @throws IllegalArgumentException if it is not one; the message quotes it
   */
  public static ListenAddress parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches() || Integer.parseInt(matcher.group(2)) > PORT_MAX) {
      throw new IllegalArgumentException(
          "not an address (as :9090 or 127.0.0.1:9090): \"" + text + "\"");
    }
    String host = matcher.group(1).replaceAll("^\\[|]$", "");
    return new ListenAddress(
        Optional.of(host).filter(h -> !h.isEmpty()), Integer.parseInt(matcher.group(2)));
  }

  /** Returns what {@link #parse} takes back. */
  @Override
  public String toString() {
    String name = host.map(h -> h.contains(":") ? "[" + h + "]" : h).orElse("");
    return name + ":" + port;
  }
}
