package dev.sluice.replicator.config;

import dev.sluice.storage.Environment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads {@code litestream.yml} as Litestream 0.5 knows it; docs/configuration.md has every key.
 * What Litestream passes over in silence, a key that nobody knows or a value that means nothing, is
 * an error here that names its line.
 */
public final class ConfigurationFile {
  /** Where the file is unless somebody says otherwise. */
  public static final String DEFAULT = "/etc/litestream.yml";

  private static final String DEFAULT_VARIABLE = "LITESTREAM_CONFIG";
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final long BYTES_MAX = 16L << 20;

  private ConfigurationFile() {}

  /** What becomes of a {@code $} in the file. */
  public enum Variables {
    /** {@code $NAME} and {@code ${NAME}} are the variable's value, nothing if it is not set. */
    EXPANDED,
    /** It is a {@code $}. */
    LITERAL
  }

  /** Returns where the file is if no option says so: {@code LITESTREAM_CONFIG}, or the default. */
  public static String defaultName(Environment environment) {
    return environment.get(DEFAULT_VARIABLE).filter(name -> !name.isEmpty()).orElse(DEFAULT);
  }

  /**
   * Returns what a file says.
   *
   * @param name its path, as the user wrote it; {@code ~} is the home directory
   * @throws ConfigException if it cannot be read or used
   */
  public static Configuration read(String name, Variables variables, Surroundings surroundings)
      throws ConfigException {
    Origin file = new Origin(name, 0);
    byte[] bytes;
    try {
      Path path =
          new Reading(ConfigText.literal(name, ""), surroundings).path(new Setting<>(name, 0));
      if (Files.isRegularFile(path) && Files.size(path) > BYTES_MAX) {
        throw new ConfigException(file, "is larger than 16MiB");
      }
      bytes = Files.readAllBytes(path);
    } catch (NoSuchFileException e) {
      throw new ConfigException(file, "no such file", e);
    } catch (AccessDeniedException e) {
      throw new ConfigException(file, "permission denied", e);
    } catch (ConfigException e) {
      throw e;
    } catch (IOException | InvalidPathException e) {
      throw new ConfigException(file, "cannot be read: " + e.getMessage(), e);
    }
    return parse(name, text(name, bytes), variables, surroundings);
  }

  private static String text(String name, byte[] bytes) throws ConfigException {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
    String text = out.flip().toString();
    if (result.isError()) {
      int line = 1 + (int) text.chars().filter(c -> c == '\n').count();
      throw new ConfigException(new Origin(name, line), "is not UTF-8");
    }
    return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
  }

  /**
   * Returns what a text says.
   *
   * @param name what messages call it
   * @throws ConfigException if it cannot be used; it has a line
   */
  public static Configuration parse(
      String name, String text, Variables variables, Surroundings surroundings)
      throws ConfigException {
    ConfigText expanded =
        variables == Variables.EXPANDED
            ? ConfigText.expand(name, text, surroundings)
            : ConfigText.literal(name, text);
    return TopReader.read(new Reading(expanded, surroundings));
  }
}
