package dev.sluice.testkit;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * The first line and the headers of one HTTP/1.1 message, with the very bytes that were read.
 * Immutable.
 *
 * @param text everything up to and with the empty line, as ISO 8859-1
 */
record HttpHead(String text) {
  private static final int BYTES_MAX = 1 << 16;

  /** Reads up to and with the empty line; empty if the stream ends before the first byte. */
  static Optional<HttpHead> read(InputStream in) throws IOException {
    StringBuilder text = new StringBuilder();
    while (!endsHead(text)) {
      int b = in.read();
      if (b < 0) {
        if (text.isEmpty()) {
          return Optional.empty();
        }
        throw new EOFException("stream ended within a head: " + text);
      }
      if (text.length() == BYTES_MAX) {
        throw new IOException("head of more than " + BYTES_MAX + " bytes");
      }
      text.append((char) b);
    }
    return Optional.of(new HttpHead(text.toString()));
  }

  private static boolean endsHead(StringBuilder text) {
    int n = text.length();
    return n >= 4
        && text.charAt(n - 1) == '\n'
        && text.charAt(n - 2) == '\r'
        && text.charAt(n - 3) == '\n';
  }

  byte[] bytes() {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Returns the n-th word of the first line, from 0. */
  String word(int n) {
    return text.substring(0, text.indexOf('\r')).split(" ", 3)[n];
  }

  /** Returns a header's value; names are compared without case. */
  Optional<String> header(String name) {
    String wanted = "\r\n" + name.toLowerCase(Locale.ROOT) + ":";
    int at = text.toLowerCase(Locale.ROOT).indexOf(wanted);
    if (at < 0) {
      return Optional.empty();
    }
    int from = at + wanted.length();
    return Optional.of(text.substring(from, text.indexOf("\r\n", from)).trim());
  }

  boolean isChunked() {
    return header("Transfer-Encoding")
        .map(v -> v.toLowerCase(Locale.ROOT).contains("chunked"))
        .orElse(false);
  }

  /** Returns the bytes that Content-Length promises, or empty if there is none. */
  Optional<Long> contentLength() {
    return header("Content-Length").map(Long::parseLong);
  }

  boolean hasToken(String name, String token) {
    return header(name).map(v -> v.equalsIgnoreCase(token)).orElse(false);
  }
}
