package dev.sluice.storage;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds the client for a replica URL: {@code file} is built in, other schemes come from artifacts
 * on the class path.
 */
public final class ReplicaClients {
  private static final Map<String, String> ARTIFACTS = Map.of("s3", "dev.sluice:sluice-storage-s3");

  private ReplicaClients() {}

  /**
   * Returns a client for the replica. Makes no request. The caller closes it.
   *
   * @throws IllegalArgumentException if no provider serves the scheme (the message says which are
   *     known and what to add) or the provider cannot use the URL
   */
  public static ReplicaClient open(ReplicaUrl url, Environment environment) {
    Found found = Found.now();
    ReplicaClientProvider provider = found.byScheme().get(url.scheme());
    if (provider == null) {
      IllegalArgumentException unknown =
          new IllegalArgumentException(
              unknownScheme(url.scheme(), found.byScheme().keySet()) + found.brokenText());
      found.broken().forEach(unknown::addSuppressed);
      throw unknown;
    }
    try {
      return provider.open(url, environment);
    } catch (LinkageError e) {
      throw new IllegalArgumentException(
          "the storage provider of " + url.scheme() + ": cannot be loaded: " + e, e);
    }
  }

  /** Returns the schemes that {@link #open} serves, sorted. */
  public static Set<String> schemes() {
    return Collections.unmodifiableSet(Found.now().byScheme().keySet());
  }

  private static String unknownScheme(String scheme, Set<String> known) {
    String remedy =
        ARTIFACTS.containsKey(scheme)
            ? "; add " + ARTIFACTS.get(scheme) + " to the class path"
            : "";
    return "replica URL scheme \""
        + scheme
        + "\" is unknown (known: "
        + String.join(", ", known)
        + ")"
        + remedy;
  }

  /**
   * What there is. A provider that cannot be loaded is nobody's concern but of those who ask for a
   * scheme that nobody serves.
   */
  private record Found(TreeMap<String, ReplicaClientProvider> byScheme, List<Throwable> broken) {
    /** A loader that fails again and again on its way to the next provider is left. */
    private static final int FAILURES_MAX = 20;

    /**
     * The context class loader of a pool's thread often does not see the libraries of a web
     * application, and the loader of this class does not see what an application adds beside a
     * shared library: both are asked.
     */
    static Found now() {
      Found found = new Found(new TreeMap<>(), new ArrayList<>());
      found.add(new FileReplicaClientProvider());
      ClassLoader own = ReplicaClients.class.getClassLoader();
      found.addAll(ServiceLoader.load(ReplicaClientProvider.class, own).iterator());
      ClassLoader context = Thread.currentThread().getContextClassLoader();
      if (context != null && context != own) {
        found.addAll(ServiceLoader.load(ReplicaClientProvider.class, context).iterator());
      }
      return found;
    }

    private void addAll(Iterator<ReplicaClientProvider> providers) {
      boolean again = true;
      while (again) {
        try {
          again = providers.hasNext();
          if (again) {
            add(providers.next());
          }
        } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
          broken.add(e);
          again = broken.size() < FAILURES_MAX;
        }
      }
    }

    private void add(ReplicaClientProvider provider) {
      provider.schemes().forEach(scheme -> byScheme.putIfAbsent(scheme, provider));
    }

    String brokenText() {
      if (broken.isEmpty()) {
        return "";
      }
      return "; "
          + (broken.size() == 1 ? "a storage provider" : broken.size() + " storage providers")
          + " cannot be loaded: "
          + broken.get(0).getMessage();
    }
  }
}
