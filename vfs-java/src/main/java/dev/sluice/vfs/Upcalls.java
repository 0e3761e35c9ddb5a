package dev.sluice.vfs;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import dev.sluice.storage.Environment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where C's calls arrive. No exception goes back: each becomes a result code, and its reason is
 * kept for the user. What is done about a failure may fail as well, so that stands in a catch-all
 * that only returns a constant; and if even that is left by an exception JNA returns 0, which is
 * nobody's success.
 *
 * <p>Thread-safe. Whoever registers it holds it for as long as it is registered: the callbacks are
 * reachable from here only.
 */
final class Upcalls {
  private static final Logger log = LoggerFactory.getLogger(Upcalls.class);

  /*
   * The open request (backend.h):
   *
   *   0 i64 parameters   8 i32 bytes  12 i32 flags | 16 i64 file  24 i64 control  32 i32 is fixed
   *  36 i32 is unlocked  40 i64 self  48 i64 store | 56 char[2000] reason
   */
  private static final int REQUEST_BYTES = 2056;
  private static final int REQUEST_PARAMETERS = 0;
  private static final int REQUEST_PARAMETERS_BYTES = 8;
  private static final int REQUEST_FILE = 16;
  private static final int REQUEST_CONTROL = 24;
  private static final int REQUEST_IS_FIXED = 32;
  private static final int REQUEST_IS_UNLOCKED = 36;
  private static final int REQUEST_SELF = 40;
  private static final int REQUEST_STORE = 48;
  private static final int REQUEST_REASON = 56;

  private static final int ASK_TIME = 1;
  private static final int ASK_LAG = 2;
  private static final int ASK_ERROR = 3;
  private static final int ASK_SET_TIME = 4;
  private static final int ASK_WAIT_TXID = 5;
  private static final int ASK_HYDRATION_PROGRESS = 6;
  private static final int ASK_HYDRATION_FILE = 7;

  private final Backend backend;
  private final Environment environment;
  private final OpenFiles files = new OpenFiles();

  private final Libsluice.Open open = this::open;
  private final Libsluice.Read read = this::read;
  private final Libsluice.Pin pin = this::pin;
  private final Libsluice.Unpin unpin = this::unpin;
  private final Libsluice.Ask ask = this::ask;
  private final Libsluice.Close close = this::close;

  Upcalls(Backend backend, Environment environment) {
    this.backend = backend;
    this.environment = environment;
  }

  /**
   * Makes these the callbacks that serve: {@link ResultCodes#OK}, or {@link ResultCodes#BUSY} if
   * others do.
   */
  int register() {
    return Libsluice.sluice_backend_register(open, read, pin, unpin, ask, close);
  }

  /** Closes what is still open, when C calls here no more. */
  void closeFiles() {
    files.removeAll().forEach(ReplicaFile::close);
  }

  private int open(long request) {
    long number = 0;
    try {
      ByteBuffer fields = memory(request, REQUEST_BYTES);
      ReplicaFile file = backend.open(openRequest(fields));
      number = files.add(file);
      fields.putLong(REQUEST_FILE, number);
      fields.putLong(REQUEST_CONTROL, file.controlAddress());
      fields.putLong(REQUEST_STORE, file.storeAddress());
      fields.putInt(REQUEST_IS_FIXED, file.isFixed() ? 1 : 0);
      return Libsluice.DONE;
    } catch (Throwable failure) {
      return openFailed(request, number, failure);
    }
  }

  private int openFailed(long request, long number, Throwable failure) {
    try {
      if (number != 0) {
        files.remove(number).close();
      }
      ByteBuffer fields = memory(request, REQUEST_BYTES);
      int code = ResultCodes.ofOpen(failure);
      String reason = reason(failure);
      putText(fields.duplicate().position(REQUEST_REASON).slice(), reason);
      logFailure("open replica \"" + label(fields) + "\"", reason, failure);
      return code;
    } catch (Throwable again) {
      return ResultCodes.CANTOPEN;
    }
  }

  private OpenRequest openRequest(ByteBuffer request) {
    long self = request.getLong(REQUEST_SELF);
    return new OpenRequest(
        ReplicaParameters.parse(parametersText(request), environment),
        request.getInt(REQUEST_IS_UNLOCKED) != 0,
        () -> Libsluice.sluice_is_interrupted(self) != 0);
  }

  private static byte[] parametersText(ByteBuffer request) {
    byte[] text = new byte[request.getInt(REQUEST_PARAMETERS_BYTES)];
    memory(request.getLong(REQUEST_PARAMETERS), text.length).get(text);
    return text;
  }

  private static String label(ByteBuffer request) {
    String text = new String(parametersText(request), StandardCharsets.UTF_8);
    return text.substring(0, text.indexOf('\0'));
  }

  private int read(long number, long word, long pgno, long dst, int bytes) {
    try {
      files.get(number).read(word, pgno, memory(dst, bytes));
      return Libsluice.DONE;
    } catch (Throwable failure) {
      return failed(number, "read a page", failure, ResultCodes.IOERR_READ);
    }
  }

  private int pin(long number, long outView) {
    try {
      files.get(number).pin(memory(outView, ReplicaFile.VIEW_BYTES));
      return Libsluice.DONE;
    } catch (Throwable failure) {
      return failed(number, "pin a view", failure, ResultCodes.ofPin(failure));
    }
  }

  private int unpin(long number) {
    try {
      files.get(number).unpin();
      return Libsluice.DONE;
    } catch (Throwable failure) {
      return failed(number, "unpin a view", failure, ResultCodes.ERROR);
    }
  }

  private int close(long number) {
    try {
      files.remove(number).close();
      return Libsluice.DONE;
    } catch (Throwable failure) {
      return closeFailed(failure);
    }
  }

  private static int closeFailed(Throwable failure) {
    try {
      logFailure("close replica", reason(failure), failure);
    } catch (Throwable again) {
      // The code says that it failed; there is nowhere left to say why.
    }
    return ResultCodes.ERROR;
  }

  private int ask(long number, int question, long argument, long text, int capacity) {
    try {
      ByteBuffer given = memory(text, capacity);
      return putText(given.duplicate(), answer(files.get(number), question, argument, given)) + 1;
    } catch (Throwable failure) {
      return askFailed(text, capacity, failure);
    }
  }

  private static int askFailed(long text, int capacity, Throwable failure) {
    try {
      putText(memory(text, capacity), reason(failure));
      return -ResultCodes.of(failure, ResultCodes.ERROR);
    } catch (Throwable again) {
      return 0; // what C takes for a failure without words
    }
  }

  private static String answer(ReplicaFile file, int question, long argument, ByteBuffer given)
      throws IOException {
    return switch (question) {
      case ASK_TIME -> file.time(argument);
      case ASK_LAG -> Long.toString(file.lagSeconds(argument));
      case ASK_ERROR -> {
        if (argument != 0) {
          file.failed("");
        }
        yield file.error();
      }
      case ASK_SET_TIME -> file.setTime(text(given));
      case ASK_WAIT_TXID -> {
        String[] values = text(given).split("\n", 2);
        yield file.awaitTxid(values[0], values[1]);
      }
      case ASK_HYDRATION_PROGRESS -> file.hydrationProgress();
      case ASK_HYDRATION_FILE -> file.hydrationFile();
      default -> throw new IllegalStateException("question " + question);
    };
  }

  /**
   * Keeps and logs the reason. That may fail too (a stack that is used up still is; a message that
   * cannot be made), and then the code alone must do.
   */
  private int failed(long number, String doing, Throwable failure, int otherwise) {
    int code = otherwise;
    try {
      code = ResultCodes.of(failure, otherwise);
      String reason = reason(failure);
      if (code != ResultCodes.INTERRUPT) { // nothing is wrong then
        files.get(number).failed(reason);
      }
      logFailure(doing, reason, failure);
    } catch (Throwable again) {
      return code;
    }
    return code;
  }

  /**
   * What is expected to fail is a line; what is not comes with its trace. Whoever calls a wait off
   * knows.
   */
  private static void logFailure(String doing, String reason, Throwable failure) {
    if (ResultCodes.of(failure, ResultCodes.ERROR) == ResultCodes.INTERRUPT) {
      log.debug("{}: {}", doing, reason);
    } else if (failure instanceof IOException || failure instanceof IllegalArgumentException) {
      log.warn("{}: {}", doing, reason);
      log.debug("{}", doing, failure);
    } else {
      log.error("{}: {}", doing, reason, failure);
    }
  }

  private static String reason(Throwable failure) {
    String message = failure.getMessage();
    return message == null || message.isBlank()
        ? failure.getClass().getSimpleName().toLowerCase(Locale.ROOT)
        : message.lines().map(String::strip).reduce((a, b) -> a + " " + b).orElse(message);
  }

  /** Returns the text up to its NUL. */
  private static String text(ByteBuffer src) {
    byte[] bytes = new byte[src.remaining()];
    int length = 0;
    while (length < bytes.length && src.get(length) != 0) {
      bytes[length] = src.get(length);
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  /** Writes as many whole characters as fit, and a NUL; returns the bytes before it. */
  private static int putText(ByteBuffer dst, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, dst.remaining() - 1);
    while (length < bytes.length && length > 0 && (bytes[length] & 0xC0) == 0x80) {
      length--;
    }
    dst.put(bytes, 0, length).put((byte) 0);
    return length;
  }

  private static ByteBuffer memory(long address, int bytes) {
    return new Pointer(address).getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
  }

  /** Returns the address of a direct buffer's first byte. */
  static long address(ByteBuffer direct) {
    return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
  }
}
