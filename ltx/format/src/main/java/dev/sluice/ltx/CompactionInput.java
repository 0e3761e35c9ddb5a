package dev.sluice.ltx;

import java.io.IOException;
import java.io.InputStream;

/**
 * One file of a compaction: its name and how to read it.
 *
 * @param file how the file is named in messages: a URL or path, without credentials
 * @param opener opens the file; called once
 */
public record CompactionInput(String file, Opener opener) {

  /** Opens one file from its first byte. */
  public interface Opener {

    /** Returns the content; it need not be buffered, and is closed by the compaction. */
    InputStream open() throws IOException;
  }
}
