package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import dev.sluice.replicator.config.LoggingSettings;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

final class ConfigLogTest {
  private static final String TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z";

  private static String logged(LoggingSettings settings, Consumer<Logger> work) {
    return logged(settings, "dev.sluice.x.Thing", work);
  }

  private static String logged(LoggingSettings settings, String name, Consumer<Logger> work) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    LoggerContext context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    LogSetup.apply(context, settings, out);
    work.accept(context.getLogger(name));
    context
        .getStatusManager()
        .getCopyOfStatusList()
        .forEach(x -> System.out.println("ERROR " + x + x.getThrowable()));
    context.stop();
    return out.toString(StandardCharsets.UTF_8);
  }

  private static LoggingSettings settings(
      LoggingSettings.Level level, LoggingSettings.Type type, boolean showsSource) {
    return new LoggingSettings(level, type, true, showsSource);
  }

  @Test
  void textIsNamesAndValues() {
    String line =
        logged(
            settings(LoggingSettings.Level.INFO, LoggingSettings.Type.TEXT, false),
            log -> log.atInfo().addKeyValue("db", "/a b.db").log("synced {}", 7));
    assertTrue(
        line.matches("time=" + TIME + " level=INFO msg=\"synced 7\" logger=Thing db=\"/a b.db\"\n"),
        line);
  }

  @Test
  void jsonIsOneObjectALine() {
    String line =
        logged(
            settings(LoggingSettings.Level.INFO, LoggingSettings.Type.JSON, true),
            log -> log.error("it \"failed\"\nbadly", new IllegalStateException("why")));
    assertTrue(
        line.matches(
            "\\{\"time\":\""
                + TIME
                + "\",\"level\":\"ERROR\",\"msg\":\"it \\\\\"failed\\\\\"\\\\nbadly\",\"logger\":\"Thing\","
                + "\"source\":\"ConfigLogTest.java:\\d+\",\"error\":\"java.lang.IllegalStateException: why.*\"}\n"),
        line);
    assertEquals(1, line.lines().count());
  }

  @Test
  void prettyIsOneLineForAPerson() {
    String line =
        logged(
            settings(LoggingSettings.Level.INFO, LoggingSettings.Type.PRETTY, false),
            log -> log.warn("slow\nstorage"));
    assertTrue(
        line.matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{3} WARN  slow storage logger=Thing\n"), line);
  }

  @Test
  void levelIsThatOfTheSettings() {
    Consumer<Logger> all =
        log -> {
          log.trace("t");
          log.debug("d");
          log.info("i");
          log.warn("w");
          log.error("e");
        };
    int louder = 0;
    for (LoggingSettings.Level level : LoggingSettings.Level.values()) {
      long lines = logged(settings(level, LoggingSettings.Type.TEXT, false), all).lines().count();
      assertEquals(5 - louder, lines, level::toString);
      louder++;
    }
  }

  /** Their DEBUG would show signed requests. */
  @Test
  void othersAreNotHeardBelowAnError() {
    LoggingSettings trace = settings(LoggingSettings.Level.TRACE, LoggingSettings.Type.TEXT, false);
    assertEquals("", logged(trace, "software.amazon.awssdk.request", log -> log.warn("signed")));
    assertEquals("", logged(trace, "io.netty.channel", log -> log.warn("called off")));
    assertEquals("", logged(trace, "org.other", log -> log.info("chat")));
  }
}
