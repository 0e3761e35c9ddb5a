package dev.sluice.soak;

import dev.sluice.replicator.SteppedProcess;
import java.io.IOException;
import java.util.Optional;

/**
 * Asks a daemon now and then to bring all that is committed into the replica, and keeps what it has
 * said to be there: that must never be missing, whatever becomes of the daemon. Confined to one
 * thread.
 */
final class Acknowledged {
  private final Journal journal;
  private int requests;
  private Optional<Request> open = Optional.empty();
  private long number;
  private int count;

  /** What was committed when the daemon was asked. */
  private record Request(Child daemon, int id, long committed) {}

  Acknowledged(Journal journal) {
    this.journal = journal;
  }

  /** Asks a daemon, if none is asked. */
  void ask(Child daemon) throws IOException {
    if (open.isEmpty()) {
      journal.read();
      requests++;
      open = Optional.of(new Request(daemon, requests, journal.lastCommitted()));
      daemon.say(SteppedProcess.SYNC + requests);
    }
  }

  /** Returns the number of the last transaction that the replica has, as a daemon has said. */
  long number() {
    open.ifPresent(this::look);
    return number;
  }

  /** Returns how often a daemon has said so. */
  int count() {
    return count;
  }

  private void look(Request request) {
    String answer = SteppedProcess.SYNCED + request.id() + " ";
    boolean isOver = !request.daemon().isAlive(); // asked before its output is read
    if (request.daemon().output().lines().anyMatch(line -> line.startsWith(answer))) {
      number = Math.max(number, request.committed());
      count++;
      open = Optional.empty();
    } else if (isOver) {
      open = Optional.empty();
    }
  }
}
