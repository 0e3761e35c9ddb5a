package dev.sluice.storage.s3;

import dev.sluice.storage.text.NearestWord;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The query of an {@code s3:} URL: its keys are known, its values read by type. Messages quote only
 * numbers. Immutable.
 */
record S3Query(Map<String, String> values) {
  static final String ENDPOINT = "endpoint";
  static final String REGION = "region";
  static final String FORCE_PATH_STYLE = "force-path-style";
  static final String SKIP_VERIFY = "skip-verify";
  static final String SIGN_PAYLOAD = "sign-payload";
  static final String REQUIRE_CONTENT_MD5 = "require-content-md5";
  static final String STORAGE_CLASS = "storage-class";
  static final String PART_SIZE = "part-size";
  static final String CONCURRENCY = "concurrency";
  static final String SSE_CUSTOMER_ALGORITHM = "sse-customer-algorithm";
  static final String SSE_CUSTOMER_KEY = "sse-customer-key";
  static final String SSE_CUSTOMER_KEY_MD5 = "sse-customer-key-md5";
  static final String SSE_KMS_KEY_ID = "sse-kms-key-id";

  private static final List<String> KEYS =
      List.of(
          ENDPOINT,
          REGION,
          FORCE_PATH_STYLE,
          SKIP_VERIFY,
          SIGN_PAYLOAD,
          REQUIRE_CONTENT_MD5,
          STORAGE_CLASS,
          PART_SIZE,
          CONCURRENCY,
          SSE_CUSTOMER_ALGORITHM,
          SSE_CUSTOMER_KEY,
          SSE_CUSTOMER_KEY_MD5,
          SSE_KMS_KEY_ID);

  /** Refuses keys that nobody knows, with the nearest one that is known. */
  S3Query {
    values = Map.copyOf(values);
    for (String key : values.keySet()) {
      if (!KEYS.contains(key)) {
        throw new IllegalArgumentException("s3: unknown query key " + key + suggestion(key));
      }
    }
  }

  private static String suggestion(String key) {
    return NearestWord.of(key, KEYS)
        .map(known -> " (did you mean " + known + "?)")
        .orElse(" (known: " + String.join(", ", KEYS) + ")");
  }

  /**
   * Returns a value that is there and not empty: an empty one counts as not given, as for
   * Litestream.
   */
  Optional<String> text(String key) {
    return Optional.ofNullable(values.get(key)).filter(value -> !value.isEmpty());
  }

  Optional<Boolean> flag(String key) {
    return text(key)
        .map(
            value ->
                switch (value.toLowerCase(Locale.ROOT)) {
                  case "true", "1", "t", "yes" -> true;
                  case "false", "0", "f", "no" -> false;
                  default ->
                      throw new IllegalArgumentException(
                          "s3: " + key + " is neither true nor false");
                });
  }

  Optional<Long> number(String key, long least, long most) {
    return text(key)
        .map(
            value -> {
              long number = parse(key, value);
              if (number < least || number > most) {
                throw new IllegalArgumentException(
                    "s3: " + key + "=" + number + " is not in " + least + ".." + most);
              }
              return number;
            });
  }

  private static long parse(String key, String value) {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("s3: " + key + " is not a whole number", e);
    }
  }

  /** Returns the keys only: values may be secrets. */
  @Override
  public String toString() {
    return "S3Query" + values.keySet();
  }
}
