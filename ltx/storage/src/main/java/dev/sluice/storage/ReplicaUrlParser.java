package dev.sluice.storage;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes a replica URL apart. Its messages quote only what cannot be a secret. Confined to one
 * thread at a time.
 */
final class ReplicaUrlParser {
  private static final Pattern SCHEME =
      Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):(.*)", Pattern.DOTALL);
  private static final Pattern ENCODED_SCHEME =
      Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*%3[Aa].*", Pattern.DOTALL);
  private static final Pattern CAMEL_HUMP = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])");
  private static final Pattern QUERY_KEY = Pattern.compile("[A-Za-z][A-Za-z0-9-]*");
  private static final String ACCESS_POINT = ":accesspoint/";
  private static final int PORT_MAX = 65_535;

  private final String text;

  ReplicaUrlParser(String text) {
    this.text = text;
  }

  ReplicaUrl parse() {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("the replica URL is empty");
    }
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("the replica URL has a NUL character");
    }
    Matcher url = SCHEME.matcher(text);
    if (!url.matches()) {
      return parseBarePath();
    }
    String scheme = url.group(1).toLowerCase(Locale.ROOT);
    String rest = url.group(2);
    if (rest.indexOf('#') >= 0) {
      throw wrong(scheme, "a '#' in the path or the query is written %23");
    }
    int question = rest.indexOf('?');
    String place = question < 0 ? rest : rest.substring(0, question);
    Map<String, String> query =
        parseQuery(scheme, question < 0 ? "" : rest.substring(question + 1));
    if (scheme.equals(ReplicaUrl.FILE)) {
      return parseFile(place, query);
    }
    if (!place.startsWith("//")) {
      throw wrong(
          scheme,
          "expected \"" + scheme + "://\" (a path of that name is written ./" + scheme + ":...)");
    }
    String authorityAndPath = place.substring(2);
    if (authorityAndPath.toLowerCase(Locale.ROOT).startsWith("arn:")) {
      return parseAccessPoint(scheme, authorityAndPath, query);
    }
    return parseHost(scheme, authorityAndPath, query);
  }

  private ReplicaUrl parseBarePath() {
    if (ENCODED_SCHEME.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "the replica URL is percent-encoded as a whole; that is needed only inside an SQLite URI");
    }
    return ReplicaUrl.ofDirectory(text);
  }

  private static ReplicaUrl parseFile(String place, Map<String, String> query) {
    String path = place;
    if (place.startsWith("//")) {
      int slash = place.indexOf('/', 2);
      String host = slash < 0 ? place.substring(2) : place.substring(2, slash);
      if (!host.isEmpty() && !host.equalsIgnoreCase("localhost")) {
        throw wrong(
            ReplicaUrl.FILE, "it has no host: write file:relative/path or file:///absolute/path");
      }
      path = slash < 0 ? "" : place.substring(slash);
    }
    if (path.isEmpty()) {
      throw wrong(ReplicaUrl.FILE, "the path is missing");
    }
    return new ReplicaUrl(
        ReplicaUrl.FILE, Optional.empty(), "", OptionalInt.empty(), filePath(path), query);
  }

  /** Returns the directory that is there: of the decoded path, or else of the path as written. */
  private static String filePath(String written) {
    String literal = cleanFilePath(written);
    if (written.indexOf('%') < 0) {
      return literal;
    }
    try {
      String decoded = cleanFilePath(percentDecode(written, "the path"));
      return !isDirectory(decoded) && isDirectory(literal) ? literal : decoded;
    } catch (IllegalArgumentException e) {
      if (isDirectory(literal)) {
        return literal;
      }
      throw e;
    }
  }

  private static boolean isDirectory(String path) {
    try {
      return Files.isDirectory(Path.of(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /**
   * An access point's ARN holds colons and one slash, so it is cut off at the slash after its name.
   */
  private static ReplicaUrl parseAccessPoint(
      String scheme, String arnAndPath, Map<String, String> query) {
    int marker = arnAndPath.toLowerCase(Locale.ROOT).indexOf(ACCESS_POINT);
    int nameStart = marker + ACCESS_POINT.length();
    int slash = marker < 0 ? -1 : arnAndPath.indexOf('/', nameStart);
    int end = slash < 0 ? arnAndPath.length() : slash;
    if (marker < 0 || end <= nameStart) {
      throw wrong(scheme, "an ARN looks like arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME");
    }
    String path = cleanKey(scheme, arnAndPath.substring(end));
    return new ReplicaUrl(
        scheme, Optional.empty(), arnAndPath.substring(0, end), OptionalInt.empty(), path, query);
  }

  private static ReplicaUrl parseHost(
      String scheme, String authorityAndPath, Map<String, String> query) {
    int slash = authorityAndPath.indexOf('/');
    String authority = slash < 0 ? authorityAndPath : authorityAndPath.substring(0, slash);
    String rawPath = slash < 0 ? "" : authorityAndPath.substring(slash);
    int at = authority.lastIndexOf('@');
    Optional<String> userInfo = at < 0 ? Optional.empty() : Optional.of(authority.substring(0, at));
    userInfo.ifPresent(both -> percentDecode(both, "the user or the password"));
    String hostAndPort = authority.substring(at + 1);
    int colon =
        hostAndPort.startsWith("[") ? hostAndPort.indexOf("]:") + 1 : hostAndPort.lastIndexOf(':');
    boolean hasPort = colon > 0 || hostAndPort.startsWith(":");
    String host = hasPort ? hostAndPort.substring(0, colon) : hostAndPort;
    if (host.isEmpty()) {
      throw wrong(scheme, "the bucket or host is missing");
    }
    OptionalInt port =
        hasPort ? parsePort(scheme, hostAndPort.substring(colon + 1)) : OptionalInt.empty();
    return new ReplicaUrl(
        scheme, userInfo, percentDecode(host, "the host"), port, cleanKey(scheme, rawPath), query);
  }

  /** The text is not quoted: a password with a raw slash in it ends up here. */
  private static OptionalInt parsePort(String scheme, String digits) {
    boolean isNumber =
        !digits.isEmpty()
            && digits.length() <= 5
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    int port = isNumber ? Integer.parseInt(digits) : -1;
    if (port < 1 || port > PORT_MAX) {
      throw wrong(
          scheme,
          "the port is not a number from 1 to "
              + PORT_MAX
              + " (in a password, '/' is written %2F)");
    }
    return OptionalInt.of(port);
  }

  private static Map<String, String> parseQuery(String scheme, String query) {
    Map<String, String> values = new TreeMap<>();
    for (String pair : query.split("&", -1)) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      String rawKey = equals < 0 ? pair : pair.substring(0, equals);
      String rawValue = equals < 0 ? "" : pair.substring(equals + 1);
      String key = percentDecode(rawKey, "a query key");
      if (!QUERY_KEY.matcher(key).matches()) {
        throw wrong(
            scheme,
            "a query key is not a word of letters, digits and hyphens (in a value, '&' is written %26)");
      }
      String kebab = kebab(key);
      String value = percentDecode(rawValue.replace('+', ' '), "the value of " + kebab);
      String other = values.putIfAbsent(kebab, value);
      if (other != null && !other.equals(value)) {
        throw wrong(scheme, "the query gives " + kebab + " twice, with different values");
      }
    }
    return values;
  }

  /**
   * Returns the key with each upper-case letter that begins a word after a hyphen, in lower case.
   */
  static String kebab(String key) {
    return CAMEL_HUMP.matcher(key).replaceAll("-").toLowerCase(Locale.ROOT);
  }

  /** Returns a key prefix without empty or {@code .} segments. */
  private static String cleanKey(String scheme, String rawPath) {
    Deque<String> segments = new ArrayDeque<>();
    for (String segment : percentDecode(rawPath, "the path").split("/", -1)) {
      if (segment.equals("..")) {
        throw wrong(scheme, "\"..\" in an object key means nothing");
      }
      if (!segment.isEmpty() && !segment.equals(".")) {
        segments.add(segment);
      }
    }
    return String.join("/", segments);
  }

  /**
   * Returns a path of this file system with {@code .}, {@code ..} and doubled slashes resolved by
   * their text.
   */
  static String cleanFilePath(String path) {
    if (path.isEmpty() || path.indexOf('\0') >= 0) {
      throw wrong(
          ReplicaUrl.FILE, path.isEmpty() ? "the path is missing" : "the path has a NUL character");
    }
    boolean isAbsolute = path.startsWith("/");
    Deque<String> segments = new ArrayDeque<>();
    for (String segment : path.split("/", -1)) {
      boolean canGoUp = !segments.isEmpty() && !segments.getLast().equals("..");
      boolean isNothing =
          segment.isEmpty()
              || segment.equals(".")
              || (segment.equals("..") && isAbsolute && segments.isEmpty());
      if (segment.equals("..") && canGoUp) {
        segments.removeLast();
      } else if (!isNothing) {
        segments.add(segment);
      }
    }
    String joined = (isAbsolute ? "/" : "") + String.join("/", segments);
    return joined.isEmpty() ? "." : joined;
  }

  /**
   * Control characters have no place in a name, and in a message or a request they do harm.
   *
   * @param what the part that {@code text} is, for the message, which does not quote it
   */
  static void refuseControlCharacters(String scheme, String what, String text) {
    if (text.chars().anyMatch(Character::isISOControl)) {
      throw wrong(scheme, what + " has a control character");
    }
  }

  static String percentDecode(String text, String what) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    int i = 0;
    while (i < text.length()) {
      int next = text.indexOf('%', i);
      int literalEnd = next < 0 ? text.length() : next;
      bytes.writeBytes(text.substring(i, literalEnd).getBytes(StandardCharsets.UTF_8));
      i = literalEnd;
      if (i < text.length()) {
        bytes.write(hexByte(text, i + 1, what));
        i += 3;
      }
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          "replica URL: " + what + " is not UTF-8 after percent-decoding", e);
    }
  }

  private static int hexByte(String text, int at, String what) {
    int high = at + 1 < text.length() ? Character.digit(text.charAt(at), 16) : -1;
    int low = at + 1 < text.length() ? Character.digit(text.charAt(at + 1), 16) : -1;
    if (high < 0 || low < 0) {
      throw new IllegalArgumentException(
          "replica URL: a '%' in "
              + what
              + " is not followed by two hex digits (a literal '%' is written %25)");
    }
    return high << 4 | low;
  }

  private static IllegalArgumentException wrong(String scheme, String what) {
    return new IllegalArgumentException("replica URL " + scheme + ":...: " + what);
  }
}
