package dev.sluice.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;

/** The floors by package, and who may see which vendor's types. */
final class PackageRules {

  /**
   * Packages of each floor, from the ground up; a package may know its own kind and what lies on
   * lower floors.
   */
  private static final List<List<String>> FLOORS =
      List.of(
          List.of("ltx"),
          List.of("storage"),
          List.of("cache"),
          List.of("vfs"),
          List.of("replicator", "cli"),
          List.of("jmh"));

  private static final String[] STORAGE_VENDORS = {
    "software.amazon..", "com.google.cloud..", "com.azure..", "io.nats..", "io.netty.."
  };

  private static final String NULL_MARKED = "org.jspecify.annotations.NullMarked";

  private PackageRules() {}

  /** Returns the rules for the packages below {@code base}. */
  static List<ArchRule> of(String base) {
    List<ArchRule> rules = new ArrayList<>();
    for (int floor = 0; floor < FLOORS.size(); floor++) {
      rules.add(floorRule(base, floor));
    }
    String contract = base + ".storage";
    rules.add(
        noClasses()
            .that(resideInAPackage(contract).or(resideInAPackage(contract + ".text")))
            .should()
            .dependOnClassesThat(
                resideInAPackage(contract + "..")
                    .and(not(resideInAnyPackage(contract, contract + ".text"))))
            .because("the contract knows no backend"));
    rules.add(
        noClasses()
            .that(
                resideInAnyPackage(
                    base + ".ltx..", contract, contract + ".text", base + ".cache.."))
            .should()
            .dependOnClassesThat(resideInAnyPackage(STORAGE_VENDORS))
            .because("no storage vendor's type leaves its backend"));
    rules.add(onlyIn(base, "com.sun.jna..", base + ".vfs..", base + ".jmh.."));
    rules.add(
        onlyIn(
            base,
            "org.sqlite..",
            base + ".vfs..",
            base + ".cli..",
            base + ".replicator..",
            base + ".jmh.."));
    rules.add(onlyIn(base, "io.micrometer..", base + ".vfs.micrometer.."));
    rules.add(
        noClasses()
            .that(
                resideInAPackage(base + "..")
                    .and(not(resideInAPackage(base + ".vfs.micrometer.."))))
            .should()
            .dependOnClassesThat(resideInAPackage(base + ".vfs.micrometer.."))
            .because("Micrometer is optional: what refers to it does not load without it"));
    rules.add(onlyIn(base, "software.amazon..", contract + ".s3.."));
    rules.add(onlyIn(base, "picocli..", base + ".cli.."));
    rules.add(onlyIn(base, "io.prometheus..", base + ".replicator.metrics.."));
    rules.add(onlyIn(base, "com.fasterxml..", base + ".replicator.control.."));
    rules.add(onlyIn(base, "io.netty..", base + ".replicator.control..", contract + ".s3.."));
    rules.add(
        classes()
            .that(resideInAPackage(base + ".ltx.."))
            .should()
            .onlyDependOnClassesThat(
                resideInAnyPackage("java..", "net.jpountz..", "org.jspecify..", base + ".ltx.."))
            .because("the format needs an LZ4 library, nothing else"));
    return rules.stream().map(rule -> rule.allowEmptyShould(true)).toList();
  }

  private static ArchRule floorRule(String base, int floor) {
    List<String> above = new ArrayList<>();
    for (List<String> packages : FLOORS.subList(floor + 1, FLOORS.size())) {
      packages.forEach(name -> above.add(base + "." + name + ".."));
    }
    above.add(base + ".testkit..");
    String[] own =
        FLOORS.get(floor).stream().map(name -> base + "." + name + "..").toArray(String[]::new);
    return noClasses()
        .that(resideInAnyPackage(own))
        .should()
        .dependOnClassesThat(resideInAnyPackage(above.toArray(String[]::new)))
        .because("arrows point down only");
  }

  private static ArchRule onlyIn(String base, String vendor, String... homes) {
    return noClasses()
        .that(resideInAPackage(base + "..").and(not(resideInAnyPackage(homes))))
        .should()
        .dependOnClassesThat(resideInAPackage(vendor))
        .because(vendor + " is known to " + String.join(", ", homes) + " only");
  }

  /** Returns the packages with classes that are not null-marked by their package-info. */
  static List<String> notNullMarked(JavaClasses classes) {
    return classes.stream()
        .map(JavaClass::getPackage)
        .distinct()
        .filter(found -> !isNullMarked(found))
        .map(JavaPackage::getName)
        .sorted()
        .toList();
  }

  private static boolean isNullMarked(JavaPackage found) {
    return found.tryGetPackageInfo().map(mark -> mark.isAnnotatedWith(NULL_MARKED)).orElse(false);
  }
}
