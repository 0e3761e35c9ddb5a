package dev.sluice.replicator.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;

/**
 * The JSON of the control socket: members in snake case, unknown ones passed over, those that are
 * missing empty. Thread-safe.
 */
public final class ControlJson {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(
                  JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL))
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private static final ObjectWriter INDENTED =
      MAPPER.writer(
          new DefaultPrettyPrinter().withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE));

  /** A text that is no message. */
  public static final class MalformedException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedException(String why) {
      super(why);
    }
  }

  private ControlJson() {}

  /**
   * Returns the message that {@code text} is.
   *
   * @throws MalformedException if it is none
   */
  public static <T> T read(String text, Class<T> type) throws MalformedException {
    T message;
    try {
      message = MAPPER.readValue(text, type);
    } catch (JsonProcessingException e) {
      throw new MalformedException(e.getOriginalMessage().lines().findFirst().orElse("no JSON"));
    }
    if (message == null) {
      throw new MalformedException("null is no message");
    }
    return message;
  }

  /** Returns a message on one line. */
  public static String write(Object message) {
    return write(MAPPER.writer(), message);
  }

  /** Returns a message as a person reads it, in lines. */
  public static String writeIndented(Object message) {
    return write(INDENTED, message);
  }

  private static String write(ObjectWriter writer, Object message) {
    try {
      return writer.writeValueAsString(message);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
