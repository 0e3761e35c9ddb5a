package dev.sluice.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.LayoutBase;
import dev.sluice.replicator.config.LoggingSettings;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.event.KeyValuePair;

/**
 * Writes one event as one line, its members named as in Litestream's log: {@code time}, {@code
 * level}, {@code msg}, and what the event itself adds. As text they are {@code name=value}, quoted
 * where there is space in them; as JSON an object; as pretty text for a person. Thread-safe.
 */
final class LogLayout extends LayoutBase<ILoggingEvent> {
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");
  private final LoggingSettings settings;

  LogLayout(LoggingSettings settings) {
    this.settings = settings;
  }

  @Override
  public String doLayout(ILoggingEvent event) {
    return switch (settings.type()) {
      case JSON -> json(event) + "\n";
      case TEXT -> text(members(event)) + "\n";
      case PRETTY -> pretty(event) + "\n";
    };
  }

  private static Json json(Map<String, String> members) {
    Json json = new Json();
    members.forEach(json::put);
    return json;
  }

  private Json json(ILoggingEvent event) {
    return json(members(event));
  }

  private Map<String, String> members(ILoggingEvent event) {
    Map<String, String> members = new LinkedHashMap<>();
    members.put("time", Instant.ofEpochMilli(event.getTimeStamp()).toString());
    members.put("level", event.getLevel().toString());
    members.put("msg", event.getFormattedMessage());
    members.putAll(others(event));
    return members;
  }

  /** Returns what is said beside the message. */
  private Map<String, String> others(ILoggingEvent event) {
    Map<String, String> others = new LinkedHashMap<>();
    others.put("logger", simpleName(event.getLoggerName()));
    if (event.getKeyValuePairs() != null) {
      for (KeyValuePair pair : event.getKeyValuePairs()) {
        others.put(pair.key, String.valueOf(pair.value));
      }
    }
    StackTraceElement[] caller =
        settings.showsSource() ? event.getCallerData() : new StackTraceElement[0];
    if (caller.length > 0) {
      others.put("source", caller[0].getFileName() + ":" + caller[0].getLineNumber());
    }
    IThrowableProxy thrown = event.getThrowableProxy();
    if (thrown != null) {
      others.put("error", ThrowableProxyUtil.asString(thrown).strip());
    }
    return others;
  }

  private static String simpleName(String logger) {
    return logger.substring(logger.lastIndexOf('.') + 1);
  }

  private static String text(Map<String, String> members) {
    StringBuilder line = new StringBuilder();
    members.forEach(
        (name, value) ->
            line.append(line.isEmpty() ? "" : " ").append(name).append('=').append(quoted(value)));
    return line.toString();
  }

  /** Returns a value with its quotes, if it would not be read back without them. */
  private static String quoted(String value) {
    boolean isWord =
        !value.isEmpty()
            && value.chars().noneMatch(c -> c <= ' ' || c == '"' || c == '=' || c == 0x7f);
    return isWord ? value : Json.quote(value);
  }

  private String pretty(ILoggingEvent event) {
    String clock =
        CLOCK.format(Instant.ofEpochMilli(event.getTimeStamp()).atZone(ZoneId.systemDefault()));
    Map<String, String> others = others(event);
    return "%s %-5s %s %s"
        .formatted(clock, event.getLevel(), event.getFormattedMessage(), text(others))
        .replaceAll("\\R", " ");
  }
}
