package dev.sluice.cli;

import java.io.IOException;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * How the rows of one statement are written. Confined to one thread at a time; used for one
 * statement after another.
 */
interface RowFormat {

  /** Begins a statement that has a result, be it empty. */
  void begin(ResultSet rows) throws SQLException, IOException;

  /** Writes the row on which {@code rows} stands. */
  void row(ResultSet rows) throws SQLException, IOException;

  /** Ends the statement after its last row. */
  void end() throws IOException;

  /** Ends the statement in the middle, because it failed: what was written stays. */
  void broken() throws IOException;
}
