package dev.sluice.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import dev.sluice.replicator.config.LoggingSettings;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * Makes the log of this process what the configuration says. Until then, and for the commands that
 * have none, it is what logback.xml says: what a person must know, on standard error.
 */
final class LogSetup {
  /** Of these DEBUG would show signed requests, and WARN each one that is called off. */
  private static final List<String> OTHERS = List.of("software.amazon.awssdk", "io.netty");

  private LogSetup() {}

  /** Sets up the log of this process, if it is written by Logback. */
  static void apply(LoggingSettings settings) {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      FileDescriptor stream = settings.toStderr() ? FileDescriptor.err : FileDescriptor.out;
      apply(context, settings, new Unclosed(stream));
    }
  }

  /** One of the process's streams, which others write to as well. */
  private static final class Unclosed extends FileOutputStream {
    Unclosed(FileDescriptor stream) {
      super(stream);
    }

    @Override
    public void close() {
      // It stays.
    }
  }

  /** Sets up a log that goes to {@code out}. */
  static void apply(LoggerContext context, LoggingSettings settings, OutputStream out) {
    context.reset();
    Layout<ILoggingEvent> layout = new LogLayout(settings);
    layout.setContext(context);
    layout.start();
    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.setLayout(layout);
    encoder.start();
    OutputStreamAppender<ILoggingEvent> appender = new OutputStreamAppender<>();
    appender.setContext(context);
    appender.setEncoder(encoder);
    appender.setOutputStream(out);
    appender.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    root.setLevel(Level.WARN);
    context.getLogger("dev.sluice").setLevel(Level.toLevel(settings.level().name()));
    OTHERS.forEach(name -> context.getLogger(name).setLevel(Level.ERROR));
  }
}
