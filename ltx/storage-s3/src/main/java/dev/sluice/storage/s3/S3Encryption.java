package dev.sluice.storage.s3;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Optional;

/** How the server encrypts objects at rest, beyond what it does by itself. Immutable. */
sealed interface S3Encryption {

  /** Nothing is asked for. */
  record None() implements S3Encryption {}

  /** With a key of AWS KMS, named when writing. */
  record Kms(String keyId) implements S3Encryption {}

  /**
   * With a key that comes with each request, reads included. All three are header values.
   *
   * @param key the 32 bytes of the key in base64; a secret
   * @param keyMd5 the MD5 of those bytes in base64
   */
  record CustomerKey(String algorithm, String key, String keyMd5) implements S3Encryption {
    static final String AES_256 = "AES256";
    private static final int KEY_BYTES = 32;

    /** Returns a checked key. */
    static CustomerKey of(Optional<String> algorithm, String key, Optional<String> keyMd5) {
      if (!algorithm.orElse(AES_256).equals(AES_256)) {
        throw new IllegalArgumentException("s3: sse-customer-algorithm is not " + AES_256);
      }
      byte[] bytes = decode(key);
      if (bytes.length != KEY_BYTES) {
        throw new IllegalArgumentException(
            "s3: sse-customer-key is " + bytes.length + " bytes, not " + KEY_BYTES + " in base64");
      }
      return new CustomerKey(AES_256, key, keyMd5.orElseGet(() -> md5(bytes)));
    }

    private static byte[] decode(String key) {
      try {
        return Base64.getDecoder().decode(key);
      } catch (IllegalArgumentException e) {
        // Without its cause, which quotes a character of the key.
        throw new IllegalArgumentException(
            "s3: sse-customer-key is not base64 (in a URL, '+' is percent-encoded)");
      }
    }

    private static String md5(byte[] bytes) {
      try {
        return Base64.getEncoder().encodeToString(MessageDigest.getInstance("MD5").digest(bytes));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Returns nothing of the key. */
    @Override
    public String toString() {
      return "CustomerKey";
    }
  }
}
