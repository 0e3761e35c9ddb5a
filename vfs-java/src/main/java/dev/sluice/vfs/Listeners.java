package dev.sluice.vfs;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.View;
import dev.sluice.cache.ViewException;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells each of its listeners what it is told itself; none of them can keep it from the others, nor
 * from the replica. Thread-safe, and calls no listener under a lock.
 */
final class Listeners implements ReplicaListener {
  private static final Logger log = LoggerFactory.getLogger(Listeners.class);

  private final List<Member> members = new CopyOnWriteArrayList<>();
  private final Set<Replica> open = ConcurrentHashMap.newKeySet();

  /** A listener and the replicas that it knows to be open. */
  private record Member(ReplicaListener listener, Set<Replica> known) {
    void tellOpened(Replica replica) {
      if (known.add(replica)) {
        tell(to -> to.opened(replica));
      }
    }

    void tellClosed(Replica replica) {
      if (known.remove(replica)) {
        tell(to -> to.closed(replica));
      }
    }

    void tell(Consumer<ReplicaListener> what) {
      try {
        what.accept(listener);
      } catch (RuntimeException | Error e) {
        log.warn("a listener failed: {}", listener.getClass().getName(), e);
      }
    }
  }

  /** Adds a listener that is not among them, and tells it which replicas are open. */
  void add(ReplicaListener listener) {
    Member member = new Member(listener, ConcurrentHashMap.newKeySet());
    synchronized (members) {
      if (members.stream().anyMatch(other -> other.listener() == listener)) {
        return;
      }
      members.add(member);
    }
    for (Replica replica : open) {
      member.tellOpened(replica);
      if (!open.contains(replica)) {
        member.tellClosed(replica); // it closed while the listener did not know it
      }
    }
  }

  void remove(ReplicaListener listener) {
    members.removeIf(member -> member.listener() == listener);
  }

  private void tellAll(Consumer<ReplicaListener> what) {
    members.forEach(member -> member.tell(what));
  }

  @Override
  public void opened(Replica replica) {
    open.add(replica);
    members.forEach(member -> member.tellOpened(replica));
  }

  @Override
  public void closed(Replica replica) {
    open.remove(replica);
    members.forEach(member -> member.tellClosed(replica));
  }

  @Override
  public void published(Replica replica, View view) {
    tellAll(to -> to.published(replica, view));
  }

  @Override
  public void relocated(Replica replica, long pages) {
    tellAll(to -> to.relocated(replica, pages));
  }

  @Override
  public void rescued(Replica replica, long pages) {
    tellAll(to -> to.rescued(replica, pages));
  }

  @Override
  public void failed(Replica replica, IOException failure) {
    tellAll(to -> to.failed(replica, failure));
  }

  @Override
  public void ended(Replica replica, ViewException reason) {
    tellAll(to -> to.ended(replica, reason));
  }
}
