package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClientProvider;
import dev.sluice.storage.ReplicaUrl;
import java.util.Set;

/**
 * Makes clients for {@code s3://BUCKET/PATH?KEY=VALUE}, as Litestream 0.5 writes it. Host forms are
 * those of {@link S3Host}.
 *
 * <table>
 *   <caption>Query keys; each may be written in kebab or in camel case</caption>
 *   <tr><th>key</th><th>default</th><th>what it does</th></tr>
 *   <tr><td>endpoint</td><td>AWS, or what the host form or LITESTREAM_S3_ENDPOINT says</td><td>an S3-compatible server; without scheme http for local and private hosts, else https</td></tr>
 *   <tr><td>region</td><td>of the host form; with an endpoint us-east-1; else found through the bucket's redirect, beginning at AWS_REGION or us-east-1</td><td>where the bucket is, also signed</td></tr>
 *   <tr><td>force-path-style</td><td>true with a custom endpoint, else by host form</td><td>the bucket stands in the path</td></tr>
 *   <tr><td>skip-verify</td><td>false</td><td>any TLS certificate is accepted</td></tr>
 *   <tr><td>sign-payload</td><td>true</td><td>bodies are part of the signature; over plain http they always are</td></tr>
 *   <tr><td>require-content-md5</td><td>true; false for Tigris</td><td>batch deletes carry Content-MD5</td></tr>
 *   <tr><td>storage-class</td><td>the bucket's</td><td>of files we write</td></tr>
 *   <tr><td>part-size</td><td>5 MiB</td><td>bytes, 5 MiB to 5 GiB: files of this size or more are written in parts</td></tr>
 *   <tr><td>concurrency</td><td>5; 2 for Cloudflare R2</td><td>parts of one file on their way at once, up to 10,000</td></tr>
 *   <tr><td>sse-customer-algorithm, sse-customer-key, sse-customer-key-md5</td><td>none; AES256; computed</td><td>encryption with a key of ours, for reads too; needs https unless the endpoint is local</td></tr>
 *   <tr><td>sse-kms-key-id</td><td>none</td><td>encryption by AWS KMS, for writes; not together with a customer key</td></tr>
 * </table>
 *
 * <p>Any other key is refused, and at once every value that can be in no request: a bucket with
 * capitals or underscores needs force-path-style=true. Different from Litestream: a flag that is
 * neither true nor false is refused (there it is false), credentials in the URL are refused (there
 * they are ignored), the region needs no permission to ask for the bucket's location,
 * AWS_SESSION_TOKEN is used with AWS_ACCESS_KEY_ID, LITESTREAM_S3_DEBUG does nothing. Credentials
 * are those of {@link S3Credentials}.
 *
 * <p>Thread-safe.
 */
public final class S3ReplicaClientProvider implements ReplicaClientProvider {

  /** For {@link java.util.ServiceLoader}. */
  public S3ReplicaClientProvider() {}

  @Override
  public Set<String> schemes() {
    return Set.of("s3");
  }

  @Override
  public ReplicaClient open(ReplicaUrl url, Environment environment) {
    return S3ReplicaClient.open(url, environment);
  }
}
