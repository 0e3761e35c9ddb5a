package dev.sluice.soak;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.sluice.replicator.SteppedProcess;
import java.util.ArrayList;
import java.util.List;

/**
 * Every moment at which a process may be gone: the constants of the enums whose names end in {@code
 * Step}, wherever they are in the replicator.
 */
final class Steps {

  private Steps() {}

  /** Returns their names, as {@link SteppedProcess} writes them. */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    ClassFileImporter importer =
        new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS);
    for (JavaClass type : importer.importPackages("dev.sluice.replicator")) {
      if (type.isEnum() && type.getSimpleName().endsWith("Step")) {
        for (Object constant : type.reflect().getEnumConstants()) {
          names.add(SteppedProcess.name((Enum<?>) constant));
        }
      }
    }
    return names.stream().sorted().toList();
  }
}
