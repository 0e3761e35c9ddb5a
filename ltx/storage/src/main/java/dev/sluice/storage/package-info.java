/**
 * Where LTX files live: the contract of a storage, file names and layouts, restore plans, retries
 * and metering.
 */
@NullMarked
package dev.sluice.storage;

import org.jspecify.annotations.NullMarked;
