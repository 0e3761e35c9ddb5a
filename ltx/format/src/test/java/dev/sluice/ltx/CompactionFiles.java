package dev.sluice.ltx;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Compactions of files in memory, as tests make them. */
final class CompactionFiles {

  /** A compaction and what it wrote. */
  record Written(Compaction summary, ByteArrayOutputStream out) {
    byte[] bytes() {
      return out.toByteArray();
    }
  }

  private CompactionFiles() {}

  /** Returns inputs named {@code input-0}, {@code input-1} and so on. */
  static List<CompactionInput> inputs(List<byte[]> files) {
    List<CompactionInput> inputs = new ArrayList<>();
    for (byte[] file : files) {
      inputs.add(
          new CompactionInput("input-" + inputs.size(), () -> new ByteArrayInputStream(file)));
    }
    return inputs;
  }

  static Written compact(List<byte[]> files) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxCompactor compactor = new LtxCompactor(inputs(files))) {
      Compaction summary = compactor.writeTo(out);
      return new Written(summary, out);
    }
  }
}
