package dev.sluice.storage;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;

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
    List<ReplicaClientProvider> providers = providers();
    for (ReplicaClientProvider provider : providers) {
      if (provider.schemes().contains(url.scheme())) {
        return provider.open(url, environment);
      }
    }
    throw new IllegalArgumentException(unknownScheme(url.scheme(), schemes(providers)));
  }

  /** Returns the schemes that {@link #open} serves, sorted. */
  public static Set<String> schemes() {
    return schemes(providers());
  }

  private static Set<String> schemes(List<ReplicaClientProvider> providers) {
    Set<String> schemes = new TreeSet<>();
    providers.forEach(provider -> schemes.addAll(provider.schemes()));
    return Collections.unmodifiableSet(schemes);
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
   * The context class loader of a pool's thread often does not see the libraries of a web
   * application, and the loader of this class does not see what an application adds beside a shared
   * library: both are asked.
   */
  private static List<ReplicaClientProvider> providers() {
    List<ReplicaClientProvider> providers = new ArrayList<>();
    providers.add(new FileReplicaClientProvider());
    try {
      ServiceLoader.load(ReplicaClientProvider.class, ReplicaClients.class.getClassLoader())
          .forEach(providers::add);
      ClassLoader context = Thread.currentThread().getContextClassLoader();
      if (context != null && context != ReplicaClients.class.getClassLoader()) {
        ServiceLoader.load(ReplicaClientProvider.class, context).forEach(providers::add);
      }
    } catch (ServiceConfigurationError e) {
      throw new IllegalArgumentException(
          "a storage provider cannot be loaded: " + e.getMessage(), e);
    }
    return providers;
  }
}
