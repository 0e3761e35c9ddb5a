package dev.sluice.cli;

import java.io.IOException;
import java.util.List;

/** Rows in columns, each as wide as its widest cell. */
final class Table {
  private Table() {}

  /** Prints rows of as many cells as the first one, which names the columns. */
  static void print(Output out, List<List<String>> rows) throws IOException {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int column = 0; column < columns; column++) {
        widths[column] = Math.max(widths[column], row.get(column).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < columns; column++) {
        String cell = row.get(column);
        line.append(cell).append(" ".repeat(widths[column] - cell.length() + 2));
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
