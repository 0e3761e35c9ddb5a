package dev.sluice.vfs;

import com.sun.jna.Callback;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The functions of libsluice that Java calls, and the callbacks that it calls.
 *
 * <p>Directly mapped and with primitive arguments only: that makes a call up several times cheaper
 * than one with pointers or one through a proxy. Addresses are {@code long}s. Thread-safe once
 * loaded.
 */
final class Libsluice {
  /** What {@link #sluice_interface_version} must say. */
  static final int INTERFACE_VERSION = 5;

  static final int STORE_MMAP = 0;
  static final int STORE_PREAD = 1;

  private static final String JNA_DIRECTORY = "jna.tmpdir";

  private Libsluice() {}

  /**
   * Binds this class to the library in that file; {@link LinkageError} if it cannot be loaded. JNA
   * unpacks a library of its own at its first use: beside ours, unless a setting of JNA's says
   * where, so that one setting of ours is enough where other directories are mounted noexec.
   */
  static void load(Path file) {
    Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent());
    boolean isOurs = System.getProperty(JNA_DIRECTORY) == null && Files.isWritable(directory);
    if (isOurs) {
      System.setProperty(JNA_DIRECTORY, directory.toString());
    }
    try {
      Native.register(Libsluice.class, NativeLibrary.getInstance(file.toString()));
    } finally {
      if (isOurs) {
        System.clearProperty(JNA_DIRECTORY);
      }
    }
  }

  static native int sluice_interface_version();

  static native int sluice_backend_register(
      Open open, Read read, Pin pin, Unpin unpin, Ask ask, Close close);

  static native int sluice_backend_unregister(int timeoutMillis);

  /**
   * Returns whether the connection was interrupted on whose behalf this thread is in a call up, 0
   * if not.
   *
   * @param self the address in that file's open request
   */
  static native int sluice_is_interrupted(long self);

  static native int sluice_counters(long outTotals, int count);

  static native long sluice_memory_map(long bytes);

  static native void sluice_memory_unmap(long memory);

  /**
   * Makes a page store.
   *
   * @param reading {@link #STORE_MMAP} or {@link #STORE_PREAD}
   * @return its address; 0 if there is no memory
   */
  static native long sluice_store_new(int reading);

  static native void sluice_store_free(long store);

  /** The paths are NUL-terminated. */
  static native int sluice_store_attach(long store, byte[] pages, byte[] tags, int pageSize);

  static native int sluice_store_grow(long store, int chunks);

  static native void sluice_store_disable(long store);

  static native int sluice_store_punch(long store, long offset, long bytes);

  static native int sluice_store_memory_file();

  static native void sluice_store_memory_file_close(int fd);

  static native int sluice_store_take_mark(long store, long extent);

  /**
   * Copies a page as a reader in C does; for tests and benchmarks.
   *
   * @param dst address of {@code pageSize} bytes, undefined if the page is not here
   * @return 0 if it is not
   */
  static native int sluice_store_copy(long store, long txid, int pageSize, long pgno, long dst);

  /**
   * What a callback returns when it is done, {@link Ask} apart; a result code otherwise. Not 0:
   * that is what JNA returns for a callback that an exception has left.
   */
  static final int DONE = 0x534c5543;

  /** {@code request}: address of the open request, laid out as backend.h says. */
  interface Open extends Callback {
    int invoke(long request);
  }

  /** {@code dst}: address of {@code bytes} bytes. */
  interface Read extends Callback {
    int invoke(long file, long word, long pgno, long dst, int bytes);
  }

  /** {@code outView}: address of {@value ReplicaFile#VIEW_BYTES} bytes. */
  interface Pin extends Callback {
    int invoke(long file, long outView);
  }

  interface Unpin extends Callback {
    int invoke(long file);
  }

  /**
   * Returns the bytes written to {@code text} plus 1, or a negated result code with the reason
   * there.
   */
  interface Ask extends Callback {
    int invoke(long file, int question, long argument, long text, int capacity);
  }

  interface Close extends Callback {
    int invoke(long file);
  }
}
