package dev.sluice.storage.history;

import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.SideObject;
import dev.sluice.storage.SideObjects;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Objects in memory, each written with a version of its own. Thread-safe. */
public final class MemoryObjects implements SideObjects {
  private final Map<String, SideObject> objects = new HashMap<>();
  private final String location;
  private boolean isUnconditional;
  private long versions;

  MemoryObjects(String location) {
    this.location = location;
  }

  /** Has conditions ignored from now on, as storages do that do not know them. */
  public synchronized void ignoreConditions() {
    isUnconditional = true;
  }

  /** Returns how many objects there are. */
  public synchronized int count() {
    return objects.size();
  }

  @Override
  public synchronized CompletableFuture<Optional<SideObject>> read(String name) {
    SideObjects.requireName(name);
    return CompletableFuture.completedFuture(Optional.ofNullable(objects.get(name)));
  }

  @Override
  public synchronized CompletableFuture<String> create(String name, byte[] content) {
    return write(name, content, !objects.containsKey(name));
  }

  @Override
  public synchronized CompletableFuture<String> replace(
      String name, byte[] content, String version) {
    Optional<SideObject> now = Optional.ofNullable(objects.get(name));
    return write(name, content, now.filter(is -> is.version().equals(version)).isPresent());
  }

  private CompletableFuture<String> write(String name, byte[] content, boolean isAllowed) {
    SideObjects.requireName(name);
    if (!isAllowed && !isUnconditional) {
      return CompletableFuture.failedFuture(
          new ReplicaException.Conflict(location + "/" + name + ": the condition does not hold"));
    }
    versions++;
    objects.put(name, new SideObject(content.clone(), "v" + versions));
    return CompletableFuture.completedFuture("v" + versions);
  }

  @Override
  public synchronized CompletableFuture<Void> delete(String name) {
    objects.remove(name);
    return CompletableFuture.completedFuture(true).thenAccept(done -> {});
  }
}
