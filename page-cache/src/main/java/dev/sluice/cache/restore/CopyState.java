package dev.sluice.cache.restore;

import dev.sluice.ltx.Txid;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;

/**
 * One state of a followed copy, and how page 1 of the copy tells that it is this one.
 *
 * <p>The copy's pages are the primary's but for the database header
 * (https://sqlite.org/fileformat2.html#the_database_header): rollback-journal mode, the size, a
 * change counter that is drawn anew for each state, so that readers drop what they cached and a
 * program that wrote to the copy is found out, and a schema cookie laid over with a mask. The mask
 * changes where the history may have forked: two states of different pasts can have one cookie.
 * Immutable.
 *
 * @param txid the TXID
 * @param counter the change counter
 * @param cookieMask what the schema cookie is combined with by exclusive or
 */
record CopyState(Txid txid, int counter, int cookieMask) {
  private static final int WRITE_VERSION_AT = 18;
  private static final int READ_VERSION_AT = 19;
  private static final int CHANGE_COUNTER_AT = 24;
  private static final int COMMIT_AT = 28;
  private static final int SCHEMA_COOKIE_AT = 40;
  private static final int VERSION_VALID_FOR_AT = 92;
  private static final byte ROLLBACK_JOURNAL = 1;

  /** Returns a state that follows on this one. */
  CopyState next(Txid later, boolean isOnePast, RandomGenerator random) {
    int other = counter;
    while (other == counter) {
      other = random.nextInt();
    }
    return new CopyState(later, other, isOnePast ? cookieMask : random.nextInt());
  }

  /**
   * Lays the header over page 1.
   *
   * @param page as an LTX file holds it; changed
   */
  void stamp(byte[] page, long commit) {
    page[WRITE_VERSION_AT] = ROLLBACK_JOURNAL;
    page[READ_VERSION_AT] = ROLLBACK_JOURNAL;
    ByteBuffer fields = ByteBuffer.wrap(page);
    fields.putInt(CHANGE_COUNTER_AT, counter);
    fields.putInt(COMMIT_AT, (int) commit);
    fields.putInt(SCHEMA_COOKIE_AT, fields.getInt(SCHEMA_COOKIE_AT) ^ cookieMask);
    fields.putInt(VERSION_VALID_FOR_AT, counter);
  }

  /** Takes the mask off a page 1 that {@link #stamp} was applied to. */
  void unmask(byte[] page) {
    ByteBuffer fields = ByteBuffer.wrap(page);
    fields.putInt(SCHEMA_COOKIE_AT, fields.getInt(SCHEMA_COOKIE_AT) ^ cookieMask);
  }

  /** Returns whether a copy's page 1 says that it is this state. */
  boolean is(byte[] page) {
    return ByteBuffer.wrap(page).getInt(CHANGE_COUNTER_AT) == counter;
  }
}
