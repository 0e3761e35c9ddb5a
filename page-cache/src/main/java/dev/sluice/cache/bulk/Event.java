package dev.sluice.cache.bulk;

import java.io.IOException;

/** Something that a reading hears of, on its own thread. */
@FunctionalInterface
interface Event {
  void happen() throws IOException;
}
