package dev.sluice.vfs;

import dev.sluice.cache.Hold;
import dev.sluice.cache.Replica;
import dev.sluice.cache.View;

/**
 * A view that stays readable until it is let go of. Immutable.
 *
 * @param hold keeps what the view needs
 */
record HeldView(View view, Hold hold) implements AutoCloseable {

  static HeldView of(Replica replica, View view) {
    return new HeldView(view, replica.hold(view));
  }

  @Override
  public void close() {
    hold.close();
  }
}
