package dev.sluice.replicator.control;

/**
 * An answer. Immutable.
 *
 * @param status the HTTP status
 * @param contentType of the body
 * @param body sent as UTF-8
 */
public record HttpReply(int status, String contentType, String body) {
  public static final int OK = 200;
  public static final int BAD_REQUEST = 400;
  public static final int NOT_FOUND = 404;
  public static final int METHOD_NOT_ALLOWED = 405;
  public static final int CONFLICT = 409;
  public static final int TOO_LARGE = 413;
  public static final int FAILED = 500;
  public static final int UNAVAILABLE = 503;

  private static final String JSON = "application/json";
  private static final String TEXT = "text/plain; charset=utf-8";

  /** Returns an answer in JSON. */
  public static HttpReply json(int status, Object message) {
    return new HttpReply(status, JSON, ControlJson.write(message) + "\n");
  }

  /** Returns an error as the control socket writes it. */
  public static HttpReply error(int status, String message) {
    return json(status, new ControlMessages.Failed(message));
  }

  /** Returns an answer in lines. */
  public static HttpReply text(int status, String lines) {
    return new HttpReply(status, TEXT, lines);
  }
}
