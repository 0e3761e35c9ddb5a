package dev.sluice.ltx;

import java.util.Objects;

/** A frame that lies in an array. */
final class FrameSlice implements FrameBytes<LtxFormatException> {
  private final byte[] array;
  private final int offset;
  private final int frameBytes;
  private final String file;
  private final long fileOffset;

  FrameSlice(byte[] array, int offset, int frameBytes, String file, long fileOffset) {
    Objects.checkFromIndexSize(offset, frameBytes, array.length);
    this.array = array;
    this.offset = offset;
    this.frameBytes = frameBytes;
    this.file = file;
    this.fileOffset = fileOffset;
  }

  @Override
  public int require(int at, int count) throws LtxFormatException {
    if (count > frameBytes - at) {
      throw broken(
          frameBytes,
          "the page frame of "
              + frameBytes
              + " bytes ends "
              + (count - (frameBytes - at))
              + " bytes short");
    }
    return offset + at;
  }

  @Override
  public byte[] array() {
    return array;
  }

  @Override
  public String file() {
    return file;
  }

  @Override
  public long fileOffset() {
    return fileOffset;
  }
}
