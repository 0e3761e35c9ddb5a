package dev.sluice.storage;

/** An object as it was read. Immutable, if nobody changes the array. */
public final class SideObject {
  private final byte[] content;
  private final String version;

  /**
   * Keeps the array.
   *
   * @param version equal means unchanged
   */
  public SideObject(byte[] content, String version) {
    this.content = content;
    this.version = version;
  }

  /** Returns all bytes. The receiver owns the array. */
  public byte[] content() {
    return content;
  }

  public String version() {
    return version;
  }
}
