package dev.sluice.storage.s3;

import java.util.Locale;
import java.util.regex.Pattern;

/** The rules for names that become part of a request's address: what breaks them is never sent. */
final class S3Names {
  private static final Pattern REGION =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?");
  private static final Pattern HOST_BUCKET = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?");

  /** The oldest of AWS, and those of other servers, are less strict. */
  private static final Pattern PATH_BUCKET = Pattern.compile("[A-Za-z0-9._-]{1,255}");

  private static final Pattern ACCESS_POINT =
      Pattern.compile(
          "arn:aws[a-z-]*:s3(-object-lambda)?:[a-z0-9-]+:\\d{12}:accesspoint/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  private S3Names() {}

  static void checkRegion(String region) {
    if (!REGION.matcher(region).matches()) {
      throw new IllegalArgumentException(
          "s3: region=" + region + " is not letters, digits and hyphens");
    }
  }

  /**
   * Checks a bucket's name or an access point's ARN.
   *
   * @throws IllegalArgumentException if no request can be made with it
   */
  static void checkBucket(String bucket, boolean isPathStyle) {
    if (bucket.toLowerCase(Locale.ROOT).startsWith("arn:")) {
      if (!ACCESS_POINT.matcher(bucket).matches()) {
        throw new IllegalArgumentException(
            "s3: \"" + bucket + "\" is not arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME");
      }
    } else if (!PATH_BUCKET.matcher(bucket).matches()) {
      throw new IllegalArgumentException(
          "s3: bucket \"" + bucket + "\" is not letters, digits, dots, hyphens and underscores");
    } else if (!isPathStyle && !HOST_BUCKET.matcher(bucket).matches()) {
      throw new IllegalArgumentException(
          "s3: bucket \""
              + bucket
              + "\" cannot stand in a host name, which has no capitals or underscores; force-path-style=true puts it in the path");
    }
  }
}
