package dev.sluice.architecture;

import dev.sluice.architecture.Module.Dependency;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** What each module may depend on. */
final class ModuleRules {

  private static final String STORAGE = "sluice-storage";
  private static final String TESTKIT = "sluice-testkit";
  private static final String EXAMPLE = "sluice-example-";
  private static final int PROGRAMS = 4;

  private static final Map<String, Integer> FLOORS =
      Map.of(
          "sluice-ltx",
          0,
          "sluice-vfs-native",
          0,
          STORAGE,
          1,
          "sluice-page-cache",
          2,
          "sluice-vfs",
          3,
          "sluice-replicator",
          PROGRAMS,
          "sluice-jmh",
          5);

  /**
   * Everything else of a vendor that a module may have at run time; a module that is not named has
   * no limit here.
   */
  private static final Map<String, Set<String>> VENDORS =
      Map.of(
          "sluice-ltx",
          Set.of("lz4-java"),
          "sluice-vfs-native",
          Set.of(),
          STORAGE,
          Set.of("slf4j-api"),
          "sluice-page-cache",
          Set.of("caffeine", "slf4j-api"),
          "sluice-vfs",
          Set.of("jna", "sqlite-jdbc", "slf4j-api", "micrometer-core"));

  /** What a library works without: whoever uses it brings it along. */
  private static final Set<String> OPTIONAL = Set.of("micrometer-core");

  /** Groups and artifacts that write a log somewhere: an application chooses one, no library. */
  private static final Set<String> LOGGING_BACKENDS =
      Set.of(
          "ch.qos.logback",
          "org.apache.logging.log4j",
          "ch.qos.reload4j",
          "org.slf4j:slf4j-simple",
          "org.slf4j:slf4j-nop",
          "org.slf4j:slf4j-jdk14",
          "org.slf4j:slf4j-jdk-platform-logging",
          "org.slf4j:slf4j-reload4j");

  /**
   * Vendor groups that only these modules may have at run time, and those on floors above get
   * through them.
   */
  private static final Map<String, Set<String>> OWNERS =
      Map.of(
          "net.java.dev.jna", Set.of("sluice-vfs", "sluice-jmh"),
          "org.xerial", Set.of("sluice-vfs", "sluice-replicator", "sluice-jmh"),
          "software.amazon.awssdk", Set.of("sluice-storage-s3"));

  private ModuleRules() {}

  /** Returns what is wrong, a sentence each; empty if nothing is. */
  static List<String> violations(List<Module> modules) {
    List<String> violations = new ArrayList<>();
    for (Module module : modules) {
      if (module.isAggregator() || module.artifact().equals(TESTKIT)) {
        module.dependencies().stream()
            .filter(Dependency::isOurs)
            .forEach(
                d ->
                    violations.add(
                        module.artifact()
                            + " depends on "
                            + d.artifact()
                            + ": it may know none of ours"));
      } else if (floor(module.artifact()).isEmpty()) {
        violations.add(module.artifact() + " has no floor: give it one");
      } else {
        module.dependencies().forEach(d -> check(module.artifact(), d, violations));
      }
    }
    return violations;
  }

  private static void check(String module, Dependency dependency, List<String> violations) {
    if (dependency.isOurs()) {
      checkFloor(module, dependency, violations);
    } else if (!dependency.isTest()) {
      checkVendor(module, dependency, violations);
    }
  }

  private static void checkFloor(String module, Dependency dependency, List<String> violations) {
    String target = dependency.artifact();
    if (target.equals(TESTKIT)) {
      if (!dependency.isTest()) {
        violations.add(
            module
                + " depends on "
                + target
                + " in scope "
                + dependency.scope()
                + ": only tests may");
      }
      return;
    }
    OptionalInt from = floor(module);
    OptionalInt to = floor(target);
    if (to.isEmpty()) {
      violations.add(module + " depends on " + target + ", which has no floor");
      return;
    }
    boolean isBackendToContract = isBackend(module) && target.equals(STORAGE);
    if (to.getAsInt() >= from.getAsInt() && !isBackendToContract) {
      violations.add(
          module
              + " (floor "
              + from.getAsInt()
              + ") depends on "
              + target
              + " (floor "
              + to.getAsInt()
              + ")");
    }
  }

  private static void checkVendor(String module, Dependency dependency, List<String> violations) {
    Set<String> allowed = VENDORS.get(module);
    if (allowed != null && !allowed.contains(dependency.artifact())) {
      violations.add(
          module + " depends on " + dependency.artifact() + ", which is not among " + allowed);
    }
    if (OPTIONAL.contains(dependency.artifact()) && !dependency.isOptional()) {
      violations.add(
          module + " depends on " + dependency.artifact() + ", which is not marked as optional");
    }
    if (isLibrary(module) && isLoggingBackend(dependency)) {
      violations.add(
          module
              + " depends on "
              + dependency.artifact()
              + " in scope "
              + dependency.scope()
              + ": a library logs through SLF4J only");
    }
    Set<String> owners = OWNERS.get(dependency.group());
    if (owners != null && !owners.contains(module)) {
      violations.add(
          module
              + " depends on "
              + dependency.group()
              + ":"
              + dependency.artifact()
              + ", only "
              + owners
              + " may");
    }
  }

  private static boolean isLibrary(String module) {
    return floor(module).orElse(0) < PROGRAMS;
  }

  private static boolean isLoggingBackend(Dependency dependency) {
    return LOGGING_BACKENDS.contains(dependency.group())
        || LOGGING_BACKENDS.contains(dependency.group() + ":" + dependency.artifact());
  }

  private static boolean isBackend(String artifact) {
    return artifact.startsWith(STORAGE + "-");
  }

  private static OptionalInt floor(String artifact) {
    String standsWith = isBackend(artifact) ? STORAGE : artifact;
    Integer floor = FLOORS.get(artifact.startsWith(EXAMPLE) ? "sluice-jmh" : standsWith);
    return floor == null ? OptionalInt.empty() : OptionalInt.of(floor);
  }
}
