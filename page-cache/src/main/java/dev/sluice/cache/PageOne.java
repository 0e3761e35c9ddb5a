package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What a view shows of the first 100 bytes of page 1, the header of an SQLite database
 * (https://sqlite.org/fileformat2.html#the_database_header): rollback-journal mode, because there
 * is no WAL beside a replica; the view's size; and a change counter made from its TXID, so that
 * SQLite keeps its page cache exactly as long as the view is the same. And a schema cookie that is
 * another where the history may have forked: SQLite keeps what it parsed of the schema as long as
 * the cookie is the same, and two states of different pasts can have one cookie.
 */
final class PageOne {

  /** The size of the header. */
  static final int BYTES = 100;

  private static final int WRITE_VERSION_AT = 18;
  private static final int READ_VERSION_AT = 19;
  private static final int CHANGE_COUNTER_AT = 24;
  private static final int COMMIT_AT = 28;
  private static final int SCHEMA_COOKIE_AT = 40;
  private static final int VERSION_VALID_FOR_AT = 92;
  private static final byte ROLLBACK_JOURNAL = 1;
  private static final int HIGH_HALF_FACTOR = 0x9E3779B1;

  private PageOne() {}

  /**
   * Returns the patched header.
   *
   * @param page page 1 as the file holds it, at least 100 bytes; not changed
   */
  static byte[] header(byte[] page, Txid txid, long commit) {
    byte[] header = Arrays.copyOf(page, BYTES);
    header[WRITE_VERSION_AT] = ROLLBACK_JOURNAL;
    header[READ_VERSION_AT] = ROLLBACK_JOURNAL;
    ByteBuffer fields = ByteBuffer.wrap(header);
    fields.putInt(CHANGE_COUNTER_AT, changeCounter(txid));
    fields.putInt(COMMIT_AT, (int) commit);
    fields.putInt(VERSION_VALID_FOR_AT, changeCounter(txid));
    return header;
  }

  /**
   * Returns a header with another schema cookie for each epoch, the header's own for epoch 0.
   *
   * @param header not changed
   */
  static byte[] inSchemaEpoch(byte[] header, int epoch) {
    byte[] other = header.clone();
    ByteBuffer fields = ByteBuffer.wrap(other);
    fields.putInt(SCHEMA_COOKIE_AT, fields.getInt(SCHEMA_COOKIE_AT) ^ epoch * HIGH_HALF_FACTOR);
    return other;
  }

  /** Neighbouring TXIDs, and TXIDs that differ in the high half alone, have different counters. */
  private static int changeCounter(Txid txid) {
    return (int) txid.value() ^ (int) (txid.value() >>> Integer.SIZE) * HIGH_HALF_FACTOR;
  }
}
