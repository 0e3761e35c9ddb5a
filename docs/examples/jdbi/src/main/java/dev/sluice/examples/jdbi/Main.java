package dev.sluice.examples.jdbi;

import java.util.List;
import org.jdbi.v3.core.Jdbi;

/**
 * Prints which boats of a river lock are new or were renamed since a TXID. The arguments are the
 * replica, as {@code file:docs/example}, and the TXID.
 */
public final class Main {

  /** A row of the table. */
  public record Boat(int id, String name, String kind) {}

  private Main() {}

  public static void main(String[] args) {
    String url = "jdbc:sqlite:file:lock.db?vfs=litestream&mode=ro&replica_url=" + args[0];
    Jdbi now = Jdbi.create(url);
    // The past is another URL. It shares the replica's files and cache with the present.
    Jdbi then = Jdbi.create(url + "&txid=" + args[1]);
    List<Boat> known = boats(then);
    for (Boat boat : boats(now)) {
      if (!known.contains(boat)) {
        System.out.println(boat.id() + " " + boat.name() + " (" + boat.kind() + ")");
      }
    }
  }

  private static List<Boat> boats(Jdbi lock) {
    return lock.withHandle(
        handle ->
            handle
                .createQuery("SELECT id, name, kind FROM boat ORDER BY id")
                .map((row, context) -> new Boat(row.getInt(1), row.getString(2), row.getString(3)))
                .list());
  }
}
