package dev.sluice.vfs.micrometer;

import dev.sluice.vfs.Sluice;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/**
 * The replicas of this process as meters. In Spring Boot a bean of this class is enough; elsewhere:
 * {@code new SluiceMetrics().bindTo(registry)}.
 *
 * <p>Each meter of a replica has the tag {@code replica}: where it is, without query and
 * credentials. Replicas at one place count together.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><td>{@code sluice.replicas}</td><td>gauge: replicas that are open</td></tr>
 * <tr><td>{@code sluice.replica.txid}</td><td>gauge: TXID of the latest view</td></tr>
 * <tr><td>{@code sluice.replica.lag}</td>
 *   <td>gauge, seconds: since that view was last proven the newest</td></tr>
 * <tr><td>{@code sluice.replica.cached}</td><td>gauge, bytes: pages in memory</td></tr>
 * <tr><td>{@code sluice.replica.kept}</td><td>gauge, bytes: rescued pages</td></tr>
 * <tr><td>{@code sluice.replica.published}</td><td>counter: new views</td></tr>
 * <tr><td>{@code sluice.replica.failures}</td>
 *   <td>counter: looks for transactions, and reads, that failed</td></tr>
 * <tr><td>{@code sluice.replica.ended}</td>
 *   <td>counter: replicas that the storage no longer has, or has others in their place</td></tr>
 * <tr><td>{@code sluice.replica.relocated}</td>
 *   <td>counter, pages: read from another file from then on</td></tr>
 * <tr><td>{@code sluice.replica.rescued}</td>
 *   <td>counter, pages: kept before their files expired</td></tr>
 * <tr><td>{@code sluice.replica.requests}</td>
 *   <td>counter, tag {@code operation}: {@code list}, {@code get}, {@code head}</td></tr>
 * <tr><td>{@code sluice.replica.received}</td><td>counter, bytes of files</td></tr>
 * </table>
 *
 * <p>The meters of a place are there from its first opening on: what failed before somebody looked
 * is still seen. While nothing is open there, TXID and lag are not a number.
 *
 * <p>A registry has these meters once, however many objects of this class are bound to it, and
 * until the last of them is closed. Thread-safe.
 */
public final class SluiceMetrics implements MeterBinder, AutoCloseable {
  private static final Object lock = new Object();

  /**
   * By identity. Guarded by the lock, which is held while meters come and go: never both at once.
   */
  private static final IdentityHashMap<MeterRegistry, Binding> bindings = new IdentityHashMap<>();

  /** Guarded by the lock. */
  private boolean isClosed;

  /** The meters of a registry, and who is bound to it. */
  private record Binding(ReplicaMeters meters, Set<SluiceMetrics> owners) {}

  /** Counts nothing before it is bound. */
  public SluiceMetrics() {}

  /**
   * Puts the meters into a registry that does not have them yet.
   *
   * @throws IllegalStateException after {@link #close()}
   */
  @Override
  public void bindTo(MeterRegistry registry) {
    synchronized (lock) {
      if (isClosed) {
        throw new IllegalStateException("bind the meters of replicas: closed");
      }
      Binding binding = bindings.get(registry);
      if (binding == null) {
        binding =
            new Binding(
                new ReplicaMeters(registry), Collections.newSetFromMap(new IdentityHashMap<>()));
        bindings.put(registry, binding);
        Sluice.addListener(binding.meters());
      }
      binding.owners().add(this);
    }
  }

  /** Takes the meters out of the registries that nobody else is bound to. Idempotent. */
  @Override
  public void close() {
    synchronized (lock) {
      isClosed = true;
      bindings
          .values()
          .removeIf(
              binding -> {
                if (binding.owners().remove(this) && binding.owners().isEmpty()) {
                  Sluice.removeListener(binding.meters());
                  binding.meters().close();
                  return true;
                }
                return false;
              });
    }
  }
}
